"""How good the ranking is on a judged collection in BEIR form.

Builds a temporary corpus through the same intake and asks through the same query as everybody else; of the judgements, only which
questions they are about is read before all answers are in. The metrics are those of ir-measures.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from statistics import median

from searchapp.corpus import Corpus
from searchapp.errors import CollectionError, UnknownMode, UsageError
from searchapp.intake import Intake
from searchapp.local import LocalBackend
from searchapp.rank import MODES
from searchapp.types import Block, Document, Encoder, Evaluation, FileIdentity, Progress, Source

_DEPTH = 100  # documents a question
_FORM = "a folder with corpus.jsonl, queries.jsonl and qrels/test.tsv, as the BEIR collections have it"


def evaluate(
    folder: Path,
    open_encoder: Callable[[], Encoder],
    *,
    modes: Sequence[str],
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> list[Evaluation]:
    """The figures of each mode, in order, each once. Raises CollectionError for a folder that is not a judged collection, UnknownMode."""
    modes = list(dict.fromkeys(modes))
    for mode in modes:
        if mode not in MODES:
            raise UnknownMode(f"there is no mode {mode!r}", hint=f"modes: {', '.join(MODES)}")
    for name in ("corpus.jsonl", "queries.jsonl", "qrels/test.tsv"):
        if not (folder / name).is_file():
            raise CollectionError(f"{folder} has no {name}", hint=f"give {_FORM}")
    judged = _judged_queries(folder)
    questions = {record["_id"]: record["text"] for record in _records(folder / "queries.jsonl") if record["_id"] in judged}
    if not questions:
        raise CollectionError(f"{folder}: no question of queries.jsonl is judged in qrels/test.tsv", hint=f"give {_FORM}")
    encoder = open_encoder()
    with tempfile.TemporaryDirectory(prefix="searchapp-evaluate-") as work:
        backend = LocalBackend(Path(work) / "corpus")
        with closing(backend.writer()) as writer:
            writer.set_encoder(encoder.identity)
            _take_in(folder, Intake(writer, encoder), on_progress)
            writer.finish()
        corpus = Corpus(backend, encoder=encoder)
        runs = [_ask(corpus, questions, mode) for mode in modes]
    return [_score(folder, mode, run, query_ms) for mode, (run, query_ms) in zip(modes, runs, strict=True)]


def write_run(path: Path, evaluation: Evaluation) -> None:
    """Write the run in TREC form: `qid Q0 docid rank score tag`. Raises UsageError where the file cannot be written."""
    lines = (
        f"{query} Q0 {document} {rank} {score:.6f} searchapp-{evaluation.mode}\n"
        for query, documents in evaluation.run.items()
        for rank, (document, score) in enumerate(documents, start=1)
    )
    try:
        path.write_text("".join(lines), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}", hint="name a file in a folder that exists") from error


def _take_in(folder: Path, intake: Intake, on_progress: Callable[[Progress], None]) -> None:
    records = list(_records(folder / "corpus.jsonl"))
    total = sum(len(record["text"]) for record in records)
    done = 0
    begin = time.perf_counter()
    with intake:
        for number, record in enumerate(records, start=1):
            document = _document(record["title"], record["text"])
            if document.text.strip():
                intake.add(_source(record["_id"], document.text), document, is_new=True)
            done += len(record["text"])
            on_progress(Progress(number, len(records), done, total, intake.embedded, time.perf_counter() - begin))
        intake.close()


def _document(title: str, text: str) -> Document:
    """A record as a document: its title as a heading, then the paragraphs."""
    whole = f"{title}\n\n{text}" if title else text
    start = len(whole) - len(text)
    blocks = [Block(0, len(title), "heading")] if title else []
    if text.strip():
        blocks.append(Block(start, len(whole), "prose"))
    return Document(text=whole, type="txt", title=title, blocks=tuple(blocks))


def _source(name: str, text: str) -> Source:
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=32).digest()
    return Source(name.encode(), FileIdentity(len(text), 0, 0, 0), digest, 0)


def _ask(corpus: Corpus, questions: dict[str, str], mode: str) -> tuple[dict[str, list[tuple[str, float]]], float]:
    run, times = {}, []
    for name, text in questions.items():
        begin = time.perf_counter()
        answer = corpus.query(text, k=_DEPTH, mode=mode, per_document=1)
        times.append((time.perf_counter() - begin) * 1000)
        run[name] = [(match.hit.path.decode(), match.score) for match in answer.matches]
    return run, median(times)


def _score(folder: Path, mode: str, run: dict[str, list[tuple[str, float]]], query_ms: float) -> Evaluation:
    import ir_measures
    from ir_measures import RR, R, nDCG

    judgements = [ir_measures.Qrel(query, document, grade) for query, document, grade in _judgements(folder)]
    # The rank decides, so that equal scores count in the order in which they are shown.
    scored = [
        ir_measures.ScoredDoc(query, document, float(-rank)) for query, found in run.items() for rank, (document, _) in enumerate(found)
    ]
    figures = ir_measures.calc_aggregate([nDCG @ 10, R @ 100, RR @ 10], judgements, scored)
    return Evaluation(folder.name, mode, len(run), figures[nDCG @ 10], figures[R @ 100], figures[RR @ 10], query_ms, run)


def _judged_queries(folder: Path) -> set[str]:
    """Which questions are judged: the first column alone, as nothing else may reach the answers."""
    return {query for query, _, _ in _judgements(folder)}


def _judgements(folder: Path) -> Iterator[tuple[str, str, int]]:
    path = folder / "qrels" / "test.tsv"
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            query, document, grade = line.split("\t")
            yield query, document, int(grade)
        except ValueError as error:
            if number > 1:  # the first line may be a header
                raise CollectionError(f"{path}, line {number}: not `query-id, corpus-id, score`", hint=f"give {_FORM}") from error


def _records(path: Path) -> Iterator[dict[str, str]]:
    """The records of a file, a line each; blank lines are none."""
    seen: set[str] = set()
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            if record["_id"] is None or record["text"] is None:
                raise ValueError(f"no _id or no text: {record!r}")
            fields = {"_id": str(record["_id"]), "text": str(record["text"]), "title": str(record.get("title") or "")}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CollectionError(f"{path}, line {number}: no record with _id and text", hint=f"give {_FORM}") from error
        if fields["_id"] in seen:
            raise CollectionError(f"{path}, line {number}: the _id {fields['_id']!r} is there already", hint=f"give {_FORM}")
        seen.add(fields["_id"])
        yield fields
