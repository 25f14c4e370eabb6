"""Labels in a corpus: given by hand or by a judge, kept through all that becomes of a corpus, and
found when damaged.
"""

from __future__ import annotations

import functools
import gzip
import hashlib
import json
import os
import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import numpy as np
import pytest

from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.backends.sqlite.integrity import check
from searchapp.classification import labeling
from searchapp.classification.classifier import TrainedClassifier, ZeroShotClassifier
from searchapp.classification.document_vectors import VectorSource, stored_documents
from searchapp.classification.label_files import LabeledItem
from searchapp.classification.training import train_classifier
from searchapp.corpus import Corpus
from searchapp.errors import (
    BackupError,
    ClassifierError,
    CorpusEmpty,
    CorpusMissing,
    DocumentMissing,
    OtherEncoder,
)
from searchapp.maintenance.reembed import reembed
from searchapp.testing import HashEncoder, MemoryBackend
from searchapp.types.documents import Label
from searchapp.types.filters import Filters
from tests.builders.house import HereCorpus

if TYPE_CHECKING:
    from searchapp.types.documents import Origin
    from searchapp.types.protocols import Backend
    from searchapp.types.vectors import EncoderIdentity

ENCODER = HashEncoder()
EVERYTHING = Filters()
TEXTS = {"bill": "invoice amount due pay {} euro", "letter": "dear friend yours love {} news"}
Saying = dict[str, tuple[Label, ...]]


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """Six bills and six letters, of many words each."""
    folder = tmp_path / "docs"
    folder.mkdir()
    for kind, text in TEXTS.items():
        for i in range(6):
            (folder / f"{kind}{i}.txt").write_text(text.format(f"{kind}word{i}"), encoding="utf-8")
    return folder


@pytest.fixture(params=["local", "memory"])
def backend(request: pytest.FixtureRequest, docs: Path, tmp_path: Path) -> Backend:
    made: Backend = (
        SqliteBackend(tmp_path / "corpus") if request.param == "local" else MemoryBackend()
    )
    HereCorpus(made, encoder=ENCODER).ingest([docs])
    return made


@pytest.fixture
def corpus(docs: Path, tmp_path: Path) -> Corpus:
    made = HereCorpus(SqliteBackend(tmp_path / "corpus"), encoder=ENCODER)
    made.ingest([docs])
    return made


def unopened() -> NoReturn:
    raise AssertionError("an encoder was opened though all vectors are stored")


def saying(backend: Backend) -> Saying:
    """The labels of each document that has any, by its name."""
    with closing(backend.reader()) as reader:
        return {
            os.path.basename(os.fsdecode(row.path)): row.labels  # noqa: PTH119
            for row in reader.rows(EVERYTHING)
            if row.labels
        }


def local(tmp_path: Path, name: str = "corpus") -> SqliteBackend:
    return SqliteBackend(tmp_path / name)


def taught(backend: Backend, docs: Path, *, encoder: HashEncoder = ENCODER) -> TrainedClassifier:
    """What the first three of each kind teach."""
    with closing(backend.reader()) as reader:
        rows = [
            LabeledItem(str(docs / f"{kind}{i}.txt"), kind, is_path=True)
            for kind in TEXTS
            for i in range(3)
        ]
        examples = labeling.load_examples(rows, VectorSource(reader, unopened))
    return trained(examples.vectors.tobytes(), tuple(examples.labels), encoder.identity)


@functools.cache
def trained(vectors: bytes, labels: tuple[str, ...], encoder: EncoderIdentity) -> TrainedClassifier:
    rows = np.frombuffer(vectors, np.float32).reshape(len(labels), -1)
    return train_classifier(rows, labels, encoder)


# ---- by hand -------------------------------------------------------------------------------------


