"""Numbers what stands between two spaces (a chunk), in the order in which chunks are first seen.

Spaces are what `str.split` takes for spaces. Number 0 stands between texts, so that the chunks of
many texts are one row of numbers. What is known is never forgotten; `reader.py` begins anew when it
is too much.
"""

from __future__ import annotations

import ctypes
import secrets
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tanggap.language import kernel

Ints = npt.NDArray[np.int64]


class Compiled:
    """Numbers chunks with `kernel.c`."""

    def __init__(self, between: str) -> None:
        self.chunks = [between]
        self._between = between
        self._places = np.zeros((1 << 14, 4), np.uint32)
        self._letters = np.full(1 << 16, ord("\n"), np.uint8)
        self._ends = np.ones(1 << 13, np.int64)
        self.told = kernel.Numbered(count=1, seed=secrets.randbits(64))
        self._tell()

    def _tell(self) -> None:
        self.told.places = self._places.ctypes.data
        self.told.letters = self._letters.ctypes.data
        self.told.ends = self._ends.ctypes.data
        self.told.mask = len(self._places) - 1
        self.told.room, self.told.letters_room = len(self._ends), len(self._letters)

    def numbers(self, texts: Sequence[str]) -> Ints:
        """The chunks of all texts by number, a 0 before each text and one at the end."""
        loops = kernel.library()
        whole = self._between.join(["", *texts, ""])
        if whole.count(self._between) > len(texts) + 1:
            whole = self._between.join(
                ["", *(text.replace(self._between, " ") for text in texts), ""]
            )
        said = whole.encode("utf-8", "surrogatepass")
        found = np.empty(len(said), np.int64)
        at, many = 0, ctypes.c_int64(0)
        loops.tanggap_number.restype = ctypes.c_int64
        while True:
            at = loops.tanggap_number(
                ctypes.byref(self.told),
                said,
                ctypes.c_int64(len(said)),
                ctypes.c_int64(at),
                kernel.at(found),
                ctypes.byref(many),
            )
            if at == len(said):
                break
            self._grow(len(said) - at)
        start, end = len(self.chunks), self.told.count
        if end > start:
            new = self._letters[self._ends[start - 1] : self._ends[end - 1] - 1].tobytes()
            self.chunks += new.decode("utf-8", "surrogatepass").split("\n")
        return found[: many.value].copy()

    def _grow(self, bytes_left: int) -> None:
        more_places = False
        if self.told.count == len(self._ends):
            more_places = True
            self._ends = np.concatenate([self._ends, np.zeros_like(self._ends)])
            self._places = np.zeros((2 * len(self._places), 4), np.uint32)
        room = len(self._letters)
        if self._ends[self.told.count - 1] + bytes_left + 1 > room:
            more = np.zeros(max(room, bytes_left + 1), np.uint8)
            self._letters = np.concatenate([self._letters, more])
        self._tell()
        if more_places:
            kernel.library().tanggap_seat(ctypes.byref(self.told))


class _Numbers(dict[str, int]):
    def __init__(self, chunks: list[str]) -> None:
        super().__init__()
        self.chunks = chunks

    def __missing__(self, chunk: str) -> int:
        number = self[chunk] = len(self)
        self.chunks.append(chunk)
        return number


class Plain:
    """The same without a compiler."""

    def __init__(self, between: str) -> None:
        self.chunks: list[str] = []
        self._between = between
        self._numbers = _Numbers(self.chunks)
        assert self._numbers[between] == 0

    def numbers(self, texts: Sequence[str]) -> Ints:
        """See `Compiled.numbers`."""
        between = f" {self._between} "
        whole = between.join(["", *texts, ""])
        if whole.count(self._between) > len(texts) + 1:
            whole = between.join(["", *(text.replace(self._between, " ") for text in texts), ""])
        return np.array(list(map(self._numbers.__getitem__, whole.split())), np.int64)
