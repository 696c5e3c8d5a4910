"""How often words are written in Malay and in Indonesian: two languages of one vocabulary, which
differ in what each says often. A thousand lines of news know too few of those words.

The counts are those of wordfreq (Speer 2022; code Apache-2.0, counts CC BY-SA 4.0), which ships
them with its package.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
import wordfreq

from tanggap.language.train.matrix import WORDS_WEIGH, counts

AS_LINES = {"ms": "ms", "id": "id-news"}
"""The list of each language counts as one more text of a label."""
SAID = 40_000
"""Words that such a text has, about as many as our lines of the language's news."""


def rows(word_bits: int, piece_bits: int) -> tuple[sp.csr_matrix, list[str]]:
    """How often each feature stands in each list, and the labels: rows to learn beside texts."""
    often = {code: wordfreq.get_frequency_dict(code, "best") for code in AS_LINES}
    known = sorted({word for few in often.values() for word in few if len(word) > 1})
    words = [word for word in known if word.isalpha()]
    counted = counts(words, word_bits, piece_bits, False)
    table = sp.hstack([counted.words * WORDS_WEIGH, counted.pieces]).tocsr()
    shares = np.array([[few.get(word, 0.0) for word in words] for few in often.values()])
    return sp.csr_matrix(shares * SAID) @ table, list(AS_LINES.values())
