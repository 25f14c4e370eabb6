"""Whatever happened to the files and to the corpus, an ingest gives what a fresh one would: a
machine that does all of it, in any order.

`--hypothesis-profile=torture` runs a thousand histories.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import unicodedata
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.errors import EncoderError
from searchapp.ingest import indexer
from searchapp.types.documents import Label, Origin
from searchapp.types.filters import Filters
from tests.builders.house import HereExtractor, House
from tests.effort import IS_TORTURE, examples

CAFE = unicodedata.normalize("NFC", "café.md")
NAMES = st.sampled_from(
    ["a.md", "deep/d.txt", CAFE, unicodedata.normalize("NFD", CAFE), "caf\udce9.md"]
)
TEXTS = st.lists(
    st.sampled_from(
        ["# One\n\nfirst", "# Two\n\nsecond", "third words", "fourth\n\n", "one half", "two half"]
    ),
    min_size=1,
    max_size=4,
).map("\n\n".join)
PICKS = st.integers(0, 4)
DAY_NS = 86_400 * 10**9
QUESTIONS = ("first second", "third", "half")


class Killed(BaseException):
    """The process ends here, as far as the corpus can tell."""


class History(RuleBasedStateMachine):
    """A folder of documents, what should be in it, and a corpus that is brought up to date now and
    then.
    """

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="history-"))
        self.expected: dict[str, str] = {}  # what stands where
        self.labelled: dict[str, str] = {}  # what was labelled by hand, and only written to since

    @initialize()
    def begin(self) -> None:
        self.house = House(self.folder)
        (self.house.docs / "deep").mkdir()
        for number, name in enumerate(("a.md", "deep/d.txt", CAFE)):
            self.write(name, f"# One\n\nfirst {number}\n\nthird words")
        self.house.ingest()

    def teardown(self) -> None:
        try:
            if hasattr(self, "house"):
                self.ingest()
        finally:
            shutil.rmtree(self.folder)

    # -- what happens to files

    @rule(name=NAMES, text=TEXTS)
    def write(self, name: str, text: str) -> None:
        (self.house.docs / name).write_text(text, encoding="utf-8")
        self.expected[name] = text

    @rule(name=NAMES, text=TEXTS, days=st.sampled_from([-4000, -1, 0, 1, 4000]))
    def write_at_another_time(self, name: str, text: str, days: int) -> None:
        """The clock was wrong, or a backup restored the time."""
        self.write(name, text)
        path = self.house.docs / name
        os.utime(path, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns + days * DAY_NS))

    @precondition(lambda self: self.expected)
    @rule(pick=PICKS)
    def change_with_the_same_size_and_time(self, pick: int) -> None:
        name = self.picked(pick)
        status = (self.house.docs / name).stat()
        self.write(name, self.expected[name].swapcase())
        os.utime(self.house.docs / name, ns=(status.st_atime_ns, status.st_mtime_ns))

    @precondition(lambda self: self.expected)
    @rule(pick=PICKS, other=NAMES)
    def move(self, pick: int, other: str) -> None:
        if (name := self.picked(pick)) != other:
            (self.house.docs / name).replace(self.house.docs / other)
            self.expected[other] = self.expected.pop(name)
            self.lose_track(name, other)

    @precondition(lambda self: len(self.expected) > 1)
    @rule(pick=PICKS, other_pick=PICKS)
    def swap(self, pick: int, other_pick: int) -> None:
        name, other = self.picked(pick), self.picked(other_pick)
        if name != other:
            between = self.folder / "between"
            (self.house.docs / name).replace(between)
            (self.house.docs / other).replace(self.house.docs / name)
            between.replace(self.house.docs / other)
            self.expected[name], self.expected[other] = self.expected[other], self.expected[name]
            self.lose_track(name, other)

    @precondition(lambda self: self.expected)
    @rule(pick=PICKS, other=NAMES)
    def copy(self, pick: int, other: str) -> None:
        if (name := self.picked(pick)) != other:
            shutil.copy2(self.house.docs / name, self.house.docs / other)
            self.expected[other] = self.expected[name]
            self.lose_track(other)

    @precondition(lambda self: self.expected)
    @rule(pick=PICKS)
    def delete(self, pick: int) -> None:
        name = self.picked(pick)
        del self.expected[name]
        self.lose_track(name)
        (self.house.docs / name).unlink()

    def lose_track(self, *names: str) -> None:
        """Whose labels a document has that moved, or whose file was another's, is not told here."""
        for name in names:
            self.labelled.pop(name, None)

    def picked(self, pick: int) -> str:
        """One of the files that are there."""
        return sorted(self.expected)[pick % len(self.expected)]

    # -- what happens to the corpus

    @rule(pick=PICKS, label=st.sampled_from(["new", "old"]), by_hand=st.booleans())
    def label(self, pick: int, label: str, by_hand: bool) -> None:
        with closing(SqliteBackend(self.house.corpus).writer()) as writer:
            known = writer.known_files()
            paths = sorted(known)
            if not paths:
                return
            path = paths[pick % len(paths)]
            origin: Origin = "hand" if by_hand else "classifier"
            probability = None if by_hand else 0.5
            writer.set_labels(known[path].document_id, [Label(label, origin, probability)])
            writer.commit()
        name = os.fsdecode(os.path.relpath(path, os.fsencode(self.house.docs)))
        self.lose_track(name)
        if by_hand and name in self.expected:
            self.labelled[name] = label
        self.check()

    @rule()
    def ingest(self) -> None:
        report = self.house.ingest(prune=True)
        self.check()
        assert not report.was_interrupted
        assert self.texts() == self.expected
        labels = self.labels()
        assert {name: labels.get(name) for name in self.labelled} == self.labelled
        fresh = House(self.folder)
        fresh.corpus = self.folder / "fresh"
        shutil.rmtree(fresh.corpus, ignore_errors=True)
        fresh.ingest()
        assert self.house.content() == fresh.content()
        assert self.answers(self.house) == self.answers(fresh)
        assert (
            self.house.ingest(prune=True).generation == report.generation
        )  # nothing is left to do

    @rule(looks=st.integers(0, 12))
    def ingest_that_is_stopped(self, looks: int) -> None:
        left = iter(range(looks))
        self.house.ingest(prune=True, is_stopped=lambda: next(left, None) is None)
        self.check()

    @rule(text=st.sampled_from(["first", "second", "third", "half"]))
    def ingest_whose_encoder_breaks(self, text: str) -> None:
        self.house.encoder.fails_on = text
        try:
            self.house.ingest(prune=True)
        except EncoderError:
            pass
        finally:
            self.house.encoder.fails_on = ""
        self.check()

    @rule(reads=st.integers(0, 4), commits_s=st.sampled_from([0.0, 1.0]))
    def ingest_that_is_killed(self, reads: int, commits_s: float) -> None:
        left = iter(range(reads))

        def read(_: Path) -> None:
            if next(left, None) is None:
                raise Killed

        self.house.extractor = HereExtractor(on_read=read)
        try:
            with mock.patch.object(indexer, "_COMMIT_S", commits_s):  # as if files took longer
                self.house.ingest(prune=True)
        except Killed:
            pass
        finally:
            self.house.extractor = HereExtractor()
        self.check()

    @rule(name=NAMES)
    def ingest_with_an_unreadable_file(self, name: str) -> None:
        self.house.extractor.broken = {Path(name).name}
        self.house.ingest(prune=True)
        self.house.extractor.broken = set()

    @rule(how=st.sampled_from(["gone", "cut", "flipped", "another"]))
    def damage_the_cache(self, how: str) -> None:
        for file in self.house.corpus.glob("vectors-*.faiss"):
            data = bytearray(file.read_bytes())
            data[len(data) // 2] ^= 4
            changed: dict[str, Callable[[], object]] = {
                "gone": file.unlink,
                "cut": lambda file=file, data=data: file.write_bytes(data[:-7]),  # type: ignore[misc]
                "flipped": lambda file=file, data=data: file.write_bytes(data),  # type: ignore[misc]
                "another": lambda file=file: file.write_bytes(b"IxFI" + bytes(60)),  # type: ignore[misc]
            }
            changed[how]()

    @rule()
    def move_the_corpus(self) -> None:
        if self.house.corpus.exists():
            shutil.copytree(self.house.corpus, self.folder / "elsewhere")
            shutil.rmtree(self.house.corpus)
            (self.folder / "elsewhere").rename(self.house.corpus)

    # -- what always holds

    def check(self) -> None:
        assert [
            finding
            for finding in self.house.reader_of().check(full=True)
            if not finding.is_of_cache
        ] == []

    def texts(self) -> dict[str, str]:
        return {name: str(rows[0][-1]) for name, rows in self.house.content().items()}

    def labels(self) -> dict[str, str]:
        """The label that each document has by hand, by its name."""
        with closing(SqliteBackend(self.house.corpus).reader()) as reader:
            return {
                os.fsdecode(os.path.relpath(stored.source.path, os.fsencode(self.house.docs))): (
                    label.name
                )
                for stored in reader.stored(Filters())
                for label in stored.labels
                if label.origin == "hand"
            }

    @staticmethod
    def answers(house: House) -> list[list[tuple[bytes, int, float]]]:
        if not house.reader_of().documents():
            return []
        matches = [
            house.reader_of().query(question, k=100, mode=mode).matches
            for question in QUESTIONS
            for mode in ("cosine", "keyword")
        ]
        return [
            [(match.hit.path, match.hit.passage.start, match.score) for match in each]
            for each in matches
        ]


TestHistory = pytest.mark.timeout(0 if IS_TORTURE else 1800)(pytest.mark.slow(History.TestCase))
TestHistory.settings = settings(
    max_examples=examples(15),
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
