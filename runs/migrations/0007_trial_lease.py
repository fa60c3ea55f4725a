from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("runs", "0006_process_version")]

    operations = [migrations.RenameField("trial", "ends_by", "lease_expires_at")]
