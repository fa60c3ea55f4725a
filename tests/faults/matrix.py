"""What can go wrong, and which tests show that nothing is lost by it.

A fault without tests has not been shown to be harmless: it says what is missing. One of a live installation
ends with everything healed and awaited, the checker's verdict and the doctor's.
"""

from dataclasses import dataclass

ANYWHERE, ALL = ("sqlite", "postgresql"), ("sqlite", "postgresql", "mariadb")
SQLITE, POSTGRESQL = ("sqlite",), ("postgresql",)


@dataclass(frozen=True)
class Fault:
    id: str
    what: str
    tests: tuple[str, ...]
    databases: tuple[str, ...] = ANYWHERE
    # An installation of real processes goes through it.
    live: bool = False
    missing: str = ""

    @property
    def nodes(self):
        """The tests as pytest names them."""
        return [node(each) for each in self.tests]


def node(short):
    """`runs/claim::a_thing_happens`, perhaps with a class between, as pytest names it."""
    module, *classes, claim = short.split("::")
    folder, _, name = module.rpartition("/")
    return "::".join([f"tests/{folder}/test_{name}.py", *classes, f"test_{claim}"])


A_DEAD_SCHEDULER = "faults/every_statement::a_scheduler_that_dies_anywhere_in_a_round_leaves_the_same_rows"
A_DEAD_WORKER = (
    "faults/every_statement::a_worker_that_dies_anywhere_loses_nothing_and_repeats_only_what_is_safe"
)
A_DEAD_RESCUER = "faults/every_statement::a_scheduler_that_dies_anywhere_in_a_rescue_leaves_the_same_rows"
AN_EMPTY_STORE = "faults/redis::a_store_that_is_emptied_and_killed_under_load"
AN_ABSENT_STORE = "faults/redis::a_store_that_is_away_for_half_a_minute_and_comes_back_empty"
FIVE_SCHEDULERS = "faults/schedulers::five_schedulers_fire_each_tick_once_though_a_run_kills_its_workers"
A_KILLED_WORKER = "faults/workers::a_process_whose_worker_is_killed_stops_as_if_it_had_been_asked_to"
A_KILLED_PROCESS = "faults/workers::what_a_killed_process_worked_on_is_found_within_its_lease"

A_STORM = "notifications/storm::thousands_of_failures_make_a_known_number_of_messages_with_each_event_in_one"

A_YEAR = "runs/fire::TestFire::a_year_of_seconds_is_caught_up_at_once_with_every_tick_counted"

