"""How a short link finds its agency before there is a scope. The migration runs this.

It answers with the agency only, which then is the whole scope of what follows.
"""

from __future__ import annotations

DOORS = """
CREATE FUNCTION monitoring_link_agency(asked text) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $function$
  SELECT agency_id FROM messaging_shortlink WHERE code = asked
$function$;
REVOKE ALL ON FUNCTION monitoring_link_agency(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION monitoring_link_agency(text) TO tanggap_app, tanggap_worker;
"""

DROP_DOORS = "DROP FUNCTION monitoring_link_agency(text);"
