"""Where a doubtful claim was seen, behind the agency's wall like every other row."""

import django.db.models.deletion
from django.db import migrations, models

import tanggap.core.rowsecurity

KEEP = """
INSERT INTO inbox_claimitem (agency_id, claim_id, item_id)
SELECT whole.agency_id, link.claim_id, link.item_id
FROM inbox_claim_items AS link JOIN inbox_claim AS whole ON whole.id = link.claim_id
"""


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0001_initial"),
        ("inbox", "0002_events"),
    ]

    operations = [
        migrations.CreateModel(
            name="ClaimItem",
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
                    "claim",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="inbox.claim",
                    ),
                ),
                (
                    "item",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="inbox.item",
                    ),
                ),
            ],
            options={"abstract": False},
        ),
        migrations.AddConstraint(
            model_name="claimitem",
            constraint=tanggap.core.rowsecurity.RowSecurity(name="inbox_claimitem_rows"),
        ),
        migrations.AddConstraint(
            model_name="claimitem",
            constraint=models.UniqueConstraint(
                fields=("claim", "item"), name="inbox_claimitem_once"
            ),
        ),
        migrations.RunSQL(KEEP),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL("DROP TABLE inbox_claim_items")],
            state_operations=[
                migrations.AlterField(
                    model_name="claim",
                    name="items",
                    field=models.ManyToManyField(
                        blank=True,
                        related_name="claims",
                        through="inbox.ClaimItem",
                        to="inbox.item",
                    ),
                )
            ],
        ),
    ]
