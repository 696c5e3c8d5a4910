"""How the page of an invitation finds its agency before any scope exists: by the link's hash."""

from django.db import migrations

FUNCTION = """
CREATE FUNCTION office_invitation_agency(hash bytea) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $function$
  SELECT agency_id FROM core_invitation WHERE token_hash = hash
$function$;
REVOKE ALL ON FUNCTION office_invitation_agency(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION office_invitation_agency(bytea) TO tanggap_app, tanggap_worker;
"""


class Migration(migrations.Migration):
    initial = True
    dependencies = [("core", "0001_initial")]
    operations = [
        migrations.RunSQL(FUNCTION, "DROP FUNCTION office_invitation_agency(bytea)"),
    ]
