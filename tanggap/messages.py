"""Words on screen: merges locale/id/*.po for Django, and finds words without Indonesian.

Each area keeps its own po file; msgids are English, written in code and templates.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
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
    """Sentences about every word without Indonesian and every contradiction; empty when well."""
    catalog, problems = merged()
    known = {(_shown(message), message.context or "") for message in catalog if message.id}
    missing: dict[Key, str] = {}
    for place, key in used():
        if key not in known:
            missing.setdefault(key, place)
    for (text, context), place in sorted(missing.items(), key=lambda found: found[1]):
        about = f" (context {context})" if context else ""
        problems.append(f"{place}: no Indonesian for {text!r}{about}.")
    return problems


def used() -> Iterator[tuple[str, Key]]:
    """Every message in code and templates as (file:line, (msgid, context))."""
    for path in sorted(ROOT.glob("tanggap/**/*.py")):
        if not {"migrations", "samples"} & set(path.parts):
            yield from _extract(path, path.read_bytes())
    for path in sorted([*ROOT.glob("templates/**/*.*"), *ROOT.glob("tanggap/**/templates/**/*.*")]):
        if path.suffix in (".html", ".txt"):
            # The first line keeps its number; babel needs a newline at the end.
            code = templatize(path.read_text(), origin=str(path)) + "\n"
            yield from _extract(path, code.encode())


def _extract(path: Path, source: bytes) -> Iterator[tuple[str, Key]]:
    place = path.relative_to(ROOT)
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
