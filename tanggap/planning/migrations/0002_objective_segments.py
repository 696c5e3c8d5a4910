"""Which segments an objective is for, behind the agency's wall like every other row."""

import django.db.models.deletion
from django.db import migrations, models

import tanggap.core.rowsecurity

KEEP = """
INSERT INTO planning_objectivesegment (agency_id, objective_id, segment_id)
SELECT whole.agency_id, link.objective_id, link.segment_id
FROM planning_objective_segments AS link JOIN planning_objective AS whole ON whole.id = link.objective_id
"""


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0001_initial"),
        ("planning", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="ObjectiveSegment",
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
                    "objective",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="planning.objective",
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
            model_name="objectivesegment",
            constraint=tanggap.core.rowsecurity.RowSecurity(name="planning_objectivesegment_rows"),
        ),
        migrations.AddConstraint(
            model_name="objectivesegment",
            constraint=models.UniqueConstraint(
                fields=("objective", "segment"), name="planning_objectivesegment_once"
            ),
        ),
        migrations.RunSQL(KEEP),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL("DROP TABLE planning_objective_segments")],
            state_operations=[
                migrations.AlterField(
                    model_name="objective",
                    name="segments",
                    field=models.ManyToManyField(
                        blank=True,
                        related_name="objectives",
                        through="planning.ObjectiveSegment",
                        to="planning.segment",
                    ),
                )
            ],
        ),
    ]
