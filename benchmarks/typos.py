"""What one mistyped word a question costs each mode that looks for words, on judged collections in
BEIR form, with and without its repair.

    python -m benchmarks.typos COLLECTION...

In each question one word of five letters or more gets one slip: a letter dropped, doubled into
another, exchanged, or two neighbours swapped; which, a fixed seed decides, three times over. Writes
nDCG@10 to benchmarks/results/.
"""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import ascii_lowercase

from benchmarks.collection_corpus import collection_corpus
from benchmarks.keeping import keep
from searchapp import config
from searchapp.corpus import Corpus

config.use_one_thread_for_small_products()  # before what imports NumPy

SEEDS = (1, 2, 3)
MODES = ("keyword", "hybrid")
_WORD = re.compile(r"(?<![^\W_])[a-zA-Z]{5,}(?![^\W_])")


def main(arguments: Sequence[str]) -> None:
    collections = [{"name": folder.name, **_measured(folder)} for folder in map(Path, arguments)]
    names = " ".join(Path(argument).name for argument in arguments)
    keep("typos", {"collections": collections}, f"python -m benchmarks.typos {names}")


def mistyped(text: str, random: random.Random) -> str:
    """The text with one slip in one of its longer words; as it is where it has none."""
    words = list(_WORD.finditer(text))
    if not words:
        return text
    word = random.choice(words)
    return text[: word.start()] + _slip(word[0], random) + text[word.end() :]


def _slip(word: str, random: random.Random) -> str:
    while True:
        at = random.randrange(len(word) - 1)
        letter = random.choice(ascii_lowercase)
        slipped = random.choice(
            [
                word[:at] + word[at + 1 :],
                word[:at] + letter + word[at:],
                word[:at] + letter + word[at + 1 :],
                word[:at] + word[at + 1] + word[at] + word[at + 2 :],
            ]
        )
        if slipped != word:
            return slipped


def _measured(folder: Path) -> dict[str, object]:
    from searchapp.encoders.loading import load_encoder
    from searchapp.evaluation.qrels import collection_questions
    from searchapp.types.model_names import DEFAULT_MODEL

    encoder = load_encoder(DEFAULT_MODEL, cache=config.load().cache, device="cpu")
    questions = collection_questions(folder)
    slips = []
    for seed in SEEDS:
        one = random.Random(seed)
        slips.append({name: mistyped(text, one) for name, text in questions.items()})
    with collection_corpus(folder, encoder) as corpus:
        modes = {mode: _of_mode(folder, corpus, mode, questions, slips) for mode in MODES}
    return {"questions": len(questions), "modes": modes}


def _of_mode(
    folder: Path,
    corpus: Corpus,
    mode: str,
    questions: Mapping[str, str],
    slips: Sequence[Mapping[str, str]],
) -> dict[str, float]:
    def mean(literal: bool) -> float:
        return sum(ndcg(folder, corpus, mode, some, literal=literal) for some in slips) / len(slips)

    whole, taken_as_they_are = (
        ndcg(folder, corpus, mode, questions, literal=literal) for literal in (False, True)
    )
    repaired = mean(literal=False)
    figures = {
        "as asked": whole,
        "as asked, literal": taken_as_they_are,
        "mistyped": repaired,
        "mistyped, literal": mean(literal=True),
        "kept": repaired / whole,
    }
    print(folder.name, mode, figures, file=sys.stderr, flush=True)
    return {name: round(figure, 4) for name, figure in figures.items()}


def ndcg(
    folder: Path,
    corpus: Corpus,
    mode: str,
    questions: Mapping[str, str],
    *,
    literal: bool = False,
    weight: float | None = None,
) -> float:
    """nDCG@10 of questions, by the judgements in a folder."""
    import ir_measures
    from ir_measures import nDCG

    from searchapp.evaluation.qrels import collection_judgements

    run = [
        ir_measures.ScoredDoc(name, match.hit.path.decode(), float(-match.rank))
        for name, text in questions.items()
        for match in corpus.query(
            text,
            k=10,
            mode=mode,
            weight=weight,
            per_document=1,
            collapse=False,
            literal=literal,
        ).matches
    ]
    judged = [
        ir_measures.Qrel(each.question, each.document, each.grade)
        for each in collection_judgements(folder)
        if each.question in questions
    ]
    return float(ir_measures.calc_aggregate([nDCG @ 10], judged, run)[nDCG @ 10])


if __name__ == "__main__":
    main(sys.argv[1:])