MATRIX = (
    Fault("F01", "A scheduler is killed before any statement of a round", (A_DEAD_SCHEDULER, A_DEAD_RESCUER)),
    Fault("F02", "Five schedulers at once", (FIVE_SCHEDULERS,), live=True),
    Fault(
        "F03",
        "A scheduler stands still while others go on, and wakes up",
        ("faults/network::a_scheduler_that_stood_still_fires_nothing_twice",),
        live=True,
    ),
    Fault(
        "F04",
        "No scheduler for a long time",
        ("runs/fire::TestFire::an_outage_never_floods", "runs/reckon::every_tick_is_accounted_for_in_order"),
        ALL,
    ),
    Fault("F05", "A bell is rung, and the process that rang dies", (A_DEAD_SCHEDULER,)),
    Fault("F06", "Redis is away when bells are to be rung", (AN_ABSENT_STORE,), live=True),
    Fault("F07", "Redis is killed and comes back empty", (AN_EMPTY_STORE, AN_ABSENT_STORE), live=True),
    Fault("F08", "Redis is emptied under load", (AN_EMPTY_STORE,), live=True),
    Fault(
        "F09",
        "Redis refuses: it holds something else, is a replica or full",
        (
            "runs/ring::what_is_no_queue_is_cleared_away_and_silences_no_other",
            "faults/redis::a_store_that_takes_nothing_only_delays",
        ),
        SQLITE,
        live=True,
    ),
    Fault(
        "F10",
        "Redis takes everything and answers nothing",
        (
            "faults/network::a_store_behind_a_black_hole_loses_nothing_and_ends_nobody",
            "faults/network::a_store_whose_connections_are_cut_again_and_again_and_drip",
        ),
        live=True,
    ),
    Fault("F11", "A worker is killed while its process works", (A_KILLED_WORKER,), live=True),
    Fault(
        "F12",
        "A process is killed before any statement of its work",
        (A_DEAD_WORKER, A_KILLED_PROCESS),
        live=True,
    ),
    Fault(
        "F13",
        "A process stands still beyond its lease, and wakes up",
        ("faults/workers::a_process_that_stood_still_beyond_its_lease_writes_nothing_afterwards",),
        live=True,
    ),
    Fault("F14", "RQ loses a bell", (AN_EMPTY_STORE,), live=True),
    Fault(
        "F15",
        "A bell is heard by several workers",
        ("faults/mutants::the_engine_as_it_is_is_not", "runs/claim::a_claimed_run_is_not_claimed_again"),
        ALL,
    ),
    Fault(
        "F16",
        "A stop under load, of one process and of all",
        ("faults/workers::a_stop_under_load_loses_nothing",),
        live=True,
    ),
    Fault(
        "F17",
        "Work takes more memory than it may",
        ("jobs/executors/script::a_script_that_takes_too_much_is_ended",),
        SQLITE,
    ),
    Fault(
        "F18",
        "PostgreSQL is restarted, fast and as after a crash",
        ("faults/database::a_postgresql_that_is_restarted_under_load_fast_and_as_after_a_crash",),
        POSTGRESQL,
        live=True,
    ),
    Fault(
        "F19",
        "PostgreSQL answers nothing for longer than a lease",
        (
            "faults/network::work_behind_a_black_hole_is_given_up_before_others_may_take_it",
            "runs/drain::work_stops_in_time_while_the_database_keeps_us_waiting",
            "faults/machines::a_machine_that_loses_its_network_is_relieved_and_comes_back",
        ),
        POSTGRESQL,
        live=True,
    ),
    Fault(
        "F20",
        "PostgreSQL is slow",
        ("faults/network::a_slow_database_whose_connections_are_cut_delays_and_loses_nothing",),
        POSTGRESQL,
        live=True,
    ),
    Fault(
        "F21",
        "The connection is cut at a commit",
        ("faults/network::commits_whose_fate_nobody_told_are_neither_lost_nor_repeated", A_DEAD_WORKER),
        POSTGRESQL,
        live=True,
    ),
    Fault(
        "F22",
        "Somebody locks the SQLite file for longer than a lease",
        ("faults/database::a_sqlite_file_that_somebody_locks_for_longer_than_a_lease",),
        SQLITE,
        live=True,
    ),
    Fault(
        "F23",
        "SIGKILL at each statement and commit on SQLite",
        (A_DEAD_SCHEDULER, A_DEAD_WORKER),
        SQLITE,
    ),
    Fault(
        "F24",
        "A full disk",
        (
            "jobs/executors/file_system::a_full_disk_says_so_and_nothing_half_is_left",
            "faults/database::a_disk_too_full_for_the_sqlite_file_delays_and_loses_nothing",
            "faults/database::a_disk_too_full_for_a_table_of_postgresql_delays_and_loses_nothing",
        ),
        live=True,
    ),
    Fault(
        "F25",
        "A clock is put back",
        (
            "runs/fire::TestFire::firing_again_at_the_same_instant_adds_nothing",
            "faults/clocks::a_clock_that_is_put_back_fires_nothing_twice",
        ),
        ALL,
        live=True,
    ),
    Fault(
        "F26",
        "A clock jumps ahead",
        (
            A_YEAR,
            "faults/clocks::a_leap_of_one_machine_ahead_fires_nothing_early",
            "faults/clocks::a_leap_ahead_accounts_for_each_tick_that_it_passed",
        ),
        ALL,
        live=True,
    ),
    Fault(
        "F27",
        "All stand still, as a machine asleep does",
        (
            "runs/reckon::what_was_missed_goes_by_the_policy",
            "faults/clocks::a_machine_that_slept_wakes_up_and_accounts_for_each_tick",
        ),
        live=True,
    ),
    Fault(
        "F28",
        "Clock changes in all zones",
        (
            "jobs/cron_clock::a_clock_change_neither_loses_nor_doubles_a_fire",
            "jobs/next_fire::a_day_that_never_was_fires_nothing_but_what_was_missed",
            "jobs/next_fire::half_an_hour_on_lord_howe_moves_and_doubles_by_half_an_hour",
        ),
        SQLITE,
    ),
    Fault(
        "F29",
        "A leap second",
        (
            "jobs/forms::what_makes_no_sense_is_told_at_its_field",
            "faults/clocks::a_clock_that_is_put_back_fires_nothing_twice",
        ),
        live=True,
    ),
    Fault("F30", "The year 9999", ("jobs/next_fire::the_calendar_ends_with_the_year_9999",), SQLITE),
    Fault(
        "F31",
        "Schedules that cannot be kept",
        ("runs/bad_schedules::among_all_kinds_of_rubbish_every_good_schedule_fires_in_one_round",),
        ALL,
    ),
    Fault(
        "F32",
        "Garbage and forged jobs in Redis",
        ("faults/redis::garbage_in_the_queues_is_neither_executed_nor_the_end_of_a_worker",),
        live=True,
    ),
    Fault("F33", "A run that kills its worker each time", (FIVE_SCHEDULERS,), live=True),
    Fault(
        "F34",
        "A job is edited while it runs",
        (
            "runs/claim::a_run_executes_the_version_it_was_fired_with",
            "runs/together::a_tick_that_is_fired_while_its_schedule_is_edited_runs_once",
        ),
        ALL,
    ),
    Fault(
        "F35", "A job is deleted while it runs", ("runs/together::a_job_is_deleted_while_its_run_ends",), ALL
    ),
    Fault(
        "F36",
        "Many replay the same dead letter at once",
        ("runs/triage::fifty_clicks_at_once_make_one_replay",),
        ALL,
    ),
    Fault(
        "F37",
        "A cancel meets the end of a run",
        ("runs/together::a_job_cancelled_while_its_run_fails_has_no_retry_ahead",),
        ALL,
    ),
    Fault(
        "F38",
        "Output without end",
        ("jobs/executors/script::a_flood_is_cut_and_its_end_kept_while_the_script_goes_on",),
        SQLITE,
    ),
    Fault(
        "F39",
        "Output that is no text",
        (
            "jobs/executors/script::output_is_harmless_text",
            "runs/logbook::whatever_an_executor_says_can_be_stored",
        ),
        ALL,
    ),
    Fault("F40", "A fork bomb", ("jobs/executors/script::a_script_that_takes_too_much_is_ended",), SQLITE),
    Fault(
        "F41",
        "Processes that get away",
        ("jobs/executors/script::a_script_ends_and_takes_along_what_it_leaves_behind",),
        SQLITE,
    ),
    Fault(
        "F42",
        "Work that does not listen to SIGTERM",
        ("jobs/executors/script::time_that_is_up_ends_the_script",),
        SQLITE,
    ),
    Fault(
        "F43",
        "Servers that answer badly, slowly, without end or not at all",
        (
            "jobs/executors/http::a_server_that_never_answers_runs_into_the_deadline",
            "jobs/executors/http::a_large_body_is_cut",
            "jobs/executors/http::redirects_without_end_are_a_failure",
            "jobs/executors/http::each_hop_is_checked_anew",
            "jobs/executors/guard::a_name_whose_address_changes_is_checked_each_time",
        ),
        SQLITE,
    ),
    Fault(
        "F44",
        "Statements without end, rows too large, servers that say nothing",
        (
            "jobs/executors/database::a_statement_that_takes_too_long_is_ended",
            "jobs/executors/database::a_row_that_is_too_large_is_given_up",
            "jobs/executors/database::a_cancellation_wakes_who_waits_for_a_server_that_says_nothing",
        ),
        SQLITE,
    ),
    Fault(
        "F45",
        "A stream to Kafka is killed anywhere",
        ("faults/stream::a_stream_that_is_killed_anywhere_goes_on_where_all_before_was_acknowledged",),
        SQLITE,
    ),
    Fault(
        "F47",
        "Contact points fail, hang and are flooded",
        (
            "notifications/deliver::killed_at_any_step_no_message_is_lost_and_none_comes_under_two_names",
            A_STORM,
        ),
        ALL,
    ),
    Fault(
        "F48",
        "All of it at random",
        ("faults/soak::a_minute_of_random_faults_leaves_nothing_unaccounted_for",),
        live=True,
    ),
    Fault(
        "F49",
        "Ten thousand runs at once",
        ("faults/in_time::an_urgent_run_starts_at_once_before_ten_thousand_that_are_not",),
    ),
    Fault(
        "F50",
        "Tables of another version",
        (
            "runs/doctor::tables_of_another_version_are_found_and_not_looked_into",
            "runs/bad_schedules::tables_that_are_not_in_order_are_no_schedules_fault",
        ),
        ALL,
        missing="there is one version yet: two beside one another were not tried",
    ),
    Fault(
        "F51",
        "A machine's clock differs from the database's",
        (
            "runs/rescue::a_run_within_its_lease_is_left_alone",
            "faults/clocks::machines_whose_clocks_are_wrong_fire_and_work_on_time",
        ),
        ALL,
        live=True,
    ),
    Fault(
        "F52",
        "A purge among what is still needed",
        (
            "runs/purge::what_has_not_ended_stays_however_old_it_is",
            "runs/purge::an_open_dead_letter_keeps_its_run_its_log_and_its_files",
        ),
        ALL,
    ),
)
