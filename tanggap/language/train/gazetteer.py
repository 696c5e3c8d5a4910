"""Builds `data/places.txt.gz` from the region codes of the Ministry of Home Affairs (MIT), and the
list of names that are common words too."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tanggap.language.words import plain

FOLDER = Path(__file__).resolve().parents[1] / "data"
_ROW = re.compile(r"\('([0-9.]+)','((?:[^']|'')*)'\)")
_CUE = re.compile(r"\b(?:di|ke|dari|kec|kecamatan|kab|kabupaten|kota|desa|kel|kelurahan)$")
COMMON = 4
"""A name that stands this often in ordinary text without a cue before it is a word, too."""


def build(data: Path, texts: Iterable[str]) -> tuple[int, int]:
    """How many places, and how many names that are common words, were written."""
    rows = _ROW.findall((data / "wilayah" / "db" / "wilayah.sql").read_text("utf-8"))
    lines, names = [], set()
    for code, name in rows:
        name = name.replace("''", "'").strip()
        lines.append(f"{code} {name}")
        bare = re.sub(r"^(?:Kabupaten|Kota|Provinsi)(?: Administrasi| Adm\.)? ", "", name)
        words = [plain(word) for word in re.findall(r"[^\W_]+", bare)]
        if len(words) == 1:
            names.add(words[0])
    packed = gzip.compress("\n".join(lines).encode(), 9, mtime=0)
    (FOLDER / "places.txt.gz").write_bytes(packed)
    seen: Counter[str] = Counter()
    for text in texts:
        before = ""
        for word in re.findall(r"[^\W_]+", text.lower()):
            if word in names and not _CUE.search(before):
                seen[word] += 1
            before = word
    common = sorted(word for word, count in seen.items() if count >= COMMON)
    about = {
        "source": "Counted in the training lines of SmSA (Apache-2.0) and NusaX (CC BY-SA 4.0): "
        "names of places that are ordinary words, too.",
        "words": common,
    }
    text = json.dumps(about, ensure_ascii=False, indent=0)
    (FOLDER / "places_common.json").write_text(text + "\n", "utf-8")
    return len(lines), len(common)


def names() -> list[str]:
    """The shipped names, from provinces to districts (no villages)."""
    rows = gzip.decompress((FOLDER / "places.txt.gz").read_bytes()).decode().splitlines()
    return [name for code, name in (row.split(" ", 1) for row in rows) if code.count(".") < 3]
