"""What the database itself keeps for follow-up: look-ups before a scope, and counts that add up.

The migration runs this. Three doors let a citizen or a unit in before anybody has signed in; each
answers with the agency only, which then is the whole scope of what follows.
"""

from __future__ import annotations

DOORS = """
CREATE FUNCTION followup_case_agency(asked text) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $function$
  SELECT agency_id FROM followup_case WHERE number = asked
$function$;
REVOKE ALL ON FUNCTION followup_case_agency(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION followup_case_agency(text) TO tanggap_app, tanggap_worker;

CREATE FUNCTION followup_handover_agency(hash bytea) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $function$
  SELECT agency_id FROM followup_handover WHERE token_hash = hash
$function$;
REVOKE ALL ON FUNCTION followup_handover_agency(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION followup_handover_agency(bytea) TO tanggap_app, tanggap_worker;
"""

DROP_DOORS = """
DROP FUNCTION followup_case_agency(text);
DROP FUNCTION followup_handover_agency(bytea);
"""

# A line stands in a group of its own finding, and a finding that was checked is not changed.
# A finding leaves `draft` only when every item that it counts is in exactly one group.
COUNTS = """
CREATE FUNCTION followup_line_stands() RETURNS trigger LANGUAGE plpgsql AS $function$
DECLARE was text; line record;
BEGIN
  line := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
  SELECT state INTO was FROM followup_finding WHERE id = line.finding_id;
  IF was IS DISTINCT FROM 'draft' THEN
    RAISE EXCEPTION 'A finding that was checked is not changed.' USING ERRCODE = 'check_violation';
  END IF;
  IF TG_OP <> 'DELETE' AND NOT EXISTS (
    SELECT FROM followup_findinggroup WHERE id = NEW.group_id AND finding_id = NEW.finding_id
  ) THEN
    RAISE EXCEPTION 'The group belongs to another finding.' USING ERRCODE = 'check_violation';
  END IF;
  RETURN line;
END $function$;
CREATE TRIGGER followup_line_stands BEFORE INSERT OR UPDATE OR DELETE ON followup_findingitem
  FOR EACH ROW EXECUTE FUNCTION followup_line_stands();

CREATE FUNCTION followup_counts_add_up() RETURNS trigger LANGUAGE plpgsql AS $function$
DECLARE lines integer;
BEGIN
  SELECT count(*) INTO lines FROM followup_findingitem WHERE finding_id = NEW.id;
  IF lines <> NEW.items_total THEN
    RAISE EXCEPTION 'The finding counts % items, its groups hold %.', NEW.items_total, lines
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $function$;
CREATE TRIGGER followup_counts_add_up BEFORE UPDATE ON followup_finding
  FOR EACH ROW WHEN (NEW.state <> 'draft') EXECUTE FUNCTION followup_counts_add_up();
"""

DROP_COUNTS = """
DROP TRIGGER followup_counts_add_up ON followup_finding;
DROP FUNCTION followup_counts_add_up();
DROP TRIGGER followup_line_stands ON followup_findingitem;
DROP FUNCTION followup_line_stands();
"""
