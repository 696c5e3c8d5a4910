"""Which segments an activity is for, behind the agency's wall like every other row."""

import django.db.models.deletion
from django.db import migrations, models

import tanggap.core.rowsecurity

KEEP = """
INSERT INTO activities_activitysegment (agency_id, activity_id, segment_id)
SELECT whole.agency_id, link.activity_id, link.segment_id
FROM activities_activity_segments AS link JOIN activities_activity AS whole ON whole.id = link.activity_id
"""


class Migration(migrations.Migration):
    dependencies = [
        ("activities", "0001_initial"),
        ("core", "0001_initial"),
        ("planning", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="ActivitySegment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "agency",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="core.agency",
                    ),
                ),
                (
                    "activity",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="activities.activity",
                    ),
                ),
                (
                    "segment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="planning.segment",
                    ),
                ),
            ],
            options={"abstract": False},
        ),
        migrations.AddConstraint(
            model_name="activitysegment",
            constraint=tanggap.core.rowsecurity.RowSecurity(name="activities_activitysegment_rows"),
        ),
        migrations.AddConstraint(
            model_name="activitysegment",
            constraint=models.UniqueConstraint(
                fields=("activity", "segment"), name="activities_activitysegment_once"
            ),
        ),
        migrations.RunSQL(KEEP),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL("DROP TABLE activities_activity_segments")],
            state_operations=[
                migrations.AlterField(
                    model_name="activity",
                    name="segments",
                    field=models.ManyToManyField(
                        blank=True,
                        related_name="activities",
                        through="activities.ActivitySegment",
                        to="planning.segment",
                    ),
                )
            ],
        ),
    ]
