"""The figures of judged collections that are small enough to work them out in the head."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from itertools import product
from pathlib import Path

import pytest

from searchapp.corpus import Corpus
from searchapp.errors import CollectionError, CorpusEmpty, CorpusMissing, UnknownMode, UsageError
from searchapp.evaluation.evaluator import (
    _document,
    _source,
    compare,
    evaluate,
    evaluate_corpus,
    write_run,
    write_runs,
)
from searchapp.evaluation.qrels import Judgement, collection_judgements
from searchapp.ingest.indexer import Indexer
from searchapp.search.query_options import MODES
from searchapp.testing import HashEncoder
from searchapp.types.protocols import Encoder
from searchapp.types.results import Evaluation, Progress

ENCODER = HashEncoder(dim=1024)
DOCUMENTS = [
    {
        "_id": "d1",
        "title": "",
        "text": "apple apple apple pear",
    },  # for "apple": 3 of length sqrt(10)
    {"_id": "d2", "title": "", "text": "apple pear"},
    {"_id": "d3", "title": "", "text": "walnut"},
    {"_id": "d4", "title": "", "text": ""},
]
QUERIES = [
    {"_id": "q1", "text": "apple"},
    {"_id": "q2", "text": "walnut"},
    {"_id": "q3", "text": "not judged"},
]
JUDGEMENTS = ["query-id\tcorpus-id\tscore", "q1\td2\t1", "q2\td3\t1", "q2\td4\t1"]


def collection(
    folder: Path,
    *,
    documents: list[dict[str, str]] = DOCUMENTS,
    queries: list[dict[str, str]] = QUERIES,
    judgements: list[str] = JUDGEMENTS,
) -> Path:
    (folder / "qrels").mkdir(parents=True, exist_ok=True)
    (folder / "corpus.jsonl").write_text("".join(f"{json.dumps(record)}\n" for record in documents))
    (folder / "queries.jsonl").write_text("".join(f"{json.dumps(record)}\n" for record in queries))
    (folder / "qrels/test.tsv").write_text("".join(f"{line}\n" for line in judgements))
    return folder


def measured(folder: Path, *modes: str, weights: Sequence[float] = ()) -> list[Evaluation]:
    return evaluate(folder, lambda: ENCODER, modes=modes or ("cosine",), weights=weights)


def own(folder: Path, *judgements: str, texts: dict[str, str] | None = None) -> tuple[Path, Corpus]:
    """A file of judgements, which is a table, and a corpus of documents in the same folder."""
    corpus = Corpus.open(folder / "corpus", encoder=ENCODER)
    with closing(corpus.writer()) as writer:
        writer.set_encoder(ENCODER.identity)
        with Indexer(writer, ENCODER) as indexer:
            for name, text in (
                {"a b.md": "apple pear", "deep/c.md": "walnut"} if texts is None else texts
            ).items():
                indexer.add(_source(str(folder / name), text), _document("", text), new=True)
            indexer.close()
        writer.finish()
    (folder / "mine.csv").write_text("".join(f"{line}\n" for line in judgements))
    return folder / "mine.csv", corpus


def measured_own(file: Path, corpus: Corpus, *modes: str) -> list[Evaluation]:
    return evaluate_corpus(file, corpus, modes=modes or ("cosine",))


def figures(label: str, *ndcgs: float) -> Evaluation:
    """An evaluation of which only the nDCG of its questions counts."""
    mean = sum(ndcgs) / len(ndcgs)
    return Evaluation(
        "mine",
        label,
        len(ndcgs),
        mean,
        0.0,
        0.0,
        0.0,
        0.0,
        {},
        {f"q{i}": each for i, each in enumerate(ndcgs)},
    )


def ranking(evaluation: Evaluation) -> dict[str, list[str]]:
    return {query: [document for document, _ in found] for query, found in evaluation.run.items()}


def never() -> Encoder:
    raise AssertionError("the encoder was opened")


def test_the_figures_are_those_worked_out_by_hand(tmp_path: Path) -> None:
    (result,) = measured(collection(tmp_path / "tiny"))
    # q1: its answer stands second: nDCG 1/log2(3), reciprocal rank 1/2, recall 1. q2: its first
    # answer stands first, its second has no text: nDCG 1/(1 + 1/log2(3)), reciprocal rank 1, recall
    # 1/2.
    second = 1 / math.log2(3)
    assert result.ndcg_at_10 == pytest.approx((second + 1 / (1 + second)) / 2)
    assert result.mrr_at_10 == pytest.approx((1 / 2 + 1) / 2)
    assert result.recall_at_100 == pytest.approx((1 + 1 / 2) / 2)
    assert result.ndcgs == {"q1": pytest.approx(second), "q2": pytest.approx(1 / (1 + second))}
    assert (result.collection, result.mode, result.queries) == ("tiny", "cosine", 2)
    assert 0 < result.query_ms <= result.query_ms_p95


def test_graded_judgements_count_by_their_grade(tmp_path: Path) -> None:
    (result,) = measured(collection(tmp_path, judgements=["q1\td1\t1", "q1\td2\t3"]))
    assert result.ndcg_at_10 == pytest.approx((1 + 3 / math.log2(3)) / (3 + 1 / math.log2(3)))


def test_an_answer_that_is_judged_to_be_none_counts_for_nothing(tmp_path: Path) -> None:
    (result,) = measured(collection(tmp_path, judgements=["q1\td1\t0", "q1\td2\t1"]))
    assert (result.mrr_at_10, result.recall_at_100) == (0.5, 1)


def test_only_judged_questions_are_asked_and_each_finds_every_document_once(tmp_path: Path) -> None:
    (result,) = measured(collection(tmp_path))
    assert ranking(result) == {"q1": ["d1", "d2", "d3"], "q2": ["d3", "d1", "d2"]}


def test_a_document_of_many_passages_takes_its_best_one(tmp_path: Path) -> None:
    long = {"_id": "d1", "title": "", "text": " ".join(["plum"] * 250 + ["apple"] * 250)}
    (result,) = measured(collection(tmp_path, documents=[long, *DOCUMENTS[1:]]))
    assert ranking(result)["q1"] == ["d1", "d2", "d3"]


def test_at_most_a_hundred_documents_answer(tmp_path: Path) -> None:
    documents = [{"_id": f"d{number:03}", "title": "", "text": "apple"} for number in range(150)]
    (result,) = measured(collection(tmp_path, documents=documents, judgements=["q1\td120\t1"]))
    assert ranking(result)["q1"] == [f"d{number:03}" for number in range(100)]
    assert result.recall_at_100 == 0


def test_the_title_is_embedded_with_the_text(tmp_path: Path) -> None:
    documents = [
        {"_id": "d1", "title": "", "text": "plum"},
        {"_id": "d2", "title": "walnut", "text": "plum"},
        {"_id": "d3", "text": "plum"},
    ]
    (result,) = measured(collection(tmp_path, documents=documents))
    assert ranking(result)["q2"] == ["d2", "d1", "d3"]


def test_the_judgements_do_not_reach_the_answers(tmp_path: Path) -> None:
    (told,) = measured(collection(tmp_path / "told"))
    (shuffled,) = measured(
        collection(tmp_path / "shuffled", judgements=["q2\td1\t1", "q1\td4\t1", "q1\td3\t2"])
    )
    assert told.run == shuffled.run
    assert told.ndcg_at_10 != shuffled.ndcg_at_10


def test_a_mode_given_twice_is_measured_once(tmp_path: Path) -> None:
    assert [result.mode for result in measured(collection(tmp_path), "cosine", "cosine")] == [
        "cosine"
    ]


def test_an_unknown_mode_is_refused_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(UnknownMode, match="magic"):
        evaluate(collection(tmp_path), never, modes=["cosine", "magic"])


@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl", "qrels/test.tsv"])
def test_a_missing_file_is_an_error_and_never_a_zero(tmp_path: Path, name: str) -> None:
    (collection(tmp_path) / name).unlink()
    with pytest.raises(CollectionError, match=name) as caught:
        evaluate(tmp_path, never, modes=["cosine"])
    assert "BEIR" in caught.value.hint


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CollectionError):
        evaluate(tmp_path / "none", never, modes=["cosine"])


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("corpus.jsonl", "not json"),
        ("corpus.jsonl", '"a string"'),
        ("corpus.jsonl", '{"_id": "d9"}'),
        ("corpus.jsonl", '{"text": "no id"}'),
        ("corpus.jsonl", '{"_id": "d9", "text": null}'),
        ("corpus.jsonl", '{"_id": null, "text": "no id"}'),
        ("corpus.jsonl", '{"_id": "d1", "text": "an id that is there already"}'),
        ("corpus.jsonl", r'{"_id": "d\ud800", "text": "half a character"}'),
        ("queries.jsonl", "{}"),
        ("queries.jsonl", "[]"),
        ("qrels/test.tsv", "q1 d1 1"),
        ("qrels/test.tsv", "q1\td1\tvery"),
        ("qrels/test.tsv", "q1\td1\t0.5"),
        ("qrels/test.tsv", "q1\td1\t"),
        ("qrels/test.tsv", "q\udce91\td1\t1"),  # no UTF-8
    ],
)
def test_a_bad_line_is_named_with_its_number(tmp_path: Path, name: str, line: str) -> None:
    path = collection(tmp_path) / name
    number = len(path.read_text().splitlines()) + 1
    with path.open("a", errors="surrogateescape") as file:
        file.write(f"{line}\n")
    with pytest.raises(CollectionError, match=f"{name}, line {number}"):
        measured(tmp_path)


def test_blank_lines_are_no_records(tmp_path: Path) -> None:
    (plain,) = measured(collection(tmp_path / "plain"))
    spaced = collection(tmp_path / "spaced")
    for name in ("corpus.jsonl", "queries.jsonl", "qrels/test.tsv"):
        (spaced / name).write_text((spaced / name).read_text().replace("\n", "\n\n \n"))
    assert measured(spaced)[0].run == plain.run


def test_judgements_need_no_header(tmp_path: Path) -> None:
    with_header, without = (
        measured(collection(tmp_path / str(skip), judgements=JUDGEMENTS[skip:]))[0]
        for skip in (0, 1)
    )
    assert with_header.run == without.run
    assert with_header.ndcg_at_10 == without.ndcg_at_10


def test_a_first_line_with_a_grade_is_a_judgement(tmp_path: Path) -> None:
    folder = collection(tmp_path, judgements=["\ufeffq1\td2\t1.0", "q2\td3\t2"])
    assert list(collection_judgements(folder)) == [
        Judgement("q1", "d2", 1),
        Judgement("q2", "d3", 2),
    ]


@pytest.mark.parametrize(("text", "why"), [(" ", "is empty"), ("x" * 200_000, "characters")])
def test_a_judged_question_that_cannot_be_asked_is_named_before_any_work(
    tmp_path: Path, text: str, why: str
) -> None:
    queries = [{"_id": "q1", "text": "oak"}, {"_id": "q2", "text": text}]
    folder = collection(tmp_path, queries=queries)
    with pytest.raises(CollectionError, match=rf"queries\.jsonl, line 2: the que.* {why}"):
        evaluate(folder, never, modes=["cosine"])


def test_the_working_directory_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(collection(tmp_path / "trees"))
    assert measured(Path())[0].collection == "trees"


def test_a_collection_without_a_judged_question_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CollectionError, match="no question"):
        evaluate(collection(tmp_path, judgements=["q9\td1\t1"]), never, modes=["cosine"])


def test_a_run_file_has_the_form_of_trec(tmp_path: Path) -> None:
    (result,) = measured(collection(tmp_path))
    write_run(tmp_path / "run.txt", result)
    rows = [line.split(" ") for line in (tmp_path / "run.txt").read_text().splitlines()]
    assert [(row[0], row[1], row[2], row[3], row[5]) for row in rows] == [
        ("q1", "Q0", "d1", "1", "searchapp-cosine"),
        ("q1", "Q0", "d2", "2", "searchapp-cosine"),
        ("q1", "Q0", "d3", "3", "searchapp-cosine"),
        ("q2", "Q0", "d3", "1", "searchapp-cosine"),
        ("q2", "Q0", "d1", "2", "searchapp-cosine"),
        ("q2", "Q0", "d2", "3", "searchapp-cosine"),
    ]
    assert float(rows[0][4]) == pytest.approx(3 / math.sqrt(10), abs=1e-3)
    assert float(rows[3][4]) == pytest.approx(1, abs=1e-3)


def test_a_folder_of_runs_holds_one_of_each_mode(tmp_path: Path) -> None:
    results = measured(collection(tmp_path), "cosine", "hybrid", weights=[0.3])
    write_runs(tmp_path / "new" / "runs", results)
    runs = {path.name: path.read_text() for path in (tmp_path / "new" / "runs").iterdir()}
    assert sorted(runs) == ["cosine.run", "hybrid-w=.3.run"]
    assert runs["cosine.run"].splitlines()[0].startswith("q1 Q0 d1 1 ")


def test_a_folder_of_runs_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot make"):
        write_runs(tmp_path / "file" / "runs", [figures("cosine", 0.0)])


def test_a_run_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot write"):
        write_run(tmp_path / "nowhere" / "run.txt", figures("cosine", 0.0))


def test_progress_counts_every_document_with_text(tmp_path: Path) -> None:
    seen: list[Progress] = []
    evaluate(collection(tmp_path), lambda: ENCODER, modes=["cosine"], on_progress=seen.append)
    assert [(state.files_done, state.files_total) for state in seen] == [(1, 3), (2, 3), (3, 3)]
    assert (seen[-1].left_s, seen[-1].share) == (0.0, 1.0)


def test_what_is_done_at_the_moment_is_told(tmp_path: Path) -> None:
    notes: list[str] = []
    evaluate(
        collection(tmp_path),
        lambda: ENCODER,
        modes=["cosine", "hybrid"],
        weights=[0.25],
        on_note=notes.append,
    )
    assert notes == [
        "1/2: asking 2 questions in mode cosine",
        "2/2: asking 2 questions in mode hybrid w=.25",
    ]


# ---- modes and weights ---------------------------------------------------------------------------


def test_without_a_choice_every_mode_is_measured_side_by_side(tmp_path: Path) -> None:
    results = evaluate(collection(tmp_path), lambda: ENCODER)
    assert [result.mode for result in results] == [*MODES, "rrf"]


def test_a_fusion_by_ranks_stands_beside_the_modes_that_have_to_beat_it(tmp_path: Path) -> None:
    """Both legs put d3 first for q2, and the cosine leg alone has the others: 2/61, 1/62, 1/63."""
    *_, fused = measured(collection(tmp_path), "cosine", "keyword", "hybrid")
    assert fused.mode == "rrf"
    assert [document for document, _ in fused.run["q2"]] == ["d3", "d1", "d2"]
    scores = [score for _, score in fused.run["q2"]]
    assert scores == pytest.approx([2 / 61, 1 / 62, 1 / 63])
    legs = measured(collection(tmp_path), "cosine", "keyword")
    assert [result.mode for result in legs] == ["cosine", "keyword"]


def test_a_weight_is_measured_in_each_mode_that_has_one(tmp_path: Path) -> None:
    results = measured(collection(tmp_path), "cosine", "hybrid", "best", weights=[0.3, 1, 0.3])
    assert [result.label for result in results] == [
        "cosine",
        "hybrid w=.3",
        "hybrid w=1",
        "best w=.3",
        "best w=1",
    ]
    assert [result.weight for result in results] == [None, 0.3, 1, 0.3, 1]


def test_a_weight_counts(tmp_path: Path) -> None:
    folder = collection(
        tmp_path,
        documents=[
            {
                "_id": "rare",
                "title": "",
                "text": "apple walnut plum plum plum plum",
            },  # both words of the question, far off by cosine
            {"_id": "near", "title": "", "text": "apple apple"},
            *(
                {
                    "_id": f"d{number}",
                    "title": "",
                    "text": f"apple word{number} word{number} word{number}",
                }
                for number in range(8)
            ),
        ],
        queries=[{"_id": "q1", "text": "apple apple apple walnut"}],
        judgements=["q1\tnear\t1"],
    )
    meaning, words = measured(folder, "hybrid", weights=[0, 1])
    assert [ranking(each)["q1"][0] for each in (meaning, words)] == ["near", "rare"]


def test_a_weight_for_modes_without_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="weight"):
        evaluate(collection(tmp_path), never, modes=["cosine", "keyword"], weights=[0.5])


def test_questions_are_plain_text_and_no_document_is_taken_for_a_copy(tmp_path: Path) -> None:
    documents = [
        {"_id": f"d{number}", "title": "", "text": "apple pear plum walnut cherry"}
        for number in range(3)
    ]
    folder = collection(
        tmp_path, documents=documents, queries=[{"_id": "q1", "text": 'cherry -apple "no phrase"'}]
    )
    (result,) = measured(folder, "keyword")
    assert ranking(result) == {"q1": ["d0", "d1", "d2"]}


def test_a_question_that_no_document_answers_counts_as_zero(tmp_path: Path) -> None:
    queries = [{"_id": "q1", "text": "apple"}, {"_id": "q2", "text": "unheard"}]
    (result,) = measured(collection(tmp_path, queries=queries), "keyword")
    assert result.ndcgs["q2"] == 0
    assert result.ndcg_at_10 == pytest.approx(result.ndcgs["q1"] / 2)


# ---- a corpus of one's own -----------------------------------------------------------------------


def test_a_corpus_is_measured_by_judgements_of_ones_own(tmp_path: Path) -> None:
    (result,) = measured_own(
        *own(
            tmp_path,
            "question,path,grade",
            "apple,a b.md,1",
            "walnut,a b.md,2",
            "walnut,deep/c.md,1",
        )
    )
    # apple: first; walnut: the better answer second.
    second = 1 / math.log2(3)
    assert result.ndcgs == {
        "1": pytest.approx(1),
        "2": pytest.approx((1 + 2 * second) / (2 + second)),
    }
    assert (result.collection, result.queries, result.recall_at_100, result.mrr_at_10) == (
        "mine",
        2,
        1,
        1,
    )


def test_a_run_of_ones_own_corpus_names_documents_in_one_word(tmp_path: Path) -> None:
    (result,) = measured_own(*own(tmp_path, "question,path", "apple,a b.md"))
    write_run(tmp_path / "run.txt", result)
    first = (tmp_path / "run.txt").read_text().splitlines()[0].split(" ")
    assert first[:4] == ["1", "Q0", f"{tmp_path}/a%20b.md", "1"]


def test_a_corpus_that_is_measured_stays_as_it_was(tmp_path: Path) -> None:
    file, corpus = own(tmp_path, "question,path", "apple,a b.md")
    before = {
        path.name: path.read_bytes()
        for path in (tmp_path / "corpus").iterdir()
        if not path.name.endswith(("-wal", "-shm"))
    }
    evaluate_corpus(file, corpus)
    after = {
        path.name: path.read_bytes()
        for path in (tmp_path / "corpus").iterdir()
        if not path.name.endswith(("-wal", "-shm"))
    }
    assert after == before


def test_a_judged_path_that_is_no_document_is_named_before_any_work(tmp_path: Path) -> None:
    file, corpus = own(tmp_path, "question,path", "apple,a b.md", "walnut,c.md")

    notes: list[str] = []
    with pytest.raises(
        CollectionError, match=r"mine\.csv, line 3: c\.md is not a document"
    ) as caught:
        evaluate_corpus(file, corpus, on_note=notes.append)
    assert "searchapp list" in caught.value.hint
    assert notes == []


def test_documents_without_vectors_are_told_of(tmp_path: Path) -> None:
    file, corpus = own(tmp_path, "question,path", "apple,a b.md")
    late = _document("", "late")
    with (
        closing(corpus.writer()) as writer,
        Indexer(writer, ENCODER, is_stopped=lambda: True) as indexer,
    ):
        indexer.add(_source(str(tmp_path / "late.md"), late.text), late, new=True)
        indexer.close()
    notes: list[str] = []
    evaluate_corpus(file, corpus, modes=["cosine"], on_note=notes.append)
    assert notes[0].startswith("1 document not found by meaning yet")


def test_a_corpus_that_is_missing_or_empty_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CorpusMissing):
        evaluate_corpus(tmp_path / "mine.csv", Corpus.open(tmp_path / "none", encoder=ENCODER))
    with pytest.raises(CorpusEmpty):
        evaluate_corpus(*own(tmp_path, "question,path", texts={}))


# ---- significance --------------------------------------------------------------------------------


def exact_p(differences: Sequence[int]) -> float:
    """Of all ways to flip signs, the share that makes a sum as large, on either side."""
    flips = list(product((1, -1), repeat=len(differences)))
    sums = [
        abs(sum(sign * each for sign, each in zip(signs, differences, strict=True)))
        for signs in flips
    ]
    return sum(each >= abs(sum(differences)) for each in sums) / len(sums)


@pytest.mark.slow
@pytest.mark.parametrize(
    "tenths",
    [
        (5, -1),
        (1, 1, 1),
        (3, 1, -2, 4, 0),
        (0, 0, 0),
        (-4, 1, -5, -9, -2, -6, 5),
        (7, 2, 2, 7, 1, 8, -2, 8, 1, -8, 2, 8, 4),
    ],
)
def test_p_is_that_of_all_ways_to_flip_a_few_questions(tenths: tuple[int, ...]) -> None:
    (found,) = compare(
        [figures("a", *[0.5] * len(tenths)), figures("b", *(0.5 + each / 10 for each in tenths))]
    )
    assert found.p == pytest.approx(exact_p(tenths))
    assert found.ndcg_at_10 == pytest.approx(sum(tenths) / len(tenths) / 10)
    assert (found.a, found.b, found.queries) == ("a", "b", len(tenths))


@pytest.mark.slow
def test_p_of_many_questions_is_near_that_of_all_ways_and_the_same_each_time() -> None:
    tenths = (3, 1, -2, 4, 0, 1, 2, -1, 3, -2, 1, 1, -3, 2, 0, 1)  # 65,536 ways
    pair = [figures("a", *[0.5] * 16), figures("b", *(0.5 + each / 10 for each in tenths))]
    (found,) = compare(pair)
    assert found.p == pytest.approx(exact_p(tenths), abs=0.02)
    assert compare(pair) == [found]


def test_one_question_tells_nothing() -> None:
    assert [each.p for each in compare([figures("a", 0.0), figures("b", 1.0)])] == [1]


def test_one_mode_is_compared_with_none() -> None:
    assert compare([figures("a", 0.5, 0.5)]) == []


def test_the_p_of_several_pairs_are_corrected_after_holm() -> None:
    # Ten questions: b is always better than a by .1, c equals b but for one question that is worse
    # by .1, so that it equals a there.
    a, b = [0.5] * 10, [0.6] * 10
    c = [*b[:9], 0.5]
    found = {
        (each.a, each.b): each.p
        for each in compare([figures("a", *a), figures("b", *b), figures("c", *c)])
    }
    # Alone: a-b 2/1024, a-c 2/512 (nine of ten differ), b-c 1. Holm: times 3, 2 and 1.
    assert found == {
        ("a", "b"): pytest.approx(6 / 1024),
        ("a", "c"): pytest.approx(4 / 512),
        ("b", "c"): 1,
    }


# ---- the program ---------------------------------------------------------------------------------


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "searchapp", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "cure"),
    [
        (("--run-file", "run.txt"), "give --mode once"),
        (
            ("--run-file", "run.txt", "--mode", "hybrid", "--weight", "0", "--weight", "1"),
            "one --weight at most",
        ),
        (("--corpus", "corpus", "--model", "m"), "leave --model out"),
        (("--plot", "chart.gif"), ".svg or .png"),
        (("--weight", "1.5"), "0<=x<=1"),
    ],
)
def test_what_makes_no_sense_together_is_a_usage_error(
    tmp_path: Path, words: tuple[str, ...], cure: str
) -> None:
    done = run(tmp_path, "evaluate", ".", *words)
    assert done.returncode == 2
    assert cure in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_file_without_a_corpus_is_told_to_take_one(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("question,path\n")
    done = run(tmp_path, "evaluate", "mine.csv")
    assert done.returncode == 4
    assert "--corpus DIR" in done.stderr


@pytest.mark.model
def test_the_program_measures_a_corpus_of_ones_own_and_draws_it(
    tmp_path: Path, model_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEARCHAPP_CACHE", os.fspath(model_cache))
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/lentils.md").write_text("Boil the lentils for twenty minutes.")
    (tmp_path / "notes/boat.md").write_text("The boat sails at noon.")
    (tmp_path / "mine.tsv").write_text(
        "question\tpath\nhow long does dinner cook\tnotes/lentils.md\nwhen does the ship "
        "leave\tnotes/boat.md\n"
    )
    assert run(tmp_path, "ingest", "notes", "--corpus", "corpus").returncode == 0
    done = run(
        tmp_path, "evaluate", "mine.tsv", "--corpus", "corpus", "--plot", "chart.svg", "--json"
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [each["mode"] for each in found["evaluations"]] == [*MODES, "rrf"]
    assert (found["evaluations"][0]["ndcg@10"], found["evaluations"][0]["queries"]) == (1, 2)
    assert len(found["comparisons"]) == 10
    assert "cosine" in (tmp_path / "chart.svg").read_text()


def test_a_document_is_in_the_language_of_its_text() -> None:
    pytest.importorskip("pycld2")
    text = "Die alten Häuser der Leuchtturmwärter an den Küsten der Insel wurden verlassen."
    assert _document("", text).metadata == {"language": "de"}
    assert _document("", "late").metadata == {}
