"""How a body that comes to a door finds its account before there is a scope. The migration runs
this. Whoever knows a door's token may look it up, leave one body, and be counted; nothing else.
"""

from __future__ import annotations

SIGNATURES = (
    "inbox_door_find(bytea)",
    "inbox_door_take(bytea, bytea, bytea, timestamptz)",
    "inbox_door_refuse(bytea, timestamptz)",
    "inbox_door_lease(bytea, timestamptz)",
)

DOORWAY = """
CREATE FUNCTION inbox_door_find(asked bytea)
RETURNS TABLE (door bigint, channel text, sealed bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $function$
  SELECT d.id, a.channel, d.sealed FROM inbox_door d JOIN accounts_account a ON a.id = d.account_id
  WHERE d.token_hash = asked AND d.closed_at IS NULL AND a.state <> 'retired'
$function$;
CREATE FUNCTION inbox_door_take(asked bytea, given bytea, body bytea, at timestamptz)
RETURNS boolean
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path FROM CURRENT AS $function$
  WITH open AS (
    SELECT d.agency_id, d.id FROM inbox_door d JOIN accounts_account a ON a.id = d.account_id
    WHERE d.token_hash = asked AND d.closed_at IS NULL AND a.state <> 'retired'
  ), kept AS (
    INSERT INTO inbox_arrival (agency_id, door_id, digest, sealed, received_at, tries)
    SELECT agency_id, id, given, body, at, 0 FROM open
    ON CONFLICT (door_id, digest) DO NOTHING
  )
  SELECT EXISTS (SELECT FROM open)
$function$;
CREATE FUNCTION inbox_door_refuse(asked bytea, at timestamptz)
RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path FROM CURRENT AS $function$
  UPDATE inbox_door SET refused = refused + 1, refused_at = at WHERE token_hash = asked
$function$;
CREATE FUNCTION inbox_door_lease(asked bytea, until timestamptz)
RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path FROM CURRENT AS $function$
  UPDATE inbox_door SET lease_until = until, failed_why = ''
  WHERE token_hash = asked AND closed_at IS NULL
$function$;
""" + "".join(
    f"REVOKE ALL ON FUNCTION {one} FROM PUBLIC;"
    f"GRANT EXECUTE ON FUNCTION {one} TO tanggap_app, tanggap_worker;"
    for one in SIGNATURES
)

DROP_DOORWAY = "".join(f"DROP FUNCTION {one};" for one in SIGNATURES)
