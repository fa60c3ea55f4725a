from django.db import migrations

from chronos_site.schema import PerDatabase


class Migration(migrations.Migration):
    """`updated_at` moves at each UPDATE, and a payload is always of its job's type.

    The seed's CHECK for the latter needs a subquery, which no database accepts: a payload of another
    type is refused as that CHECK would refuse it, and a payload follows when its job's type changes.
    """

    dependencies = [("jobs", "0001_initial"), ("accounts", "0002_triggers")]

    operations = [
        PerDatabase(
            {
                "sqlite": [
                    (
                        """
                        CREATE TRIGGER trg_jobs_updated_at AFTER UPDATE ON jobs
                        WHEN NEW.updated_at IS OLD.updated_at
                        BEGIN
                            UPDATE jobs SET updated_at = STRFTIME('%Y-%m-%d %H:%M:%f', 'NOW') WHERE id = NEW.id;
                        END
                        """,
                        "DROP TRIGGER trg_jobs_updated_at",
                    ),
                    (
                        """
                        CREATE TRIGGER trg_jobs_type AFTER UPDATE OF type ON jobs
                        WHEN NEW.type <> OLD.type
                        BEGIN
                            UPDATE job_payloads SET type = NEW.type WHERE job_id = NEW.id;
                        END
                        """,
                        "DROP TRIGGER trg_jobs_type",
                    ),
                    (
                        """
                        CREATE TRIGGER trg_job_payloads_insert BEFORE INSERT ON job_payloads
                        WHEN NEW.type IS NOT (SELECT type FROM jobs WHERE id = NEW.job_id)
                        BEGIN
                            SELECT RAISE(ABORT, 'chk_payload_type_consistency: the payload is not of its job''s type');
                        END
                        """,
                        "DROP TRIGGER trg_job_payloads_insert",
                    ),
                    (
                        """
                        CREATE TRIGGER trg_job_payloads_update BEFORE UPDATE OF type, job_id ON job_payloads
                        WHEN NEW.type IS NOT (SELECT type FROM jobs WHERE id = NEW.job_id)
                        BEGIN
                            SELECT RAISE(ABORT, 'chk_payload_type_consistency: the payload is not of its job''s type');
                        END
                        """,
                        "DROP TRIGGER trg_job_payloads_update",
                    ),
                ],
                "postgresql": [
                    (
                        """
                        CREATE TRIGGER trg_jobs_updated_at BEFORE UPDATE ON jobs FOR EACH ROW
                        WHEN (NEW.updated_at IS NOT DISTINCT FROM OLD.updated_at)
                        EXECUTE FUNCTION move_updated_at()
                        """,
                        "DROP TRIGGER trg_jobs_updated_at ON jobs",
                    ),
                    (
                        """
                        CREATE FUNCTION take_job_type() RETURNS trigger LANGUAGE plpgsql AS $$
                        BEGIN
                            UPDATE job_payloads SET type = NEW.type WHERE job_id = NEW.id;
                            RETURN NULL;
                        END $$
                        """,
                        "DROP FUNCTION take_job_type()",
                    ),
                    (
                        """
                        CREATE TRIGGER trg_jobs_type AFTER UPDATE OF type ON jobs FOR EACH ROW
                        WHEN (NEW.type <> OLD.type)
                        EXECUTE FUNCTION take_job_type()
                        """,
                        "DROP TRIGGER trg_jobs_type ON jobs",
                    ),
                    (
                        """
                        CREATE FUNCTION refuse_other_type() RETURNS trigger LANGUAGE plpgsql AS $$
                        BEGIN
                            IF NEW.type IS DISTINCT FROM (SELECT type FROM jobs WHERE id = NEW.job_id) THEN
                                RAISE EXCEPTION 'chk_payload_type_consistency: the payload is not of its job''s type'
                                USING ERRCODE = 'check_violation', CONSTRAINT = 'chk_payload_type_consistency';
                            END IF;
                            RETURN NEW;
                        END $$
                        """,
                        "DROP FUNCTION refuse_other_type()",
                    ),
                    (
                        """
                        CREATE TRIGGER trg_job_payloads_insert BEFORE INSERT ON job_payloads
                        FOR EACH ROW EXECUTE FUNCTION refuse_other_type()
                        """,
                        "DROP TRIGGER trg_job_payloads_insert ON job_payloads",
                    ),
                    (
                        """
                        CREATE TRIGGER trg_job_payloads_update BEFORE UPDATE OF type, job_id ON job_payloads
                        FOR EACH ROW EXECUTE FUNCTION refuse_other_type()
                        """,
                        "DROP TRIGGER trg_job_payloads_update ON job_payloads",
                    ),
                ],
                "mysql": [
                    (
                        """
                        CREATE TRIGGER trg_jobs_type AFTER UPDATE ON jobs FOR EACH ROW
                        BEGIN
                            IF NEW.type <> OLD.type THEN
                                UPDATE job_payloads SET type = NEW.type WHERE job_id = NEW.id;
                            END IF;
                        END
                        """,
                        "DROP TRIGGER trg_jobs_type",
                    ),
                    (
                        """
                        CREATE TRIGGER trg_job_payloads_insert BEFORE INSERT ON job_payloads FOR EACH ROW
                        BEGIN
                            IF NOT NEW.type <=> (SELECT type FROM jobs WHERE id = NEW.job_id) THEN
                                SIGNAL SQLSTATE '23000' SET MYSQL_ERRNO = 4025,
                                MESSAGE_TEXT = 'chk_payload_type_consistency: the payload is not of its job''s type';
                            END IF;
                        END
                        """,
                        "DROP TRIGGER trg_job_payloads_insert",
                    ),
                    (
                        """
                        CREATE TRIGGER trg_job_payloads_update BEFORE UPDATE ON job_payloads FOR EACH ROW
                        BEGIN
                            IF NOT NEW.type <=> (SELECT type FROM jobs WHERE id = NEW.job_id) THEN
                                SIGNAL SQLSTATE '23000' SET MYSQL_ERRNO = 4025,
                                MESSAGE_TEXT = 'chk_payload_type_consistency: the payload is not of its job''s type';
                            END IF;
                        END
                        """,
                        "DROP TRIGGER trg_job_payloads_update",
                    ),
                ],
            }
        )
    ]
