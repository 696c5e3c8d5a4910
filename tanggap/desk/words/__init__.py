"""The words that people read for the codes that the tables hold.

Each module here owns one area and offers `WORDS: {group: {code: word}}`; the filter
`|word:"group"` looks them up. A group is owned by one module; owning it twice is an error.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

Table = dict[str, dict[str, object]]


@cache
def tables() -> Table:
    """Every group of every module, by name. Raises ValueError when two modules own one group."""
    found: Table = {}
    for module in iter_modules(__path__):
        words: Table = import_module(f"{__name__}.{module.name}").WORDS
        for group, codes in words.items():
            if group in found:
                raise ValueError(f"words/{module.name}.py repeats the group {group!r}")
            found[group] = codes
    return found


def word(code: object, group: str) -> str:
    """The word for `code`, in the reader's language; the code itself when nobody named it."""
    table = tables()[group]
    return str(table.get(str(code), code))
