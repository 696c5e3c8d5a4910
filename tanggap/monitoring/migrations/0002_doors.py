from django.db import migrations

from tanggap.monitoring.doors import DOORS, DROP_DOORS


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0001_initial")]

    operations = [migrations.RunSQL(DOORS, DROP_DOORS)]