def test_documents_are_labelled_by_hand_and_found_by_it(backend: Backend, docs: Path) -> None:
    changed = labeling.label(backend, "to pay", [str(docs / "bill1.txt"), "*/bill2.txt"])
    assert changed == [bytes(docs / "bill1.txt"), bytes(docs / "bill2.txt")]
    assert labeling.label(backend, "to pay", [str(docs / "bill1.txt")]) == []
    labeling.label(backend, "old", [str(docs / "bill1.txt")])
    assert saying(backend) == {
        "bill1.txt": (Label("old"), Label("to pay")),
        "bill2.txt": (Label("to pay"),),
    }
    found = Corpus(backend, encoder=ENCODER).query("invoice", filters=Filters(labels=("to pay",)))
    assert [match.hit.path for match in found.matches] == [
        bytes(docs / "bill1.txt"),
        bytes(docs / "bill2.txt"),
    ]
    assert labeling.unlabel(backend, "to pay", [str(docs)]) == changed
    assert saying(backend) == {"bill1.txt": (Label("old"),)}


def test_a_place_without_documents_is_refused_and_nothing_is_changed(
    backend: Backend, docs: Path
) -> None:
    with pytest.raises(DocumentMissing):
        labeling.label(backend, "x", [str(docs / "bill1.txt"), "/nowhere"])
    assert saying(backend) == {}


def test_no_corpus_is_made_by_labelling_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CorpusMissing):
        labeling.label(local(tmp_path), "x", ["/"])
    with pytest.raises(CorpusMissing):
        labeling.apply(
            local(tmp_path),
            ZeroShotClassifier(ENCODER.identity, (), np.empty((0, 64), np.float32)),
            EVERYTHING,
        )
    assert not (tmp_path / "corpus").exists()


# ---- by a judge ----------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_classifier_labels_what_nobody_has_labelled_by_hand(backend: Backend, docs: Path) -> None:
    labeling.label(backend, "mine", [str(docs / "bill5.txt")])
    classifier = taught(backend, docs)
    found = labeling.apply(backend, classifier, EVERYTHING)
    said = saying(backend)
    assert said.pop("bill5.txt") == (Label("mine"),)
    assert {name: [each.name for each in labels] for name, labels in said.items()} == {
        name: [name[:-5]] for name in said
    }
    assert len(said) == 11
    with closing(backend.reader()) as reader:
        documents, pending = stored_documents(reader, EVERYTHING)
    expected = {
        os.path.basename(os.fsdecode(each.path)): classifier.predict(each.vector[None])[0]  # noqa: PTH119
        for each in documents
    }
    assert pending == found.pending == 0
    for name, (label,) in said.items():
        assert (label.origin, label.probability) == ("classifier", expected[name].probability)


@pytest.mark.slow
def test_a_label_by_hand_puts_out_what_a_classifier_said(backend: Backend, docs: Path) -> None:
    labeling.apply(backend, taught(backend, docs), EVERYTHING)
    labeling.label(backend, "mine", [str(docs / "bill5.txt")])
    assert saying(backend)["bill5.txt"] == (Label("mine"),)


@pytest.mark.slow
def test_what_is_said_again_takes_the_place_of_what_was_said_before(
    backend: Backend, docs: Path
) -> None:
    labeling.apply(backend, taught(backend, docs), EVERYTHING)
    vectors = ENCODER.encode_passages(["invoice amount due pay", "dear friend yours love"])
    labeling.apply(backend, ZeroShotClassifier(ENCODER.identity, ("B", "L"), vectors), EVERYTHING)
    assert saying(backend)["bill0.txt"] == (Label("B", "descriptions"),)
    assert set(saying(backend).values()) == {
        (Label("B", "descriptions"),),
        (Label("L", "descriptions"),),
    }


@pytest.mark.slow
def test_filters_say_which_documents_are_labelled_and_a_dry_run_labels_none(
    backend: Backend, docs: Path
) -> None:
    classifier, within = taught(backend, docs), Filters(within=(str(docs / "bill1.txt"),))
    generation = backend.reader().generation
    found = labeling.apply(backend, classifier, within, store=False)
    assert ([each.path for each in found.documents], saying(backend)) == (
        [bytes(docs / "bill1.txt")],
        {},
    )
    assert backend.reader().generation == generation
    labeling.apply(backend, classifier, within)
    assert list(saying(backend)) == ["bill1.txt"]


