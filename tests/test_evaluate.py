"""The figures of a judged collection that is small enough to work them out in the head."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from searchapp.errors import CollectionError, UnknownMode, UsageError
from searchapp.evaluate import evaluate, write_run
from searchapp.testing import HashEncoder
from searchapp.types import Encoder, Evaluation, Progress

ENCODER = HashEncoder(dim=1024)
DOCUMENTS = [
    {"_id": "d1", "title": "", "text": "apple apple apple pear"},  # for "apple": 3 of length sqrt(10)
    {"_id": "d2", "title": "", "text": "apple pear"},
    {"_id": "d3", "title": "", "text": "walnut"},
    {"_id": "d4", "title": "", "text": ""},
]
QUERIES = [{"_id": "q1", "text": "apple"}, {"_id": "q2", "text": "walnut"}, {"_id": "q3", "text": "not judged"}]
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


def measured(folder: Path, *modes: str) -> list[Evaluation]:
    return evaluate(folder, lambda: ENCODER, modes=modes or ("cosine",))


def ranking(evaluation: Evaluation) -> dict[str, list[str]]:
    return {query: [document for document, _ in found] for query, found in evaluation.run.items()}


def never() -> Encoder:
    raise AssertionError("the encoder was opened")


def test_the_figures_are_those_worked_out_by_hand(tmp_path: Path) -> None:
    (result,) = measured(collection(tmp_path / "tiny"))
    # q1: its answer stands second: nDCG 1/log2(3), reciprocal rank 1/2, recall 1.
    # q2: its first answer stands first, its second has no text: nDCG 1/(1 + 1/log2(3)), reciprocal rank 1, recall 1/2.
    second = 1 / math.log2(3)
    assert result.ndcg_at_10 == pytest.approx((second + 1 / (1 + second)) / 2)
    assert result.mrr_at_10 == pytest.approx((1 / 2 + 1) / 2)
    assert result.recall_at_100 == pytest.approx((1 + 1 / 2) / 2)
    assert (result.collection, result.mode, result.queries) == ("tiny", "cosine", 2)
    assert result.query_ms > 0


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
    (shuffled,) = measured(collection(tmp_path / "shuffled", judgements=["q2\td1\t1", "q1\td4\t1", "q1\td3\t2"]))
    assert told.run == shuffled.run
    assert told.ndcg_at_10 != shuffled.ndcg_at_10


def test_a_mode_given_twice_is_measured_once(tmp_path: Path) -> None:
    assert [result.mode for result in measured(collection(tmp_path), "cosine", "cosine")] == ["cosine"]


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
        ("queries.jsonl", "{}"),
        ("queries.jsonl", "[]"),
        ("qrels/test.tsv", "q1 d1 1"),
        ("qrels/test.tsv", "q1\td1\tvery"),
    ],
)
def test_a_bad_line_is_named_with_its_number(tmp_path: Path, name: str, line: str) -> None:
    path = collection(tmp_path) / name
    number = len(path.read_text().splitlines()) + 1
    with path.open("a") as file:
        file.write(f"{line}\n")
    with pytest.raises(CollectionError, match=f"{name}, line {number}"):
        measured(tmp_path)


def test_blank_lines_are_no_records(tmp_path: Path) -> None:
    (plain,) = measured(collection(tmp_path / "plain"))
    spaced = collection(tmp_path / "spaced")
    for name in ("corpus.jsonl", "queries.jsonl"):
        (spaced / name).write_text((spaced / name).read_text().replace("\n", "\n\n \n"))
    assert measured(spaced)[0].run == plain.run


def test_judgements_need_no_header(tmp_path: Path) -> None:
    with_header, without = (measured(collection(tmp_path / str(skip), judgements=JUDGEMENTS[skip:]))[0] for skip in (0, 1))
    assert with_header.run == without.run
    assert with_header.ndcg_at_10 == without.ndcg_at_10


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


def test_a_run_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot write"):
        write_run(tmp_path / "nowhere" / "run.txt", Evaluation("mine", "cosine", 0, 0.0, 0.0, 0.0, 0.0, {}))


def test_progress_counts_every_document(tmp_path: Path) -> None:
    seen: list[Progress] = []
    evaluate(collection(tmp_path), lambda: ENCODER, modes=["cosine"], on_progress=seen.append)
    assert [(state.files_done, state.files_total) for state in seen] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert seen[-1].bytes_done == seen[-1].bytes_total
