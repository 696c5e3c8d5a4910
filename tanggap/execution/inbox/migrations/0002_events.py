from django.db import migrations

# What happened lately, read past row-level security so that no number of the sequence looks as if
# it were missing: of agencies that are not readable the number alone, of the others ids and the
# seal. No content. Forward only: dropping the database undoes it.
EVENTS = """
CREATE FUNCTION inbox_events(after bigint, missing bigint[])
RETURNS TABLE (
  record bigint, agency bigint, conversation bigint, sealed boolean, membership bigint
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $function$
  SELECT told.id, told.agency_id, talk.id, talk.sealed, told.membership
  FROM (
    SELECT
      seen.id,
      CASE WHEN here THEN seen.agency_id END AS agency_id,
      CASE WHEN here THEN CASE seen.subject_type
        WHEN 'inbox.conversation' THEN seen.subject_id::bigint
        WHEN 'inbox.item' THEN
          (SELECT conversation_id FROM inbox_item WHERE id = seen.subject_id::bigint)
        WHEN 'inbox.reply' THEN
          (SELECT conversation_id FROM inbox_reply WHERE id = seen.subject_id::bigint)
        WHEN 'inbox.note' THEN
          (SELECT conversation_id FROM inbox_note WHERE id = seen.subject_id::bigint)
        WHEN 'publishing.delivery' THEN
          (SELECT conversation_id FROM inbox_reply WHERE delivery_id = seen.subject_id::bigint)
      END END AS conversation_id,
      CASE WHEN here AND seen.subject_type = 'core.membership'
        THEN seen.subject_id::bigint END AS membership
    FROM (
      SELECT id, agency_id, subject_type, subject_id,
        agency_id = ANY (tanggap_readable()) AS here
      FROM archive_record
      WHERE id > after OR id = ANY (missing)
      ORDER BY id LIMIT 2000
    ) seen
  ) told
  LEFT JOIN inbox_conversation talk ON talk.id = told.conversation_id
  ORDER BY told.id
$function$;
REVOKE ALL ON FUNCTION inbox_events(bigint, bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION inbox_events(bigint, bigint[]) TO tanggap_app, tanggap_worker;
"""


class Migration(migrations.Migration):
    dependencies = [("inbox", "0001_initial"), ("archive", "0001_initial"), ("core", "0001_initial")]

    operations = [
        migrations.RunSQL(EVENTS, "DROP FUNCTION inbox_events(bigint, bigint[])"),
    ]
