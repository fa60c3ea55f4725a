"""The schema the product was asked for, as a table of facts, and what we added to it.

A line says one thing of its table: a column (type, null, default), a key, an index with its columns
and their order, a foreign key with its rule, a CHECK with values it allows and refuses, a view's columns.
What starts with `+` is ours. `or (...)` are the columns of a partial
index where the database has no such thing; `only on` names the one database that has it.
"""

# ruff: noqa: E501

SCHEMA = """
users
    id bigint not null auto
    email varchar(255) not null
    password varchar(255) not null
    roles varchar(255) not null default 'USER'
    created_at timestamp default now
    updated_at timestamp default now
    primary key (id)
    unique (email)
    index idx_users_email (email)
    index idx_users_created_at (created_at)
  + last_login timestamp
  + is_active boolean not null default true
  + time_zone varchar(50) not null default ''
  + totp text not null default ''
  + totp_step bigint not null default 0
  + issuer varchar(255) not null default ''
  + subject varchar(64)
  + unique (subject)

jobs
    id varchar(26) not null
    owner_id bigint not null
    name varchar(255) not null
    type varchar(50) not null
    status varchar(50) not null default 'PENDING'
    priority varchar(20) not null default 'MEDIUM'
    created_at timestamp default now
    updated_at timestamp default now
    primary key (id)
    foreign key (owner_id) references users on delete cascade
    index idx_jobs_owner (owner_id)
    index idx_jobs_type (type)
    index idx_jobs_status (status)
    index idx_jobs_priority (priority)
    index idx_jobs_created_at (created_at)
    index idx_jobs_composite_status_type (status, type, created_at)
    index idx_jobs_composite_owner_status (owner_id, status, updated_at)
    check chk_jobs_type on type allows 'HTTP' 'DATABASE' 'FILE_SYSTEM' 'MESSAGE_QUEUE' 'CACHE' 'EMAIL' 'REPORT' 'SCRIPT' 'DUMMY' 'DB_TO_KAFKA' refuses 'FTP'
    check chk_jobs_status on status allows 'PENDING' 'SCHEDULED' 'RUNNING' 'SUCCEEDED' 'FAILED' 'CANCELLED' 'PAUSED' refuses 'BROKEN'
    check chk_jobs_priority on priority allows 'LOW' 'MEDIUM' 'HIGH' refuses 'CRITICAL'
  + description text not null default ''
  + version integer not null default 1
  + safe_to_repeat boolean
  + index idx_jobs_name (name, id)
  + index idx_jobs_updated_at (updated_at, id)
  + index idx_jobs_name_words of words only on postgresql

job_schedules
    id bigint not null auto
    job_id varchar(26) not null
    schedule_type varchar(20) not null
    run_at timestamp
    cron_expression varchar(255)
    interval_seconds bigint
    timezone varchar(50) default 'UTC'
    misfire_policy varchar(20) default 'FIRE_NOW'
    primary key (id)
    unique (job_id)
    foreign key (job_id) references jobs on delete cascade
    index idx_job_schedules_job_id (job_id)
    index idx_job_schedules_run_at (run_at)
    index idx_job_schedules_type (schedule_type)
    check chk_schedule_type on schedule_type allows 'ONCE' 'CRON' 'INTERVAL' refuses 'HOURLY'
    check chk_misfire_policy on misfire_policy allows 'FIRE_NOW' 'IGNORE' 'RESCHEDULE' refuses 'RUN_TWICE'
    check chk_schedule_consistency on interval_seconds refuses NULL
  + overlap_policy varchar(20) not null default 'SKIP'
  + starts_at timestamp
  + ends_at timestamp
  + jitter_seconds integer not null default 0
  + anchor_at timestamp
  + next_fire_at timestamp
  + held_fire_at timestamp
  + paused_until timestamp
  + start_within_seconds integer
  + end_by time
  + resumed_at timestamp
  + problem text not null default ''
  + index idx_job_schedules_next_fire_at (next_fire_at)
  + partial index idx_job_schedules_paused_until (paused_until) or (paused_until)
  + partial index idx_job_schedules_problem (job_id) or (job_id)
  + check chk_overlap_policy on overlap_policy allows 'SKIP' 'QUEUE' 'ALLOW' 'CANCEL_RUNNING' refuses 'PILE_UP'

job_payloads
    id bigint not null auto
    job_id varchar(26) not null
    type varchar(50) not null
    http_url varchar(2048)
    http_method varchar(10)
    http_headers json
    http_body text
    timeout_seconds integer
    script_content text
    database_url varchar(2048)
    query text
    parameters json
    query_timeout_seconds integer
    max_rows integer
    read_only boolean default true
    transaction_isolation varchar(50)
    queue_name varchar(255)
    operation_type varchar(50)
    message_body text
    message_group_id varchar(255)
    queue_config json
    batch_size integer
    cache_region varchar(255)
    cache_operation varchar(50)
    cache_keys json
    time_to_live_seconds integer
    skip_if_exists boolean default false
    source_region varchar(255)
    cache_config json
    async boolean default false
    file_path varchar(2048)
    file_operation varchar(50)
    target_path varchar(2048)
    file_content text
    create_directories boolean default false
    overwrite boolean default false
    kafka_topic varchar(255)
    kafka_key_field varchar(255)
    include_metadata boolean default false
    skip_on_error boolean default false
    field_mappings json
    excluded_fields json
    metadata json
  + host varchar(255) not null default ''
    primary key (id)
    unique (job_id)
    foreign key (job_id) references jobs on delete cascade
    index idx_job_payloads_job_id (job_id)
    index idx_job_payloads_type (type)
    check chk_payload_type_consistency on type refuses 'FTP'

retry_policies
    id bigint not null auto
    job_id varchar(26) not null
    max_attempts integer not null default 1
    backoff_strategy varchar(20) not null default 'FIXED'
    backoff_seconds integer not null default 60
    retry_on json
    primary key (id)
    unique (job_id)
    foreign key (job_id) references jobs on delete cascade
    index idx_retry_policies_job_id (job_id)
    check chk_max_attempts on max_attempts allows 1 10 refuses 0
    check chk_backoff_seconds on backoff_seconds allows 0 3600 refuses -1
    check chk_backoff_strategy on backoff_strategy allows 'FIXED' 'EXPONENTIAL' refuses 'RANDOM'
    check chk_retry_sanity on max_attempts refuses 11
  + jitter boolean not null default false

job_runs
    id varchar(26) not null
    job_id varchar(26) not null
    scheduled_time timestamp not null
    start_time timestamp
    end_time timestamp
    attempt integer not null default 1
    outcome varchar(20)
    exit_code integer
    error_message text
    worker_id varchar(255)
    duration_ms bigint
    primary key (id)
    foreign key (job_id) references jobs on delete cascade
    index idx_job_runs_job_id (job_id)
    index idx_job_runs_scheduled_time (scheduled_time)
    index idx_job_runs_outcome (outcome)
    index idx_job_runs_worker_id (worker_id)
    index idx_job_runs_composite_job_time (job_id, scheduled_time desc)
    index idx_job_runs_composite_outcome_time (outcome, end_time desc)
    check chk_outcome on outcome allows 'SUCCESS' 'FAILURE' 'TIMEOUT' 'CANCELLED' refuses 'PERHAPS'
  + available_at timestamp default now
  + trigger varchar(10) not null default 'SCHEDULE'
  + version integer not null default 1
  + priority smallint not null default 2
  + claim_token varchar(26)
  + lease_expires_at timestamp
  + cancel_requested_at timestamp
  + error_class varchar(64)
  + signature varchar(64)
  + result json
  + skip_reason varchar(20)
  + skipped_count integer
  + parameters json
  + replay_of_id varchar(26)
  + unique (job_id, scheduled_time, attempt)
  + foreign key (replay_of_id) references job_runs on delete set null
  + partial index idx_job_runs_pending (priority, available_at) or (start_time, outcome, priority, available_at)
  + partial index idx_job_runs_active (job_id, lease_expires_at) or (job_id, outcome)
  + partial index idx_job_runs_lease (lease_expires_at) or (outcome, lease_expires_at)
  + partial index idx_job_runs_waiting (job_id) or (job_id, outcome, available_at)
  + partial index idx_job_runs_replay_of (replay_of_id) or (replay_of_id)
  + partial index idx_job_runs_broken (job_id, end_time desc) or (job_id, outcome, end_time desc)

job_run_logs
    id bigint not null auto
    run_id varchar(26) not null
    timestamp timestamp not null default now
    level varchar(10) not null default 'INFO'
    message text not null
    context json
    primary key (id)
    foreign key (run_id) references job_runs on delete cascade
    index idx_job_run_logs_run_id (run_id)
    index idx_job_run_logs_timestamp (timestamp)
    index idx_job_run_logs_level (level)
    check chk_level on level allows 'TRACE' 'DEBUG' 'INFO' 'WARN' 'ERROR' refuses 'FATAL'

notifications
    id bigint not null auto
    user_id bigint not null
    job_id varchar(26)
    channel varchar(20) not null
    target varchar(255) not null
    template_code varchar(50) not null
    payload json
    status varchar(20) not null default 'PENDING'
    created_at timestamp default now
    sent_at timestamp
    primary key (id)
    foreign key (user_id) references users on delete cascade
    foreign key (job_id) references jobs on delete set null
    index idx_notifications_user_id (user_id)
    index idx_notifications_job_id (job_id)
    index idx_notifications_status (status)
    index idx_notifications_created_at (created_at)
    index idx_notifications_composite_user_status (user_id, status, created_at desc)
    check chk_channel on channel allows 'EMAIL' 'WEBHOOK' 'SMS' refuses 'PIGEON'
    check chk_notification_status on status allows 'PENDING' 'SENT' 'FAILED' 'CANCELLED' refuses 'LOST'
  + rule_id varchar(26)
  + contact_id varchar(26)
  + run_id varchar(26)
  + event_key varchar(100)
  + group_key varchar(100) not null default ''
  + open_key varchar(100)
  + count integer not null default 1
  + attempts integer not null default 0
  + next_attempt_at timestamp default now
  + held_until timestamp
  + claim_token varchar(26) not null default ''
  + lease_expires_at timestamp
  + resent integer not null default 0
  + subject varchar(255) not null default ''
  + answer text not null default ''
  + error text not null default ''
  + unique (open_key)
  + unique (event_key, rule_id, contact_id)
  + foreign key (rule_id) references notification_rules on delete set null
  + foreign key (contact_id) references notification_targets on delete set null
  + foreign key (run_id) references job_runs on delete set null
  + index idx_notifications_status_id (status, id)
  + index idx_notifications_rule (rule_id, id)
  + index idx_notifications_contact (contact_id, id)
  + index idx_notifications_group (group_key, id)
  + partial index idx_notifications_run (run_id) or (run_id)
  + partial index idx_notifications_due (next_attempt_at) or (status, next_attempt_at)

dlq_events
    id varchar(26) not null
    job_id varchar(26) not null
    run_id varchar(26)
    failure_reason text not null
    status varchar(20) not null default 'PENDING'
    created_at timestamp default now
    resolved_at timestamp
    resolution_notes text
    primary key (id)
    foreign key (job_id) references jobs on delete cascade
    foreign key (run_id) references job_runs on delete set null
    index idx_dlq_events_job_id (job_id)
    index idx_dlq_events_run_id (run_id)
    index idx_dlq_events_status (status)
    index idx_dlq_events_created_at (created_at)
    check chk_dlq_status on status allows 'PENDING' 'RESOLVED' 'IGNORED' refuses 'FORGOTTEN'
  + signature varchar(64)
  + replays integer not null default 0
  + replayed_at timestamp
  + replay_failed_at timestamp
  + closed_by_id bigint
  + assignee_id bigint
  + unique (run_id)
  + foreign key (closed_by_id) references users on delete set null
  + foreign key (assignee_id) references users on delete set null
  + index idx_dlq_events_signature (status, signature, created_at desc, job_id)
  + index idx_dlq_events_closed_by (closed_by_id)
  + index idx_dlq_events_assignee (assignee_id, status)
  + index idx_dlq_events_resolved_at (resolved_at)

audit_events
    id varchar(26) not null
    entity_type varchar(50) not null
    entity_id varchar(255) not null
    action varchar(50) not null
    user_email varchar(255)
    timestamp timestamp default now
    details json
    primary key (id)
    index idx_audit_events_entity (entity_type, entity_id)
    index idx_audit_events_user (user_email)
    index idx_audit_events_timestamp (timestamp)
    index idx_audit_events_action (action)
    index idx_audit_events_composite_entity_time (entity_type, entity_id, timestamp desc)
  + address varchar(45)
  + via varchar(10)
  + index idx_audit_events_user_newest (user_email, id)
  + index idx_audit_events_action_newest (action, id)
  + index idx_audit_events_type_newest (entity_type, id)

+ audit_seals
  + number integer not null
  + previous varchar(64) not null
  + events integer not null
  + content varchar(64) not null
  + hash varchar(64) not null
  + sealed_at timestamp default now
  + primary key (number)

+ audit_sealed_events
  + event_id varchar(26) not null
  + seal integer not null
  + hash varchar(64) not null
  + primary key (event_id)
  + index idx_audit_sealed_events_seal (seal, event_id)

+ audit_verifications
  + id integer not null
  + ended_at timestamp not null
  + seal integer not null
  + events integer not null
  + problem text not null
  + primary key (id)

+ job_versions
  + id bigint not null auto
  + job_id varchar(26) not null
  + version integer not null
  + definition json not null
  + created_at timestamp not null default now
  + author_id bigint
  + note varchar(255) not null
  + once boolean not null default false
  + primary key (id)
  + unique (job_id, version)
  + foreign key (job_id) references jobs on delete cascade
  + foreign key (author_id) references users on delete set null
  + index idx_job_versions_author (author_id)

+ run_stats
  + id bigint not null auto
  + hour timestamp not null
  + type varchar(50) not null
  + outcome varchar(20) not null
  + count bigint not null default 0
  + took_ms bigint not null default 0
  + took_100ms bigint not null default 0
  + took_1s bigint not null default 0
  + took_10s bigint not null default 0
  + took_1m bigint not null default 0
  + took_10m bigint not null default 0
  + took_1h bigint not null default 0
  + waited_ms bigint not null default 0
  + waited_100ms bigint not null default 0
  + waited_1s bigint not null default 0
  + waited_10s bigint not null default 0
  + waited_1m bigint not null default 0
  + waited_10m bigint not null default 0
  + primary key (id)
  + unique (hour, type, outcome)

+ processes
  + name varchar(255) not null
  + kind varchar(10) not null
  + host varchar(255) not null
  + pid integer not null
  + slots integer not null default 0
  + busy integer not null default 0
  + started_at timestamp not null default now
  + beat_at timestamp not null default now
  + stopped_at timestamp
  + version varchar(40) not null default ''
  + primary key (name)
  + index idx_processes_kind_beat (kind, beat_at desc)

+ secrets
  + id varchar(26) not null
  + name varchar(64) not null
  + owner_id bigint
  + description varchar(255) not null default ''
  + token text not null
  + created_at timestamp not null default now
  + changed_at timestamp not null default now
  + primary key (id)
  + unique (name)
  + foreign key (owner_id) references users on delete cascade
  + index idx_secrets_owner (owner_id)

+ job_memories
  + job_id varchar(26) not null
  + state json not null
  + changed_at timestamp not null
  + tick timestamp
  + primary key (job_id)
  + foreign key (job_id) references jobs on delete cascade

+ run_artefacts
  + id varchar(26) not null
  + run_id varchar(26) not null
  + name varchar(255) not null
  + media_type varchar(100) not null
  + size bigint not null
  + sha256 varchar(64) not null
  + created_at timestamp not null default now
  + primary key (id)
  + foreign key (run_id) references job_runs on delete cascade
  + index idx_run_artefacts_run (run_id)

+ run_artefact_parts
  + id bigint not null auto
  + artefact_id varchar(26) not null
  + number integer not null
  + content blob not null
  + primary key (id)
  + unique (artefact_id, number)
  + foreign key (artefact_id) references run_artefacts on delete cascade

+ trials
  + id varchar(26) not null
  + person_id bigint not null
  + owner_id bigint not null
  + job_id varchar(26) not null
  + definition json not null
  + parameters json not null
  + created_at timestamp not null
  + started_at timestamp
  + lease_expires_at timestamp
  + ended_at timestamp
  + cancel_requested_at timestamp
  + worker_id varchar(255) not null
  + outcome varchar(20)
  + error_class varchar(64) not null
  + error_message text not null
  + result json
  + lines json not null
  + primary key (id)
  + foreign key (person_id) references users on delete cascade
  + index idx_trials_waiting (started_at, outcome, created_at)
  + index idx_trials_person (person_id, created_at)

+ job_tags
  + id bigint not null auto
  + job_id varchar(26) not null
  + name varchar(50) not null
  + primary key (id)
  + unique (job_id, name)
  + foreign key (job_id) references jobs on delete cascade
  + index idx_job_tags_name (name, job_id)

+ job_days
  + id bigint not null auto
  + job_id varchar(26) not null
  + day date not null
  + succeeded integer not null default 0
  + failed integer not null default 0
  + timed_out integer not null default 0
  + cancelled integer not null default 0
  + skipped integer not null default 0
  + took_ms bigint not null default 0
  + slowest_ms bigint not null default 0
  + primary key (id)
  + unique (job_id, day)
  + foreign key (job_id) references jobs on delete cascade
  + index idx_job_days_day (day)

+ stops
  + id bigint not null auto
  + kind varchar(20) not null
  + name varchar(100) not null
  + since timestamp not null default now
  + by_id bigint
  + note varchar(255) not null
  + primary key (id)
  + unique (kind, name)
  + foreign key (by_id) references users on delete set null
  + index idx_stops_by (by_id)

+ retention_rules
  + id bigint not null auto
  + subject varchar(40) not null
  + days integer
  + primary key (id)
  + unique (subject)

+ bulk_operations
  + id varchar(26) not null
  + action varchar(40) not null
  + by_id bigint
  + parameters json not null
  + conditions json not null
  + state varchar(20) not null
  + total integer not null
  + done integer not null
  + refused integer not null
  + created_at timestamp not null default now
  + ended_at timestamp
  + cancel_requested_at timestamp
  + claim_token varchar(26) not null
  + lease_expires_at timestamp
  + resumes_at timestamp
  + stopped_because varchar(255) not null default ''
  + undoes_id varchar(26)
  + primary key (id)
  + unique (undoes_id)
  + foreign key (by_id) references users on delete set null
  + foreign key (undoes_id) references bulk_operations on delete set null
  + index idx_bulk_operations_by (by_id, created_at)
  + partial index idx_bulk_operations_open (id) or (ended_at)

+ bulk_items
  + id bigint not null auto
  + operation_id varchar(26) not null
  + target_id varchar(26) not null
  + state varchar(20) not null default 'PENDING'
  + message varchar(255) not null default ''
  + before json
  + primary key (id)
  + unique (operation_id, target_id)
  + foreign key (operation_id) references bulk_operations on delete cascade
  + index idx_bulk_items_state (operation_id, state, id)

+ failure_signatures
  + signature varchar(64) not null
  + title varchar(255) not null
  + error_class varchar(64) not null
  + first_seen_at timestamp not null
  + last_seen_at timestamp not null
  + events integer not null default 0
  + resolved integer not null default 0
  + ignored integer not null default 0
  + decision varchar(20) not null default ''
  + notes text not null
  + decided_at timestamp
  + decided_by_id bigint
  + primary key (signature)
  + foreign key (decided_by_id) references users on delete set null
  + index idx_failure_signatures_class (error_class)
  + index idx_failure_signatures_decided_by (decided_by_id)

+ acknowledgements
  + id varchar(26) not null
  + job_id varchar(26)
  + signature varchar(64) not null default ''
  + by_id bigint
  + note varchar(255) not null default ''
  + until timestamp
  + created_at timestamp not null default now
  + ended_at timestamp
  + ended_by varchar(20) not null default ''
  + open_for varchar(80)
  + primary key (id)
  + unique (open_for)
  + check chk_acknowledgements_subject on signature refuses 'x'
  + check chk_acknowledgements_open on open_for refuses NULL
  + foreign key (job_id) references jobs on delete cascade
  + foreign key (by_id) references users on delete set null
  + index idx_acknowledgements_job (job_id)
  + index idx_acknowledgements_by (by_id)

+ saved_views
  + id bigint not null auto
  + owner_id bigint not null
  + page varchar(20) not null
  + name varchar(60) not null
  + query varchar(2000) not null
  + shared boolean not null
  + created_at timestamp not null default now
  + primary key (id)
  + unique (owner_id, page, name)
  + foreign key (owner_id) references users on delete cascade

+ notification_targets
  + id varchar(26) not null
  + owner_id bigint not null
  + name varchar(100) not null
  + channel varchar(20) not null
  + address varchar(255) not null
  + settings json not null
  + token text not null
  + shared boolean not null
  + enabled boolean not null
  + created_at timestamp not null default now
  + updated_at timestamp not null default now
  + verified_at timestamp
  + last_ok_at timestamp
  + last_error_at timestamp
  + last_error text not null
  + failures_in_a_row integer not null
  + open_until timestamp
  + primary key (id)
  + foreign key (owner_id) references users on delete cascade
  + index idx_notification_targets_owner (owner_id, name)
  + check chk_notification_targets_channel on channel allows 'EMAIL' refuses 'PIGEON'

+ notification_rules
  + id varchar(26) not null
  + name varchar(100) not null
  + owner_id bigint not null
  + scope varchar(10) not null
  + job_id varchar(26)
  + tag varchar(50) not null
  + of_owner_id bigint
  + events json not null
  + after_failures integer not null
  + group_seconds integer not null
  + remind_seconds integer
  + quiet_from time
  + quiet_until time
  + zone varchar(50) not null
  + urgent_breaks_through boolean not null
  + digest varchar(10) not null
  + digest_at time
  + enabled boolean not null
  + muted_until timestamp
  + created_at timestamp not null default now
  + updated_at timestamp not null default now
  + primary key (id)
  + foreign key (owner_id) references users on delete cascade
  + foreign key (job_id) references jobs on delete cascade
  + foreign key (of_owner_id) references users on delete cascade
  + index idx_notification_rules_owner (owner_id, name)
  + index idx_notification_rules_job (job_id)
  + index idx_notification_rules_of_owner (of_owner_id)
  + check chk_notification_rules_scope on scope refuses 'SOME'
  + check chk_notification_rules_after_failures on after_failures allows 1 refuses 0

+ notification_rule_targets
  + id bigint not null auto
  + rule_id varchar(26) not null
  + contact_id varchar(26) not null
  + primary key (id)
  + unique (rule_id, contact_id)
  + foreign key (rule_id) references notification_rules on delete cascade
  + foreign key (contact_id) references notification_targets on delete cascade
  + index idx_notification_rule_targets_contact (contact_id)

+ notification_templates
  + id bigint not null auto
  + code varchar(50) not null
  + channel varchar(20) not null
  + subject varchar(255) not null
  + text text not null
  + html text not null
  + updated_at timestamp not null default now
  + updated_by_id bigint
  + primary key (id)
  + unique (code, channel)
  + foreign key (updated_by_id) references users on delete set null
  + index idx_notification_templates_updated_by (updated_by_id)

+ alerts
  + id bigint not null auto
  + rule_id varchar(26) not null
  + kind varchar(10) not null
  + job_id varchar(26)
  + run_id varchar(26)
  + about varchar(40) not null
  + reason varchar(255) not null
  + open_key varchar(100)
  + count integer not null
  + opened_at timestamp not null
  + last_at timestamp not null
  + told_at timestamp
  + remind_at timestamp
  + reminded integer not null
  + closed_at timestamp
  + primary key (id)
  + unique (open_key)
  + foreign key (rule_id) references notification_rules on delete cascade
  + foreign key (job_id) references jobs on delete cascade
  + foreign key (run_id) references job_runs on delete set null
  + index idx_alerts_rule (rule_id)
  + index idx_alerts_job (job_id, closed_at)
  + partial index idx_alerts_run (run_id) or (run_id)
  + partial index idx_alerts_open (remind_at) or (closed_at, remind_at)

+ heartbeats
  + key varchar(26) not null
  + job_id varchar(26)
  + token text not null
  + host varchar(255) not null
  + due_at timestamp
  + lease_expires_at timestamp
  + last_sent_at timestamp
  + last_error_at timestamp
  + last_error varchar(255) not null
  + primary key (key)
  + unique (job_id)
  + foreign key (job_id) references jobs on delete cascade
  + partial index idx_heartbeats_due (due_at) or (due_at)

+ sign_ins
  + id bigint not null auto
  + owner_id bigint not null
  + session_key varchar(40) not null
  + address varchar(45) not null
  + agent varchar(200) not null
  + created_at timestamp not null default now
  + seen_at timestamp not null default now
  + primary key (id)
  + unique (session_key)
  + foreign key (owner_id) references users on delete cascade
  + index idx_sign_ins_owner (owner_id)

+ recovery_codes
  + id bigint not null auto
  + owner_id bigint not null
  + digest varchar(64) not null
  + primary key (id)
  + unique (owner_id, digest)
  + foreign key (owner_id) references users on delete cascade

+ api_tokens
  + id varchar(26) not null
  + owner_id bigint not null
  + name varchar(60) not null
  + scope varchar(10) not null
  + prefix varchar(12) not null
  + digest varchar(64) not null
  + created_at timestamp not null default now
  + expires_at timestamp not null
  + last_used_at timestamp
  + revoked_at timestamp
  + primary key (id)
  + unique (digest)
  + foreign key (owner_id) references users on delete cascade
  + index idx_api_tokens_owner (owner_id)

+ api_answers
  + id bigint not null auto
  + owner_id bigint not null
  + key varchar(200) not null
  + digest varchar(64) not null
  + status smallint not null
  + location varchar(200) not null
  + body text not null
  + created_at timestamp not null default now
  + primary key (id)
  + unique (owner_id, key)
  + foreign key (owner_id) references users on delete cascade
  + index idx_api_answers_created_at (created_at)

job_summary
    view (id, name, type, status, priority, owner_email, schedule_type, run_at, cron_expression, total_runs, last_run_time, avg_duration_ms)

execution_stats
    view (execution_date, job_type, outcome, execution_count, avg_duration_ms, min_duration_ms, max_duration_ms)
"""
