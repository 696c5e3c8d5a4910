"""Every verb on record is documented, and nothing but archive/move.py changes a state."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

from django.apps import apps

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference" / "records.md"
MOVE = ROOT / "tanggap" / "archive" / "move.py"
# The practice network's wire has a state of its own, in memory.
NO_ROWS = ROOT / "tanggap" / "practice" / "server.py"
# Position of the verb among the arguments of each function that writes a Record.
VERB_AT = {"record": 1, "Entry": 1}
MOVERS = ("move", "move_many")
NAMED = re.compile(r"^[a-z_]+(\.[a-z_]+)+$")


@cache
def trees():
    files = sorted((ROOT / "tanggap").rglob("*.py"))
    return [
        (path, ast.parse(path.read_text(), str(path)))
        for path in files
        if "migrations" not in path.parts
    ]


def where(path, node):
    return f"{path.relative_to(ROOT)}:{node.lineno}"


def name_of(call):
    if isinstance(call.func, ast.Name):
        return call.func.id
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def literals(node, tree):
    """The texts that an expression can be, None when it is not written out."""
    if isinstance(node, ast.Name):
        values = [
            found.value
            for found in ast.walk(tree)
            if isinstance(found, ast.Assign)
            and any(isinstance(one, ast.Name) and one.id == node.id for one in found.targets)
        ]
        texts = [literals(value, tree) for value in values]
        return None if not texts or None in texts else set().union(*texts)
    if isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, str)):
        return {node.value} - {None}
    if isinstance(node, ast.IfExp):
        one, two = literals(node.body, tree), literals(node.orelse, tree)
        return None if one is None or two is None else one | two
    return None


@cache
def ours(tree):
    """Names that a file defines itself or takes from elsewhere than the archive."""
    defined = {node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)}
    return defined | {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        and not (node.module or "").startswith("tanggap.archive")
        for alias in node.names
    }


def verbs_in_code():
    """(verb, place) of every literal verb, and the places where it is not a literal."""
    found, hidden = [], []
    for path, tree in trees():
        if path.parent.name == "archive" and path.name in ("record.py", "move.py"):
            continue
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            name, verb = name_of(node), None
            if isinstance(node.func, ast.Name) and name in ours(tree):
                continue
            if name in VERB_AT and len(node.args) > VERB_AT[name]:
                verb = node.args[VERB_AT[name]]
            elif name in (*VERB_AT, *MOVERS):
                verb = next((part.value for part in node.keywords if part.arg == "verb"), None)
            if verb is None:
                continue
            texts = literals(verb, tree)
            if texts is None:
                hidden.append(where(path, node))
            else:
                found += [(text, where(path, node)) for text in texts]
    return found, hidden


def section(title):
    text = REFERENCE.read_text()
    return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", text, re.M | re.S).group(1)


def graphs():
    return [(model, model.STATES) for model in apps.get_models() if getattr(model, "STATES", None)]


def documented():
    return set(re.findall(r"^\| `([a-z_.]+)` \|", section("Verbs"), re.M))


def test_every_verb_is_documented():
    found, hidden = verbs_in_code()
    assert hidden == [], "write the verb out, or a choice between verbs written out"
    assert [pair for pair in found if not NAMED.match(pair[0])] == []
    known = documented() | {
        f"{model._meta.model_name}.{state}" for model, graph in graphs() for state in graph.moves
    }
    missing = sorted({pair for pair in found if pair[0] not in known})
    assert missing == [], "add these to docs/reference/records.md, section Verbs"
    assert documented() - {verb for verb, _place in found} == set(), "nothing writes these"


def test_every_verb_has_words():
    from tanggap.desk.words import tables

    verbs, events = set(tables()["record_verb"]), set(tables()["case_event"])
    assert sorted(documented() - verbs - events) == []
    assert sorted(verbs - documented()) == []
    assert sorted(verbs & events) == [], "one verb, one wording"


def test_every_state_is_documented():
    rows = re.findall(r"^\| `([a-z]+)` \| (.+?) \|", section("Verbs of states"), re.M)
    written = {name: re.findall(r"`([a-z_]+)`", states) for name, states in rows}
    expected = {}
    for model, graph in graphs():
        targets = {target for ways in graph.moves.values() for target in ways}
        ordered = [state for state in graph.moves if state in targets]
        expected[model._meta.model_name] = ordered
    lines = "\n".join(
        f"| `{name}` | {' '.join(f'`{state}`' for state in states)} |"
        for name, states in sorted(expected.items())
    )
    assert written == expected, f"docs/reference/records.md, section Verbs of states:\n{lines}"


def test_every_graph_has_a_state_field():
    wrong = [
        model._meta.label
        for model in apps.get_models()
        if hasattr(model, "STATES") and "state" not in {f.name for f in model._meta.fields}
    ]
    assert wrong == []


def changes_of_state(tree):
    """Nodes that change a field named `state`."""
    for node in ast.walk(tree):
        targets = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AugAssign | ast.AnnAssign):
            targets = [node.target]
        flat = [one for t in targets for one in (t.elts if isinstance(t, ast.Tuple) else [t])]
        if any(isinstance(one, ast.Attribute) and one.attr == "state" for one in flat):
            yield node
        if not isinstance(node, ast.Call):
            continue
        name = name_of(node)
        if name in ("update", "update_or_create"):
            keys = {part.arg for part in node.keywords}
            inside = [part for part in ast.walk(node) if isinstance(part, ast.Dict)]
            said = {getattr(key, "value", None) for one in inside for key in one.keys}
            looked_up = name == "update_or_create" and "state" not in said
            if "state" in said or ("state" in keys and not looked_up):
                yield node
        elif name in ("bulk_update", "save", "asave", "setattr"):
            texts = {part.value for part in ast.walk(node) if isinstance(part, ast.Constant)}
            if "state" in texts:
                yield node
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and re.search(r"\bUPDATE\b.*\bSET\b[^;]*\bstate\s*=", node.value, re.S)
        ):
            yield node


def test_only_move_changes_a_state():
    found = [
        where(path, node)
        for path, tree in trees()
        if path not in (MOVE, NO_ROWS) and not {"channels", "language"} & set(path.parts)
        for node in changes_of_state(tree)
    ]
    assert found == [], "call archive.move.move or move_many instead"


def test_the_scan_knows_whose_entry_it_is():
    mine = ast.parse("class Entry: ...\nfrom tanggap.desk.x import record\nEntry(1)")
    assert ours(mine) == {"Entry", "record"}
    assert ours(ast.parse("from tanggap.archive.record import Entry, record")) == set()


def test_the_scan_itself_sees():
    for code in (
        "thing.state = 'x'",
        "a, thing.state = 1, 2",
        "rows.update(state='x')",
        "rows.update(**{'state': 'x'})",
        "M.objects.update_or_create(pk=1, defaults={'state': 1})",
        "M.objects.bulk_update(rows, ['state'])",
        "row.save(update_fields=['state'])",
        "setattr(row, 'state', 1)",
        "c.execute('UPDATE t SET a = 1, state = 2')",
    ):
        assert list(changes_of_state(ast.parse(code))), code
    for code in (
        "state = 1",
        "M.objects.create(state='x')",
        "rows.filter(state='x').update(note='')",
        "c.execute('SELECT 1 WHERE state = 2')",
    ):
        assert not list(changes_of_state(ast.parse(code))), code
