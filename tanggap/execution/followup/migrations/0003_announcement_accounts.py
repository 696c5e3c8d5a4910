"""Which accounts carry an announcement, behind the agency's wall like every other row."""

import django.db.models.deletion
from django.db import migrations, models

import tanggap.core.rowsecurity

KEEP = """
INSERT INTO followup_announcementaccount (agency_id, announcement_id, account_id)
SELECT whole.agency_id, link.announcement_id, link.account_id
FROM followup_announcement_accounts AS link JOIN followup_announcement AS whole ON whole.id = link.announcement_id
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("core", "0001_initial"),
        ("followup", "0002_owed_in_conversations"),
    ]

    operations = [
        migrations.CreateModel(
            name="AnnouncementAccount",
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
                    "announcement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="followup.announcement",
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.account",
                    ),
                ),
            ],
            options={"abstract": False},
        ),
        migrations.AddConstraint(
            model_name="announcementaccount",
            constraint=tanggap.core.rowsecurity.RowSecurity(name="followup_announcementaccount_rows"),
        ),
        migrations.AddConstraint(
            model_name="announcementaccount",
            constraint=models.UniqueConstraint(
                fields=("announcement", "account"), name="followup_announcementaccount_once"
            ),
        ),
        migrations.RunSQL(KEEP),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL("DROP TABLE followup_announcement_accounts")],
            state_operations=[
                migrations.AlterField(
                    model_name="announcement",
                    name="accounts",
                    field=models.ManyToManyField(
                        blank=True,
                        related_name="+",
                        through="followup.AnnouncementAccount",
                        to="accounts.account",
                    ),
                )
            ],
        ),
    ]
