"""Messages a second on one core: our tiers, their parts, and what others use. See bench/README.md.

    ./run bench language --json

CPU seconds of one thread, on distinct messages of 152 signs on average. A reader is warmed on
other messages first, as one is that has been running for a while; `cold_heads_per_s` is without.
What is not installed (what the careful tier needs, Sastrawi) is null.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import argparse  # noqa: E402
import json  # noqa: E402
import random  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
import zlib  # noqa: E402
from collections.abc import Callable, Sequence  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

from tanggap.language import careful, classify, copies, kernel, places, redact  # noqa: E402
from tanggap.language import fast as fast_tier  # noqa: E402
from tanggap.language.train import sources  # noqa: E402

DATA = ROOT.parent / "shared" / "data"
SIGNS = 152
ROUNDS = 3
TOKENS = 40  # of a message of this length, in a BERT vocabulary of Indonesian


def messages(count: int) -> list[str]:
    """Distinct messages, mixed, cut or joined to SIGNS on average."""
    texts = [one["text"] for one in sources.own()]
    if (DATA / "smsa").is_dir():
        texts += [row.text for row in sources.smsa(DATA, "train")]
        texts += [row.text for rows in sources.nusax(DATA, "train").values() for row in rows]
    texts = sorted(set(texts))
    random.Random(7).shuffle(texts)
    while np.mean([len(text) for text in texts]) > SIGNS:
        longest = sorted(texts, key=len)[-len(texts) // 50 :]
        gone = set(longest)
        texts = [text for text in texts if text not in gone]
    short = [text for text in texts if len(text) < SIGNS]
    while np.mean([len(text) for text in texts]) < SIGNS - 1 and len(short) > 2:
        left, right = short.pop(), short.pop()
        texts = [text for text in texts if text not in (left, right)] + [f"{left} {right}"]
    return texts[:count]


def per_second(
    work: Callable[[Sequence[str]], Any],
    texts: Sequence[str],
    rounds: int = ROUNDS,
    before: Callable[[], Any] = lambda: None,
) -> float:
    """The best of a few rounds: others use this machine, too."""
    best = float("inf")
    for _ in range(rounds):
        before()
        began = time.process_time()
        work(texts)
        best = min(best, time.process_time() - began)
    return round(len(texts) / best, 1)


def find_places(texts: Sequence[str]) -> None:
    """Places alone, with the numbering of chunks that all heads share."""
    mine = classify.reader()
    classify._scout(mine, "").find(texts, mine.numbers(texts))


def fast(texts: Sequence[str]) -> None:
    classify.read(texts)


def everything(texts: Sequence[str]) -> None:
    classify.read(texts)
    copies.leaders(texts)


def careful_rate(texts: Sequence[str]) -> float | None:
    """The careful tier, cutting into pieces and the fast tier beside it included."""
    try:
        careful.model()
    except careful.NotInstalled:
        return None
    return per_second(lambda some: classify.classify(some, "careful"), texts, 2)


def floor(texts: Sequence[str]) -> int:
    """Lower-case, part into words, and hash each once: what nothing that reads words can spare."""
    return sum(zlib.crc32(word.encode()) for text in texts for word in text.lower().split())


def sastrawi(texts: Sequence[str]) -> dict[str, float | None]:
    """TF-IDF of stemmed words into a linear model, as Indonesian studies do it, with Sastrawi's
    stop words left out and with all words. It has learnt SmSA, and so knows the stems of common
    words, as our readers know the sums of common chunks; F1 is on SmSA's validation split."""
    found: dict[str, float | None] = dict.fromkeys(
        ("sastrawi_pipeline_per_s", "sastrawi_f1", "sastrawi_all_words_f1", "fast_f1")
    )
    try:
        from Sastrawi.Stemmer.StemmerFactory import StemmerFactory
        from Sastrawi.StopWordRemover.StopWordRemoverFactory import StopWordRemoverFactory
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.metrics import f1_score
        from sklearn.svm import LinearSVC
    except ImportError:
        return found
    if not (DATA / "smsa").is_dir():
        return found
    learns, judges = (sources.smsa(DATA, split) for split in ("train", "valid"))
    right = [row.label for row in judges]
    without = StopWordRemoverFactory().create_stop_word_remover().remove
    for name, less in (("sastrawi_f1", without), ("sastrawi_all_words_f1", str)):
        stem = StemmerFactory().create_stemmer().stem
        reader = TfidfVectorizer()
        seen = reader.fit_transform([stem(less(row.text)) for row in learns])
        machine = LinearSVC().fit(seen, [row.label for row in learns])

        def predict(some: Sequence[str], stem: Any = stem, less: Any = less) -> Any:
            return machine.predict(reader.transform([stem(less(one)) for one in some]))  # noqa: B023

        said = predict([row.text for row in judges])
        found[name] = round(float(f1_score(right, said, average="macro")), 4)
        if less is without:
            found["sastrawi_pipeline_per_s"] = per_second(predict, texts, 1)
    head = fast_tier.model().heads["sentiment"]
    scores = head.scores(fast_tier.reader().sums([row.text for row in judges]))
    said = [head.labels[code] for code in scores.argmax(1)]
    found["fast_f1"] = round(float(f1_score(right, said, average="macro")), 4)
    return found