@pytest.mark.slow
def test_a_label_that_is_not_probable_enough_is_not_given_and_an_earlier_one_goes(
    backend: Backend, docs: Path
) -> None:
    classifier = taught(backend, docs)
    labeling.apply(backend, classifier, EVERYTHING)
    found = labeling.apply(backend, classifier, EVERYTHING, least=1.0)
    assert not any(found.is_given(each.prediction) for each in found.documents if each.prediction)
    assert saying(backend) == {}


@pytest.mark.slow
def test_a_classifier_of_another_encoder_is_refused_with_the_cure(
    backend: Backend, docs: Path
) -> None:
    with pytest.raises(
        OtherEncoder, match="was trained on vectors of the encoder 'hash'"
    ) as caught:
        labeling.apply(backend, taught(backend, docs, encoder=HashEncoder(dim=65)), EVERYTHING)
    assert "classify train" in caught.value.hint
    assert saying(backend) == {}


def test_a_corpus_without_documents_has_nothing_to_label(tmp_path: Path) -> None:
    Corpus(local(tmp_path), encoder=ENCODER).init()
    with pytest.raises(CorpusEmpty):
        labeling.apply(
            local(tmp_path),
            ZeroShotClassifier(ENCODER.identity, (), np.empty((0, 64), np.float32)),
            EVERYTHING,
        )


# ---- what is learned from ------------------------------------------------------------------------


def test_a_document_is_learned_by_the_mean_of_its_stored_vectors(tmp_path: Path) -> None:
    encoder = HashEncoder(max_tokens=8)
    (tmp_path / "long.txt").write_text(
        "alpha beta gamma. " * 8 + "\n\n" + "delta. " * 30, encoding="utf-8"
    )
    backend = local(tmp_path)
    HereCorpus(backend, encoder=encoder).ingest([tmp_path / "long.txt"])
    with closing(backend.reader()) as reader:
        found = labeling.load_examples(
            [LabeledItem(str(tmp_path / "long.txt"), "x", is_path=True)],
            VectorSource(reader, unopened),
        )
        (document_id,) = reader.document_ids(EVERYTHING)
        rows = reader.vectors_of(
            np.array([hit.passage_id for hit in reader.show(document_id)[1]])
        ).astype(np.float64)
    mean = rows.mean(axis=0)
    assert len(rows) > 3
    assert found.vectors[0] == pytest.approx(mean / np.linalg.norm(mean), abs=1e-6)
    assert (found.labels, found.of_documents) == (("x",), {document_id: "x"})


def test_a_path_that_is_nowhere_is_said_and_left_out(backend: Backend, docs: Path) -> None:
    with closing(backend.reader()) as reader:
        vector_source = VectorSource(reader, unopened)
        rows = [
            LabeledItem("/nowhere.txt", "x", is_path=True),
            LabeledItem(str(docs / "bill1.txt"), "y", is_path=True),
        ]
        found = labeling.load_examples(rows, vector_source)
    assert (found.labels, len(found.vectors)) == (("y",), 1)
    assert vector_source.failed == [("/nowhere.txt", "no such file, and no document of the corpus")]


@pytest.mark.slow
def test_labels_by_hand_teach_but_for_documents_with_several(backend: Backend, docs: Path) -> None:
    labeling.apply(backend, taught(backend, docs), EVERYTHING)
    with (
        closing(backend.reader()) as reader,
        pytest.raises(ClassifierError, match="labelled by hand") as caught,
    ):
        labeling.hand_labeled_examples(reader)
    assert "classify label" in caught.value.hint
    labeling.label(backend, "B", [str(docs / "bill1.txt"), str(docs / "bill2.txt")])
    labeling.label(backend, "L", [str(docs / "letter1.txt"), str(docs / "bill2.txt")])
    with closing(backend.reader()) as reader:
        found = labeling.hand_labeled_examples(reader)
    assert (found.labels, found.several, len(found.vectors)) == (("B", "L"), 1, 2)


@pytest.mark.slow
def test_what_a_table_says_of_documents_is_recorded_as_said_by_hand(
    backend: Backend, docs: Path
) -> None:
    labeling.apply(backend, taught(backend, docs), EVERYTHING)
    with closing(backend.reader()) as reader:
        first, second, *_ = reader.document_ids(EVERYTHING)
    assert labeling.set_hand_labels(backend, {first: "B", second: "B", 999: "B"}) == 2
    assert labeling.set_hand_labels(backend, {first: "B"}) == 0
    assert saying(backend)["bill0.txt"] == saying(backend)["bill1.txt"] == (Label("B"),)


