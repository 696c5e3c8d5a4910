"""A layer learns what officers say, and its report is of what it has not seen."""

from __future__ import annotations

import numpy as np

from tanggap.language.layer import Example, from_json, is_held_back, learn

LABELS = ("complaint", "thanks", "aspiration")


def taught():
    """The shipped model takes "sae" for a complaint; this agency's officers know it for thanks."""
    rows = []
    for number in range(90):
        if number % 3:
            rows.append(Example(f"petugas loket {number} sae pisan", "thanks", f"{number}"))
        else:
            rows.append(Example(f"jalan {number} rusak parah", "complaint", f"{number}"))
    return rows, np.tile([0.6, 0.3, 0.1], (len(rows), 1))


def test_what_was_corrected_is_learnt_and_measured_on_others():
    rows, shipped = taught()
    layer, report = learn(rows, LABELS, shipped)
    held = sum(is_held_back(one.family) for one in rows)
    assert (report.learnt_from, report.held_back) == (len(rows) - held, held)
    assert report.before < 0.6 and report.after == 1.0
    chances = layer.chances("pelayanan sae pisan", shipped[0])
    assert LABELS[int(chances.argmax())] == "thanks" and abs(chances.sum() - 1) < 1e-9


def test_words_that_nobody_spoke_of_change_nothing():
    rows, shipped = taught()
    layer, _ = learn(rows, LABELS, shipped)
    assert np.allclose(layer.chances("kuda lumping beraksi", shipped[0]), shipped[0])


def test_noise_teaches_nothing_that_the_report_would_praise():
    draw = np.random.default_rng(3)
    rows = [
        Example(f"kata{one} kata{other}", str(draw.choice(LABELS)), f"{one} {other}")
        for one, other in draw.integers(60, size=(240, 2)).tolist()
    ]
    _, report = learn(rows, LABELS, np.tile([0.34, 0.33, 0.33], (240, 1)))
    assert report.after < 0.55


def test_it_is_kept_whole():
    rows, shipped = taught()
    layer, _ = learn(rows, LABELS, shipped)
    assert from_json(layer.as_json()) == layer
