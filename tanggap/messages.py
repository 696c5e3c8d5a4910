"""Words on screen: merges locale/id/*.po for Django, and finds words without Indonesian.

Each area keeps its own po file; msgids are English, written in code and templates.
"""

from __future__ import annotations

import ast
import io
import re
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "locale" / "id"
TARGET = SOURCE / "LC_MESSAGES" / "django.mo"
KEYWORDS = {
    **dict.fromkeys(("gettext", "gettext_lazy", "gettext_noop", "_", "N_"), None),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (1, 2)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ((1, "c"), 2)),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), ((1, "c"), 2, 3)),
}
# Whose own words we say anew, or say where their Indonesian is silent.
FRAMEWORKS = ("allauth", "axes", "django.contrib.auth", "django.forms")
PLACEHOLDER = re.compile(r"%\((\w+)\)|\{(\w*)[^}]*\}|%[sd]")

Key = tuple[str, str]


def compile() -> int:
    """Merge all po files into django.mo. Returns how many messages it holds."""
    catalog, _problems = merged()
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    fresh = TARGET.with_suffix(".new")
    with fresh.open("wb") as file:
        write_mo(file, catalog)
    fresh.replace(TARGET)
    return len(catalog)


def compile_if_stale() -> None:
    """Compile when a po file is newer than the merged one."""
    sources = list(SOURCE.glob("*.po"))
    newest = max((path.stat().st_mtime for path in sources), default=0)
    if not TARGET.exists() or TARGET.stat().st_mtime < newest:
        compile()


def merged() -> tuple[Catalog, list[str]]:
    """One catalogue of all po files, and what contradicts itself in them."""
    catalog, problems = Catalog(locale="id"), []
    # Indonesian has one form for every number; babel does not know and would say two.
    catalog.mime_headers = [("Plural-Forms", "nplurals=1; plural=0;")]
    for path in sorted(SOURCE.glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale="id"):
                if not message.id or not message.string or message.fuzzy:
                    continue
                known = catalog.get(message.id, message.context)
                if known and known.string != message.string:
                    problems.append(
                        f"{path.name}: {_shown(message)!r} is {message.string!r} here and "
                        f"{known.string!r} elsewhere: give one a context, or make them equal."
                    )
                    continue
                problems.extend(f"{path.name}: {text}" for text in _broken(message))
                catalog.add(message.id, message.string, context=message.context)
    return catalog, problems


def check() -> list[str]:
    """Sentences about every word without Indonesian, every one that nothing shows, and every
    contradiction; empty when well."""
    catalog, problems = merged()
    known = {(_shown(message), message.context or "") for message in catalog if message.id}
    places: dict[Key, str] = {}
    for place, key in used():
        places.setdefault(key, place)
    missing = {key: place for key, place in places.items() if key not in known}
    for (text, context), place in sorted(missing.items(), key=lambda found: found[1]):
        problems.append(f"{place}: no Indonesian for {text!r}{_about(context)}.")
    for place, (text, context) in _unused(set(places)):
        problems.append(f"{place}: nothing shows {text!r}{_about(context)} any more: remove it.")
    return problems


def _unused(shown: set[Key]) -> Iterator[tuple[str, Key]]:
    """Every message of a po file that nobody shows, with its place."""
    left = [
        (f"{path.name}:{message.lineno}", (_shown(message), message.context or ""))
        for path in sorted(SOURCE.glob("*.po"))
        for message in _read(path)
    ]
    left = [(place, key) for place, key in left if key not in shown]
    # Reading the frameworks takes seconds; most often nothing is left to look for.
    others = _perhaps_shown() if left else set()
    yield from ((place, key) for place, key in left if key not in others)


def _read(path: Path) -> list[Message]:
    with path.open("rb") as file:
        return [message for message in read_po(file, locale="id") if message.id]


def _about(context: str) -> str:
    return f" (context {context})" if context else ""


def used() -> Iterator[tuple[str, Key]]:
    """Every message in code and templates as (file:line, (msgid, context))."""
    for path in sorted(ROOT.glob("tanggap/**/*.py")):
        if not {"migrations", "samples"} & set(path.parts):
            yield from _extract(path)
            if "channels" in path.parts and not path.name.startswith("test_"):
                yield from _declared(path)
    for path in sorted([*ROOT.glob("templates/**/*.*"), *ROOT.glob("tanggap/**/templates/**/*.*")]):
        if path.suffix in (".html", ".txt"):
            yield from _extract(path)


def _declared(path: Path) -> Iterator[tuple[str, Key]]:
    """Channels know no Django: labels and helps of their settings are plain English texts."""
    place = path.relative_to(ROOT)
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Setting":
            named = [word.value for word in node.keywords if word.arg in ("label", "help")]
            for part in (*node.args[1:3], *named):
                for text in _texts(part):
                    yield f"{place}:{part.lineno}", (text, "")


def _texts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
            yield node.value


def _perhaps_shown() -> set[Key]:
    """What is shown without a mark in our code: names that channels give to things, and what the
    frameworks say."""
    channels = ROOT.glob("tanggap/channels/**/*.py")
    named = {(text, "") for path in channels for text in _texts(ast.parse(path.read_bytes()))}
    return named | _framework_words()


@cache
def _framework_words() -> frozenset[Key]:
    return frozenset(key for path in _framework_files() for _place, key in _extract(path))


def _framework_files() -> Iterator[Path]:
    for name in FRAMEWORKS:
        spec = find_spec(name)
        for folder in (spec.submodule_search_locations or []) if spec else []:
            yield from (
                path for path in Path(folder).rglob("*") if path.suffix in (".py", ".html", ".txt")
            )


def _code_of(template: Path) -> bytes:
    code = templatize(template.read_text(), origin=str(template))
    # Babel reads it as Python: no indentation, and a newline at the end.
    return "\n".join(line.lstrip() for line in [*code.splitlines(), ""]).encode()


def _extract(path: Path) -> Iterator[tuple[str, Key]]:
    place = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    source = path.read_bytes() if path.suffix == ".py" else _code_of(path)
    options = {"encoding": "utf-8"}
    for found in extract("python", io.BytesIO(source), KEYWORDS, options=options):
        line, text, _comments, context = found
        text = text[0] if isinstance(text, tuple) else text
        if text:
            yield f"{place}:{line}", (text, context or "")


def _shown(message: Message) -> str:
    return message.id[0] if isinstance(message.id, tuple | list) else message.id


def _broken(message: Message) -> Iterator[str]:
    """A translation that lost a place for a value, or has one that the English lacks."""
    wanted = _places(message.id[-1] if isinstance(message.id, tuple | list) else message.id)
    strings = message.string if isinstance(message.string, tuple | list) else [message.string]
    for string in strings:
        if _places(string or "") != wanted:
            yield f"{string!r} does not have the places of {_shown(message)!r}."


def _places(text: str) -> list[str]:
    return sorted({match.group(0) for match in PLACEHOLDER.finditer(text)})
