"""Reports that were open before the inbox knew of their deadlines: tell it now (clocks.owe)."""

from django.db import migrations

TELL = """
WITH terms AS (
  SELECT contributor.conversation_id AS id, min(owed.due_at) AS at
  FROM followup_contributor AS contributor
  JOIN followup_case AS owed ON owed.id = contributor.case_id
  GROUP BY contributor.conversation_id
)
UPDATE inbox_conversation AS talk
SET owed_at = terms.at, due_at = least(talk.due_at, terms.at)
FROM terms
WHERE terms.id = talk.id AND terms.at < '9999-12-31Z'
"""


class Migration(migrations.Migration):
    dependencies = [("followup", "0001_initial"), ("inbox", "0001_initial")]
    operations = [migrations.RunSQL(TELL, migrations.RunSQL.noop)]