def bert(count: int) -> tuple[float, str]:
    """A forward pass of BERT-base's shape: 12 layers of 768, TOKENS tokens a message."""
    try:
        import torch

        torch.set_num_threads(1)
        layer = torch.nn.TransformerEncoderLayer(768, 12, 3072, batch_first=True)
        model = torch.nn.TransformerEncoder(layer, 12, enable_nested_tensor=False).eval()

        def work(texts: Sequence[str]) -> None:
            with torch.inference_mode():
                model(torch.randn(len(texts), TOKENS, 768))

        return per_second(work, [""] * count, 1), "torch"
    except ImportError:
        draw = np.random.default_rng(1)
        own = [draw.standard_normal((768, 768), np.float32) * 0.03 for _ in range(4)]
        up = draw.standard_normal((768, 3072), np.float32) * 0.03
        down = draw.standard_normal((3072, 768), np.float32) * 0.03

        def plain(texts: Sequence[str]) -> None:
            for _ in texts:
                state = draw.standard_normal((TOKENS, 768), np.float32)
                for _ in range(12):
                    asked, keys, values = state @ own[0], state @ own[1], state @ own[2]
                    heads = [
                        np.exp(asked[:, at : at + 64] @ keys[:, at : at + 64].T / 800)
                        @ values[:, at : at + 64]
                        for at in range(0, 768, 64)
                    ]
                    state = state + np.hstack(heads) @ own[3] * 0.001
                    state = state + np.maximum(state @ up, 0) @ down * 0.001
                    state /= np.abs(state).max()

        return per_second(plain, [""] * count, 1), "numpy"


def measure(count: int) -> dict[str, Any]:
    texts = messages(2 * count)
    warm, texts = texts[: len(texts) // 2], texts[len(texts) // 2 :]

    def forget() -> None:
        classify._local.__dict__.clear()

    def ready() -> None:
        forget()
        classify.read(warm)

    places.gazetteer()
    bert_base, by = bert(4)
    return {
        "compiled": kernel.library() is not None,
        "messages": len(texts),
        "signs": round(float(np.mean([len(text) for text in texts])), 1),
        "heads_per_s": per_second(classify.classify, texts, before=ready),
        "cold_heads_per_s": per_second(classify.classify, texts, 1, before=forget),
        "fast_per_s": per_second(fast, texts, before=ready),
        "all_per_s": per_second(everything, texts, before=ready),
        "careful_per_s": careful_rate(texts[: max(1, len(texts) // 10)]),
        "redact_per_s": per_second(lambda some: [redact.redact(one) for one in some], texts),
        "places_per_s": per_second(find_places, texts, before=ready),
        "places_one_by_one_per_s": per_second(
            lambda some: [places.find(one) for one in some], texts, 1
        ),
        "near_duplicates_per_s": per_second(copies.leaders, texts),
        **sastrawi(texts[: max(1, len(texts) // 4)]),
        "bert_base_per_s": bert_base,
        "bert_base_by": by,
        "floor_per_s": per_second(floor, texts),
    }


def main(argv: list[str] | None = None) -> int:
    arguments = argparse.ArgumentParser(prog="./run bench language", description=__doc__)
    arguments.add_argument("--json", action="store_true", help="one JSON object as the last line")
    arguments.add_argument("--messages", type=int, default=4000, help="how many (4000)")
    asked = arguments.parse_args(argv)
    result = measure(asked.messages)
    if asked.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name:24} {value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
