"""Text on servers of this protocol: how they count it, and back from their HTML to the words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from bs4 import BeautifulSoup
from bs4.element import NavigableString, Tag

from tanggap.channels.counters import URL, graphemes

MENTION = re.compile(r"(?<![\w@/=.])@(\w+(?:[\w.-]*\w)?)(?:@([\w.-]+\w))?")
_BLOCKS = ("p", "div", "blockquote", "ul", "ol", "pre", "h1", "h2", "h3", "h4", "h5", "h6")
# Servers that read posts as markdown give these back as markup, not as letters.
_MARKS = re.compile(r"[*_~`]")
_SPACE = re.compile(r"\s+")


def count(text: str, url_length: int) -> int:
    """Graphemes, where each URL counts `url_length` and of a mention only its local part counts."""
    shortened = URL.sub("x" * url_length, text) if url_length else text
    return graphemes(MENTION.sub(lambda found: "@" + found[1], shortened))


def mentions(text: str, handle: str) -> bool:
    """Whether the text already calls this account by its handle."""
    name = handle.lower()
    return any(
        found[0][1:].lower() == name
        or (found[1].lower() == name.partition("@")[0] and not found[2])
        for found in MENTION.finditer(text)
    )


def plain(html: str) -> str:
    """The words of a post, from its HTML: paragraphs as an empty line, breaks as a line, links as
    their whole address, everything else as it stands."""
    soup = BeautifulSoup(html, "html.parser")
    out: list[str] = []
    _walk(soup, out, links=None)
    return _tidy("".join(out))


def _tidy(text: str) -> str:
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n")


def _walk(node: Tag, out: list[str], links: list[str] | None) -> None:
    for child in node.children:
        if isinstance(child, NavigableString):
            # Comments and the like are subclasses; only real text is text.
            if type(child) is NavigableString:
                out.append(str(child))
        elif not isinstance(child, Tag) or child.name in ("script", "style"):
            continue
        elif child.name == "br":
            out.append("\n")
        elif child.name == "a":
            _link(child, out, links)
        elif child.name == "li":
            out.append("\n- ")
            _walk(child, out, links)
        else:
            block = child.name in _BLOCKS
            if block and "".join(out).strip("\n"):
                out.append("\n\n")
            _walk(child, out, links)


def _link(tag: Tag, out: list[str], links: list[str] | None) -> None:
    shown, href = tag.get_text(), str(tag.get("href") or "")
    stripped = shown.strip()
    called = stripped.startswith(("@", "#", "＃"))
    address = not called and href.startswith(("http://", "https://")) and _is_address(shown, href)
    if not address:
        out.append(shown)
    elif links is None:
        # What is shown is the whole address, cut by the server's markup or by an ellipsis.
        out.append(stripped if URL.fullmatch(stripped) and "…" not in stripped else href)
    else:
        links.append(stripped if URL.fullmatch(stripped) and "…" not in stripped else href)
        out.append(_HOLE)


_HOLE = "\ue000"


def _is_address(shown: str, href: str) -> bool:
    bare = re.sub(r"^https?://", "", shown.strip().rstrip("…").rstrip("."), flags=re.I)
    host = bare.partition("/")[0]
    return bool(URL.fullmatch(shown.strip())) or ("." in host and " " not in bare)


def _letters(text: str) -> str:
    """What stays the same between what was sent and what a server shows, links left out."""
    text = unicodedata.normalize("NFC", text)
    text = MENTION.sub(lambda found: "@" + found[1].lower(), text)
    return _SPACE.sub(" ", _MARKS.sub("", text)).strip()


def _address(url: str) -> tuple[str, str]:
    """Host and the rest, without what servers add or drop."""
    parts = urlsplit(url)
    rest = parts.path.rstrip("/") + (f"?{parts.query}" if parts.query else "")
    return (parts.hostname or "").removeprefix("www.").lower(), _MARKS.sub("", rest)


def same(sent: str, html: str) -> bool:
    """Whether a post's HTML shows the text that was sent.

    Letters must be equal; links may be shortened, expanded, or rewritten by a redirecting service
    of another host, but a different address of the same host is a different text.
    """
    ours = [found[0] for found in URL.finditer(sent)]
    out: list[str] = []
    theirs: list[str] = []
    _walk(BeautifulSoup(html, "html.parser"), out, theirs)
    # A server may leave an address unlinked: it is one all the same.
    shown, linked = "".join(out), iter(theirs)
    theirs = list(_in_order(shown, linked))
    shown = URL.sub(_HOLE, shown)
    if _letters(URL.sub(_HOLE, sent)) != _letters(shown) or len(ours) != len(theirs):
        return False
    return _same_links(ours, theirs)


def _in_order(shown: str, linked: Iterator[str]) -> Iterator[str]:
    marks = [(at, _HOLE) for at, letter in enumerate(shown) if letter == _HOLE]
    marks += [(found.start(), found[0]) for found in URL.finditer(shown)]
    for _, found in sorted(marks):
        yield next(linked) if found == _HOLE else found


def _same_links(ours: Sequence[str], theirs: Sequence[str]) -> bool:
    for mine, other in zip(ours, theirs, strict=True):
        left, right = _address(mine), _address(other)
        if left != right and left[0] == right[0]:
            return False
    return True
