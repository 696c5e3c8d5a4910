"""Reads one written chunk (what stands between two spaces) as plain words.

"Jmbtn," is `jembatan` and a pause; "g4c0rrr!!" is `gacor` and a shout; "anak2nya" is two words.
The text itself is never changed: a chunk keeps its place in it, so a highlight points into the
citizen's own words. What a chunk says depends on itself alone, so that a reader remembers it.
"""

from __future__ import annotations

import re
import unicodedata

from tanggap.language.words import data

PAUSE = ""
"""Stands in a chunk's words for a comma, a full stop, a bracket: words beside it do not touch."""

_STRETCHED = re.compile(r"(.)\1{2,}")
_PIECE = re.compile(
    r"(?P<word>[^\W\d_]+(?:['’`][^\W\d_]+)*|(?=\w*[^\W\d_])(?=\w*\d)[^\W_]+)"
    r"|(?P<number>\d+(?:[.,:/]\d+)*)|(?P<shout>[!?]+)|(?P<pause>[\s\-/&+_]+|[^\w])"
)
_LINK = re.compile(
    r"(?i)(?:https?://|www\.)\S+|\b[\w-]+(?:\.[\w-]+)*\.(?:com|net|org|id|xyz|co|me|"
    r"info|site|online|link|club|live|vip|top|cc|ly|example)\b\S*"
)
_DOUBLED = re.compile(r"^([^\W\d_]{2,})2([^\W\d_]{0,4})$")
_LEET = str.maketrans(
    {
        "4": "a",
        "0": "o",
        "1": "i",
        "3": "e",
        "5": "s",
        "7": "t",
        "9": "g",
        "8": "b",
        "@": "a",
        "$": "s",
    }
)
_BETWEEN = re.compile(r"(?<=[^\W\d_])[@$](?=[^\W\d_])")
# Letters of other scripts that look Latin; used where a chunk mixes scripts.
_ALIKE = str.maketrans(
    "аеорсухѕіјԁһɡԛԝкмтнвАВЕКМНОРСТХІЈЅαορνικτυωΑΒΕΗΙΚΜΝΟΡΤΧ",
    "aeopcyxsijdhgqwkmthbABEKMHOPCTXIJSaopviktuwABEHIKMNOPTX",
)
_LETTER = re.compile(r"[A-Za-z]")
MOST_SHOUTED = 2


def read(chunk: str) -> tuple[list[str], list[str]]:
    """(words, marks) of one chunk. Words are lower-case, PAUSE between what does not touch.
    Marks are facts about the writing: `^caps`, `^long`, `^link`, `^user`, `^tag`, and each word
    as it was written where it was spelled out."""
    marks: list[str] = []
    if chunk.isascii():
        if chunk.isalpha():
            if len(chunk) > 2 and chunk.isupper():
                marks.append("^caps")
            return _spelled(chunk.lower(), marks), marks
        # A word and a comma or a full stop, as most that is left.
        if chunk[-1] in ".,;:" and chunk[:-1].isalpha():
            if len(chunk) > 3 and chunk.isupper():
                marks.append("^caps")
            return [*_spelled(chunk[:-1].lower(), marks), PAUSE], marks
    plain = unicodedata.normalize("NFKC", chunk)
    if not plain.isascii() and _LETTER.search(plain):
        plain = plain.translate(_ALIKE)
    said: list[str] = []
    if plain[0] == "@" and len(plain) > 1:
        return ["^user", PAUSE], marks
    link = _LINK.search(plain)
    if link and "@" not in plain:
        marks.append("^link")
        plain = plain[: link.start()] + " " + link.group().replace("https://", "") + " "
    plain = _BETWEEN.sub(lambda sign: sign.group().translate(_LEET), plain)
    if plain[0] == "#":
        marks.append("^tag")
        plain = plain[1:]
    letters = [sign for sign in plain if sign.isalpha()]
    if len(letters) > 2 and all(sign.isupper() for sign in letters):
        marks.append("^caps")
    for piece in _PIECE.finditer(plain):
        text = piece.group()
        if piece.lastgroup == "word":
            said += _word(text.lower(), marks)
        elif piece.lastgroup == "number":
            said.append("0" * min(5, sum(sign.isdigit() for sign in text)))
        elif piece.lastgroup == "shout":
            said += list(dict.fromkeys(text))
            if len(text) > 1:
                marks.append("^shout")
            said.append(PAUSE)
        elif not text.isascii() and unicodedata.category(text[0]) in {"So", "Sk"}:
            said += [text, PAUSE]
        elif not text.isspace() and text[0] not in "-/&+_'’`\u200d\ufe0f" and said[-1:] != [PAUSE]:
            said.append(PAUSE)
    return said, marks


def _word(word: str, marks: list[str]) -> list[str]:
    bare = "".join(
        sign for sign in unicodedata.normalize("NFKD", word) if not unicodedata.combining(sign)
    )
    bare = bare.replace("'", "").replace("’", "").replace("`", "")
    if any(sign.isdigit() for sign in bare):
        twice = _DOUBLED.match(bare)
        if twice:
            first = _spelled(twice[1], marks)
            return [*first, *first[:-1], first[-1] + twice[2]]
        inner = bare.strip("0123456789")
        if inner and any(sign.isdigit() for sign in inner):
            return _spelled(inner.translate(_LEET), marks)
        # "rt03", "3bulan": the letters and the number apart.
        parts = re.findall(r"\d+|[^\W\d_]+", bare)
        return [
            said
            for part in parts
            for said in (["0" * min(5, len(part))] if part.isdigit() else _spelled(part, marks))
        ]
    return _spelled(bare, marks)


def _spelled(word: str, marks: list[str]) -> list[str]:
    short = word
    if _STRETCHED.search(word):
        short = _STRETCHED.sub(r"\1", word)
        marks.append("^long")
    full = slang().get(short)
    if full is None:
        return [short]
    marks.append("~" + short)
    return full


_slang: dict[str, list[str]] = {}


def slang() -> dict[str, list[str]]:
    """Short and slang spellings with the words they stand for."""
    if not _slang:
        _slang.update({short: full.split() for short, full in data("slang")["words"].items()})
    return _slang
