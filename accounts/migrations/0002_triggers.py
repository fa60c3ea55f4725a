from django.db import migrations

from chronos_site.schema import PerDatabase


class Migration(migrations.Migration):
    """`updated_at` moves at each UPDATE, whoever makes it; MariaDB does so by the column's default."""

    dependencies = [("accounts", "0001_initial")]

    operations = [
        PerDatabase(
            {
                "sqlite": [
                    (
                        """
                        CREATE TRIGGER trg_users_updated_at AFTER UPDATE ON users
                        WHEN NEW.updated_at IS OLD.updated_at
                        BEGIN
                            UPDATE users SET updated_at = STRFTIME('%Y-%m-%d %H:%M:%f', 'NOW') WHERE id = NEW.id;
                        END
                        """,
                        "DROP TRIGGER trg_users_updated_at",
                    )
                ],
                "postgresql": [
                    (
                        """
                        CREATE FUNCTION move_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
                        BEGIN
                            NEW.updated_at := STATEMENT_TIMESTAMP();
                            RETURN NEW;
                        END $$
                        """,
                        "DROP FUNCTION move_updated_at()",
                    ),
                    (
                        """
                        CREATE TRIGGER trg_users_updated_at BEFORE UPDATE ON users FOR EACH ROW
                        WHEN (NEW.updated_at IS NOT DISTINCT FROM OLD.updated_at)
                        EXECUTE FUNCTION move_updated_at()
                        """,
                        "DROP TRIGGER trg_users_updated_at ON users",
                    ),
                ],
                "mysql": [],
            }
        )
    ]
