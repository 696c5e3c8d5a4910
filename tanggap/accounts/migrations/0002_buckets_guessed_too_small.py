"""A network that refused once and never named its limit was held to one request in five minutes
for ever (0.1.0). Such a bucket becomes what is guessed now; a told one is corrected by its next
answer."""

from django.db import migrations


def larger(apps, schema_editor):
    buckets = apps.get_model("accounts", "Bucket").objects.using(schema_editor.connection.alias)
    buckets.filter(capacity=1, window_s=300).update(capacity=300)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [migrations.RunPython(larger, migrations.RunPython.noop)]
