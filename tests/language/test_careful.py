"""The careful tier: the same columns, read one message at a time, or a word on what is missing."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from tanggap.cli import main
from tanggap.language import MADE_BY, careful, fast
from tanggap.language.classify import HEADS, NoSuchTier, classify, read
from tanggap.language.lines import classify_lines
from tests.language.test_classify import LINES, ODD_ONES, SAID, WANTED

MODELS = Path(careful.__file__).with_name("models")


@pytest.fixture
def installed():
    pytest.importorskip("onnxruntime", reason="the extra `careful` is not installed")
    pytest.importorskip("sentencepiece", reason="the extra `careful` is not installed")


@pytest.fixture
def without(monkeypatch):
    """Nothing of the extra is installed."""
    careful.model.cache_clear()
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    yield
    careful.model.cache_clear()


def test_the_columns_are_those_of_the_fast_tier(installed):
    found, fast = classify(SAID, tier="careful"), classify(SAID)
    assert tuple(found) == HEADS
    for name, column in found.items():
        assert column.labels == fast[name].labels
        assert len(column) == len(SAID) == len(column.confidence) == len(column.sure)
        assert ((column.confidence > 0) & (column.confidence <= 1)).all()
    assert [found["intent"].value(row) for row in range(len(SAID))] == WANTED
    assert found["urgency"].value(5) == "danger"


def test_words_that_mean_nothing_alone(installed):
    told = [
        "Dalan ngarep omahku rusak kabeh, kapan didandani to Pak?",
        "The road in front of our school has been broken for a year",
        "Pelayanannya jauh dari kata memuaskan, saya tidak akan kembali",
        "pelayanannya ramah, tempatnya bersih, saya pasti kembali",
    ]
    found = classify(told, tier="careful")
    assert [found["language"].value(row) for row in (0, 1)] == ["jv", "en"]
    assert [found["sentiment"].value(row) for row in (2, 3)] == ["negative", "positive"]


def test_a_message_reads_the_same_alone_and_among_others(installed):
    told = [*SAID, *ODD_ONES]
    together, alone = classify(told, tier="careful"), [classify([t], tier="careful") for t in told]
    for name, column in together.items():
        for row, one in enumerate(alone):
            assert one[name].codes[0] == column.codes[row]
            assert one[name].confidence[0] == pytest.approx(column.confidence[row], abs=1e-4)


def test_a_regional_language_may_hear_the_fast_tier_more():
    head = fast.model().heads["sentiment"]
    nothing = np.zeros(len(head.labels), np.float32)
    both = careful.Beside(
        head, 0, careful.Share(1.0, 0.0, nothing), careful.Share(0.0, 2.0, nothing)
    )
    said = np.array([[1, 2, 3], [4, 5, 6]], np.float32)
    sums = fast.reader().sums(["ramah pisan palayananna", "pelayanannya ramah sekali"])
    found = both.scores(said, sums, np.array([True, False]))
    assert found[0] == pytest.approx(2 * (head.scores(sums)[0] - head.added), abs=1e-4)
    assert found[1].tolist() == [4, 5, 6]


def test_nothing_in_nothing_out(installed):
    assert all(len(column) == 0 for column in classify([], tier="careful").values())
    odd = ["", " ", "\x00", "\ud83d", "a" * 50_000, "kata " * 30_000, "😭" * 300]
    assert len(classify(odd, tier="careful")["intent"]) == len(odd)
    found = read(["Lampu di Kecamatan Sleman mati"], tier="careful", region="34.04")
    assert len(found.places[0]) == 1


def test_of_a_long_message_beginning_and_end_are_read(installed):
    (few, many) = careful.split(careful.model().splitter, ["halo", "halo " + "kata " * 900 + "dan"])
    assert len(few) < 6 and len(many) == careful.LONGEST
    assert (many[0], many[-1]) == (few[0], few[-1])
    assert many[1] == few[1]


def test_as_it_is_spelt_for_the_network():
    assert careful.spelt("BAGUSSSS sekaliii 1000 \x00") == "baguss sekalii 1000  "
    assert len(careful.spelt("ab" * 9000)) == careful.SIGNS


def test_the_command(installed, tmp_path):
    out = io.StringIO()
    assert classify_lines(LINES, out, tier="careful") == (2, 5)
    first = json.loads(out.getvalue().splitlines()[0])
    assert list(first) == ["id", *HEADS, "places", "pii"]
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_bytes(b"\n".join(LINES))
    told = ["classify", "--input", str(source), "--output", str(target), "--tier", "careful"]
    assert main(told) == 0
    assert target.read_text("utf-8") == out.getvalue()


def test_without_the_extra_it_says_what_to_type(without, tmp_path, capsys):
    with pytest.raises(NoSuchTier, match="onnxruntime") as told:
        classify(SAID, tier="careful")
    assert careful.how_to_install() in str(told.value)
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_bytes(LINES[0])
    asked = ["classify", "--input", str(source), "--output", str(target), "--tier", "careful"]
    assert main(asked) == 1
    assert "pip install" in capsys.readouterr().err
    assert not target.exists()


@pytest.mark.parametrize(
    ("pip", "typed"),
    [
        (True, f"{sys.executable} -m pip install onnxruntime sentencepiece"),
        (False, f"uv pip install --python {sys.executable} onnxruntime sentencepiece"),
    ],
)
def test_what_to_type_is_there_to_be_run(pip, typed, monkeypatch):
    monkeypatch.setattr(careful, "find_spec", lambda name: pip or None)
    assert careful.how_to_install() == typed


def test_it_was_fitted_beside_the_fast_tier_that_is_shipped():
    about = json.loads((MODELS / "careful.json").read_text("utf-8"))
    assert about["beside"] == MADE_BY, "train the careful tier anew: ./run train --tier careful"


def test_it_is_small_enough_to_travel_in_the_repository():
    size = sum(path.stat().st_size for path in MODELS.glob("careful.*"))
    assert 1_000_000 < size < 60_000_000


def test_scores_are_numbers(installed):
    said = careful.model().said([*SAID, *ODD_ONES])
    assert said.shape == (len(SAID) + len(ODD_ONES), 58) and np.isfinite(said).all()