# ---- what becomes of them ------------------------------------------------------------------------


@pytest.fixture
def labelled(corpus: Corpus, docs: Path, tmp_path: Path) -> Saying:
    """What the documents are labelled: bill0 and letter0 by hand, the latter twice, the others by a
    classifier.
    """
    assert corpus
    backend = local(tmp_path)
    labeling.apply(backend, taught(backend, docs), EVERYTHING)
    labeling.label(backend, "mine", [str(docs / "bill0.txt"), str(docs / "letter0.txt")])
    labeling.label(backend, "größe", [str(docs / "letter0.txt")])
    return saying(backend)


@pytest.mark.slow
def test_a_changed_document_keeps_what_was_said_by_hand_alone(
    corpus: Corpus, labelled: Saying, docs: Path, tmp_path: Path
) -> None:
    for name in ("bill0.txt", "bill1.txt"):
        (docs / name).write_text("dear friend, something else", encoding="utf-8")
    (docs / "bill2.txt").rename(docs / "moved.txt")
    (docs / "bill3.txt").unlink()
    corpus.ingest()
    expected = {
        name: labels
        for name, labels in labelled.items()
        if name not in ("bill1.txt", "bill2.txt", "bill3.txt")
    }
    assert saying(local(tmp_path)) == expected | {"moved.txt": labelled["bill2.txt"]}


@pytest.mark.slow
def test_a_backup_and_an_export_take_labels_along(
    corpus: Corpus, labelled: Saying, docs: Path, tmp_path: Path
) -> None:
    local(tmp_path).back_up(tmp_path / "backup")
    local(tmp_path, "restored").restore(tmp_path / "backup")
    assert saying(local(tmp_path, "restored")) == labelled
    Corpus.open(local(tmp_path).folder).export(tmp_path / "export")
    other = Corpus(local(tmp_path, "other"), encoder=ENCODER)
    other.import_documents(tmp_path / "export")
    assert saying(local(tmp_path, "other")) == labelled
    (docs / "bill0.txt").write_text("a later version", encoding="utf-8")
    (docs / "bill1.txt").write_text("a later version, too", encoding="utf-8")
    corpus.ingest()
    labeling.label(local(tmp_path), "later", [str(docs / "bill0.txt"), str(docs / "bill1.txt")])
    labeling.unlabel(local(tmp_path, "other"), "mine", [str(docs / "bill0.txt")])
    labeling.label(local(tmp_path, "other"), "its own", [str(docs / "bill1.txt")])
    Corpus.open(local(tmp_path).folder).export(tmp_path / "export")
    assert other.import_documents(tmp_path / "export")["imported"] == 2
    taken = {"bill0.txt": (Label("later"), Label("mine")), "bill1.txt": (Label("its own"),)}
    assert saying(local(tmp_path, "other")) == labelled | taken


def rewritten(file: Path, labels: object) -> None:
    """Have each document of an export have these labels; with None the key is missing, as in
    exports of earlier programs.
    """
    first, *documents, last = [
        json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()
    ]
    for each in documents:
        each.pop("labels")
        each |= {} if labels is None else {"labels": labels}
    lines = b"".join(json.dumps(each).encode() + b"\n" for each in (first, *documents))
    digest = hashlib.blake2b(lines, digest_size=32).hexdigest()
    file.write_bytes(gzip.compress(lines + json.dumps(last | {"blake2b": digest}).encode() + b"\n"))


@pytest.mark.slow
def test_an_export_without_labels_is_taken_in(labelled: Saying, tmp_path: Path) -> None:
    assert labelled
    Corpus.open(local(tmp_path).folder).export(tmp_path / "export")
    rewritten(tmp_path / "export", None)
    assert (
        Corpus(local(tmp_path, "other"), encoder=ENCODER).import_documents(tmp_path / "export")[
            "imported"
        ]
        == 12
    )
    assert saying(local(tmp_path, "other")) == {}


@pytest.mark.slow
@pytest.mark.parametrize(
    "labels",
    [
        [["a", "other", None]],
        [["a\n", "hand", None]],
        [[7, "hand", None]],
        [["a", "hand"]],
        [["a", "hand", None]] * 2,
        7,
    ],
)
def test_an_export_with_labels_that_are_none_is_refused(
    labelled: Saying, tmp_path: Path, labels: object
) -> None:
    assert labelled
    Corpus.open(local(tmp_path).folder).export(tmp_path / "export")
    rewritten(tmp_path / "export", labels)
    with pytest.raises(
        BackupError, match=r"holds what no ingest gives, in line 2: a [a-z]+ that is"
    ):
        Corpus(local(tmp_path, "other"), encoder=ENCODER).import_documents(tmp_path / "export")


@pytest.mark.slow
def test_another_model_takes_labels_over(labelled: Saying, docs: Path, tmp_path: Path) -> None:
    (docs / "bill0.txt").rename(docs / "moved.txt")
    reembed(SqliteBackend(tmp_path / "corpus"), HashEncoder(dim=128, max_tokens=24))
    expected = {
        ("moved.txt" if name == "bill0.txt" else name): labels for name, labels in labelled.items()
    }
    assert saying(local(tmp_path)) == expected


@pytest.mark.slow
@pytest.mark.damages_corpus
def test_another_model_takes_a_damaged_label_over_as_a_damaged_one(
    labelled: Saying, tmp_path: Path
) -> None:
    change(tmp_path, "UPDATE label SET name = 'other' WHERE name = 'größe'")
    reembed(SqliteBackend(tmp_path / "corpus"), HashEncoder(dim=128, max_tokens=24))
    assert labelled
    assert [finding.what for finding in check(tmp_path / "corpus", full=True)] == [
        "one of its labels is damaged"
    ]


@pytest.mark.slow
def test_forgetting_a_document_leaves_no_byte_of_its_labels(
    corpus: Corpus, labelled: Saying, docs: Path, tmp_path: Path
) -> None:
    assert labelled
    labeling.label(local(tmp_path), "zyzzyva", [str(docs / "bill4.txt")])
    assert b"zyzzyva" in b"".join(path.read_bytes() for path in (tmp_path / "corpus").iterdir())
    corpus.forget([str(docs / "bill4.txt")])
    assert b"zyzzyva" not in b"".join(path.read_bytes() for path in (tmp_path / "corpus").iterdir())


# ---- damage --------------------------------------------------------------------------------------


def change(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / "corpus/corpus.db")) as database, database:
        assert database.execute(statement).rowcount


@pytest.mark.slow
@pytest.mark.damages_corpus
def test_a_damaged_label_is_found_and_left_out_by_a_repair(
    corpus: Corpus, labelled: Saying, tmp_path: Path
) -> None:
    change(
        tmp_path,
        "UPDATE label SET probability = probability / 2 WHERE name = 'bill' AND probability > 0",
    )
    bills = [f"bill{i}.txt" for i in range(1, 6)]
    findings = check(tmp_path / "corpus", full=True)
    assert [(finding.path.rpartition(b"/")[2].decode(), finding.what) for finding in findings] == [
        (name, "one of its labels is damaged") for name in bills
    ]
    found = corpus.repair()
    assert found is not None
    assert found.notes == ["5 of the labels were damaged and are gone: see searchapp list"]
    assert saying(local(tmp_path)) == {
        name: labels for name, labels in labelled.items() if name not in bills
    }
    assert check(tmp_path / "corpus", full=True) == []


@pytest.mark.slow
@pytest.mark.damages_corpus
def test_labels_that_vanished_are_missed(labelled: Saying, tmp_path: Path) -> None:
    assert labelled
    with closing(sqlite3.connect(tmp_path / "corpus/corpus.db")) as database, database:
        database.execute("DROP TRIGGER label_removed")
        database.execute("DELETE FROM label WHERE name = 'mine'")
    assert "there are not as many labels as there were" in [
        finding.what for finding in check(tmp_path / "corpus", full=True)
    ]


@pytest.mark.slow
@pytest.mark.damages_corpus
def test_a_document_that_is_read_again_keeps_what_was_said_by_hand(
    corpus: Corpus, labelled: Saying, tmp_path: Path
) -> None:
    change(tmp_path, "UPDATE document_text SET text = 'x' || text")
    found = corpus.repair()
    assert found is not None
    assert (len(found.to_read), found.lost) == (12, [])
    by_hand = {name: labels for name, labels in labelled.items() if labels[0].origin == "hand"}
    assert saying(local(tmp_path)) == by_hand
    assert check(tmp_path / "corpus", full=True) == []


@pytest.mark.slow
@pytest.mark.damages_corpus
def test_every_flipped_byte_of_a_label_is_found_and_costs_that_label_at_most(
    corpus: Corpus, labelled: Saying, tmp_path: Path
) -> None:
    assert corpus
    corpus_db = tmp_path / "corpus/corpus.db"
    with closing(sqlite3.connect(corpus_db)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        roots = [
            page
            for (page,) in database.execute(
                "SELECT rootpage FROM sqlite_master WHERE tbl_name = 'label' AND rootpage > 0"
            )
        ]
        (size,) = database.execute("PRAGMA page_size").fetchone()
    whole = corpus_db.read_bytes()
    assert len(roots) == 3  # the table and two indexes, of a page each
    flipped = 0
    for root in roots:
        page = whole[(root - 1) * size : root * size]
        content = int.from_bytes(page[5:7], "big")  # where the cells begin
        for place in range(content, size, 97):
            other = tmp_path / "flipped"
            shutil.copytree(tmp_path / "corpus", other)
            at = (root - 1) * size + place
            (other / "corpus.db").write_bytes(whole[:at] + bytes([whole[at] ^ 2]) + whole[at + 1 :])
            if _held(other / "corpus.db") != _held(corpus_db) or root != roots[0]:
                flipped += 1
                assert check(other, full=True) != [], (root, place)
                Corpus(SqliteBackend(other), encoder=ENCODER).repair()
                assert check(other, full=True) == []
                kept = saying(SqliteBackend(other))
                lost = [
                    (name, label)
                    for name, labels in labelled.items()
                    for label in labels
                    if label not in kept.get(name, ())
                ]
                assert len(lost) <= (root == roots[0]), (root, place)
                assert all(set(labels) <= set(labelled[name]) for name, labels in kept.items())
            shutil.rmtree(other)
    assert flipped > 8


def _held(database: Path) -> object:
    with closing(sqlite3.connect(database)) as connection:
        connection.text_factory = bytes
        try:
            return connection.execute("SELECT * FROM label NOT INDEXED").fetchall()
        except sqlite3.DatabaseError:
            return None


class Dying(BaseException):
    """The process ends here, as far as the corpus can tell."""


class DyingClassifier:
    """A classifier with which a process ends at a document."""

    def __init__(self, of: ZeroShotClassifier, at: int) -> None:
        self.encoder, self.classes, self.predict = of.encoder, of.classes, of.predict
        self._left = at

    @property
    def origin(self) -> Origin:
        self._left -= 1
        if self._left < 0:
            raise Dying
        return "descriptions"


@pytest.mark.parametrize(("at", "committed"), [(0, 0), (3, 2), (4, 4), (11, 10), (12, 12)])
def test_a_labelling_that_is_killed_keeps_what_was_committed_and_is_done_by_the_next(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch, at: int, committed: int
) -> None:
    monkeypatch.setattr(labeling, "_COMMIT_DOCUMENTS", 2)
    described = ENCODER.encode_passages(list(TEXTS.values()))
    whole = ZeroShotClassifier(ENCODER.identity, tuple(TEXTS), described)
    with suppress(Dying):
        labeling.apply(corpus.backend, DyingClassifier(whole, at), EVERYTHING)
    assert len(saying(corpus.backend)) == committed
    labeling.apply(corpus.backend, whole, EVERYTHING)
    assert saying(corpus.backend) == {
        f"{kind}{i}.txt": (Label(kind, "descriptions"),) for kind in TEXTS for i in range(6)
    }
