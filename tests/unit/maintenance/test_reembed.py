"""`model use`: a corpus that goes over to another model loses nothing, is never mixed, and is at
last what a fresh ingest makes.
"""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import numpy as np
import pytest

from searchapp.backends.sqlite import shadow, swap
from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.backends.sqlite.integrity import check
from searchapp.backends.sqlite.lock import Lock
from searchapp.backends.sqlite.reader import SqliteReader
from searchapp.corpus import Corpus
from searchapp.errors import (
    CorpusDamaged,
    CorpusEmpty,
    CorpusLocked,
    CorpusUnwritable,
    OtherEncoder,
)
from searchapp.maintenance.reembed import TAKEN_OVER, reembed
from searchapp.testing import HashEncoder
from searchapp.types.encodings import ReembedReport
from searchapp.types.filters import Filters
from searchapp.types.protocols import Encoder
from searchapp.types.results import Progress
from tests.builders.house import HereCorpus
from tests.unit.backends.test_full_disk import fill, small

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from searchapp.types.vectors import Vectors

pytestmark = pytest.mark.slow  # re-embedding reads the files by its own workers

__all__ = ["small"]
OLD, NEW = HashEncoder(), HashEncoder(dim=128, max_tokens=24)
_PASSAGES = """
    SELECT d.path, p.start, p."end", p.headings, p.place, p.text_digest,
           substr(v.vectors, (p.id - v.first_passage_id) * ? + 1, ?)
    FROM passage p JOIN document d ON d.id = p.document_id LEFT JOIN vectors v ON v.document_id = d.id ORDER BY d.path, p.start"""


class Counting(HashEncoder):
    """An encoder that remembers what it embedded, and may be slow."""

    def __init__(self, *, dim: int = 128, max_tokens: int = 24, pause_s: float = 0.0) -> None:
        super().__init__(dim=dim, max_tokens=max_tokens)
        self.texts: list[str] = []
        self.pause_s = pause_s

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        self.texts += texts
        time.sleep(self.pause_s * len(texts))
        return super().encode_passages(texts)


def write(docs: Path) -> Path:
    """A folder with documents of several kinds."""
    (docs / "more").mkdir(parents=True)
    for i in range(12):
        body = "\n\n".join(
            f"Paragraph {j} tells of word{i} and of thing{i * j}, at some length." for j in range(6)
        )
        (docs / f"{i:02}.md").write_text(
            f"# Title {i}\n\n## First\n\n{body}\n\n## Second\n\n{body}\n", encoding="utf-8"
        )
    rows = "".join(f"item{i},{i * 7},a note on item{i}\n" for i in range(40))
    (docs / "more/table.csv").write_text(f"name,price,note\n{rows}", encoding="utf-8")
    (docs / "more/plain.txt").write_text("lines of plain text\n" * 30, encoding="utf-8")
    (docs / "more/broken.pdf").write_bytes(b"%PDF-1.7\nnothing")
    return docs


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A folder with documents in `docs`, and their corpus in `corpus`, made by OLD."""
    corpus_at(tmp_path, OLD).ingest([write(tmp_path / "docs")])
    return tmp_path


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, with the corpus that a fresh ingest by NEW makes in `fresh`; no test changes
    anything in it.
    """
    folder = tmp_path_factory.mktemp("shelf")
    corpus_at(folder, OLD).ingest([write(folder / "docs")])
    fresh(folder)
    return folder


@pytest.fixture
def still(shelf: Path, tmp_path: Path) -> Path:
    """A folder with a copy of that corpus, whose documents are not to be changed."""
    shutil.copytree(shelf / "corpus", tmp_path / "corpus")
    return tmp_path


def corpus_at(folder: Path, encoder: Encoder = NEW) -> Corpus:
    return HereCorpus(SqliteBackend(folder / "corpus"), encoder=encoder)


def used(folder: Path, encoder: Encoder = NEW, **options: bool) -> ReembedReport:
    return reembed(SqliteBackend(folder / "corpus"), encoder, **options)  # type: ignore[arg-type]  # `keep` alone


def passages(corpus: Path) -> list[tuple[object, ...]]:
    """Every passage with its place, digest and vector, by path and start."""
    with SqliteReader(corpus) as snapshot:
        return snapshot.database.execute(_PASSAGES, (snapshot.dim * 2,) * 2).fetchall()


def answers(corpus: Corpus) -> list[list[tuple[bytes, int, float]]]:
    questions = [
        (text, mode)
        for text in ("word7 and thing21", "a note on item12")
        for mode in ("cosine", "keyword", "hybrid")
    ]
    return [
        [
            (m.hit.path, m.hit.passage.start, m.score)
            for m in corpus.query(text, mode=mode, k=9).matches
        ]
        for text, mode in questions
    ]


def fresh(folder: Path, encoder: Encoder = NEW) -> Path:
    """The corpus that a fresh ingest with another encoder makes of the same folder."""
    other = folder / "fresh"
    HereCorpus(SqliteBackend(other), encoder=encoder).ingest([folder / "docs"])
    return other


# ---- what comes of it ----------------------------------------------------------------------------


def test_a_corpus_that_went_over_is_the_one_that_a_fresh_ingest_makes(
    still: Path, shelf: Path
) -> None:
    before = passages(still / "corpus")
    done = used(still)
    assert (done.is_in_place, done.documents, done.joined, done.left, done.taken_over) == (
        True,
        14,
        0,
        (),
        0,
    )
    other = shelf / "fresh"
    assert passages(still / "corpus") == passages(other) != before
    assert answers(corpus_at(still)) == answers(Corpus(SqliteBackend(other), encoder=NEW))
    assert [path.name for path in (still / "corpus").iterdir() if path.is_dir()] == []
    status = corpus_at(still).status()
    assert (status.encoder, status.vectors_state, [each.outcome for each in status.unindexed]) == (
        NEW.identity,
        "current",
        ["failed"],
    )


def test_what_belongs_to_the_corpus_goes_over(still: Path) -> None:
    corpus_at(still, OLD).configure("mode", "hybrid")
    before, kept = _identity(still), corpus_at(still, OLD).status()
    done = used(still)
    assert done.generation == corpus_at(still).status().generation > kept.generation
    assert _identity(still) == before
    assert (corpus_at(still).settings(), corpus_at(still).status().roots) == (
        {"mode": "hybrid"},
        kept.roots,
    )


def _identity(folder: Path) -> tuple[object, ...]:
    with SqliteReader(folder / "corpus") as snapshot:
        row: tuple[object, ...] = snapshot.database.execute(
            "SELECT uuid, created_at_ns FROM corpus"
        ).fetchone()
        return row


@pytest.mark.damages_corpus
def test_tables_that_are_not_known_here_go_over_with_the_documents_that_their_rows_are_of(
    made: Path,
) -> None:
    """As those of later schemas; a document that was moved takes its rows along."""
    (made / "docs/03.md").rename(made / "docs/moved.md")
    with pytest.raises(Died):
        reembed(SqliteBackend(made / "corpus"), NEW, on_step=_dying_at("checking"))
    (other,) = shadow.others(made / "corpus")
    for folder in (made / "corpus", Path(other.place)):
        with closing(sqlite3.connect(folder / "corpus.db")) as database, database:
            database.execute(
                "CREATE TABLE mark (document_id INTEGER REFERENCES document ON DELETE CASCADE, "
                "name TEXT, UNIQUE (document_id, name))"
            )
            database.execute("CREATE TABLE choice (name TEXT PRIMARY KEY, value TEXT)")
            database.execute("INSERT INTO choice VALUES ('of', ?)", (folder.name,))
    with closing(sqlite3.connect(made / "corpus/corpus.db")) as database, database:
        database.execute(
            "INSERT INTO mark SELECT id, 'mark of ' || title FROM document WHERE title IN ('Title "
            "3', 'Title 7')"
        )
    swap.make_ready(Path(other.place), made / "corpus")
    with closing(sqlite3.connect(Path(other.place) / "corpus.db")) as database:
        marked = database.execute(
            "SELECT d.display, m.name FROM mark m JOIN document d ON d.id = m.document_id ORDER BY "
            "1"
        ).fetchall()
        assert [(path.rpartition("/")[2], name) for path, name in marked] == [
            ("07.md", "mark of Title 7"),
            ("moved.md", "mark of Title 3"),
        ]
        assert database.execute("SELECT * FROM choice").fetchall() == [("of", "corpus")]


def test_ids_of_passages_are_never_used_again(made: Path) -> None:
    with SqliteReader(made / "corpus") as snapshot:
        (highest,) = snapshot.database.execute("SELECT max(id) FROM passage").fetchone()
    used(made, keep=True)
    with SqliteReader(made / "corpus") as snapshot:
        lowest, after = snapshot.database.execute("SELECT min(id), max(id) FROM passage").fetchone()
    assert lowest > highest
    used(made, OLD)
    (made / "docs/new.md").write_text("something new", encoding="utf-8")
    corpus_at(made, OLD).ingest()
    with SqliteReader(made / "corpus") as snapshot:
        assert snapshot.database.execute("SELECT max(id) FROM passage").fetchone()[0] > after


def test_an_ingest_goes_on_with_the_new_model_and_refuses_the_old_one(still: Path) -> None:
    used(still)
    report = corpus_at(still).ingest()
    assert report.counts() == {"unchanged": 14, "failed": 1}
    (still / "new.md").write_text("something new", encoding="utf-8")
    with pytest.raises(OtherEncoder, match="cannot be compared") as caught:
        Corpus(SqliteBackend(still / "corpus"), encoder=OLD).ingest([still / "new.md"])
    assert "searchapp model use" in caught.value.hint


def test_a_corpus_without_an_encoder_is_refused_and_one_whose_documents_left_is_not(
    tmp_path: Path,
) -> None:
    corpus_at(tmp_path).init()
    with pytest.raises(CorpusEmpty):
        used(tmp_path)
    (tmp_path / "a.md").write_text("a word", encoding="utf-8")
    corpus_at(tmp_path, OLD).ingest([tmp_path / "a.md"])
    corpus_at(tmp_path, OLD).remove([str(tmp_path / "a.md")])
    assert used(tmp_path).documents == 0
    assert corpus_at(tmp_path).ingest([tmp_path / "a.md"]).counts() == {"indexed": 1}


# ---- documents that cannot be read again ---------------------------------------------------------


def test_documents_whose_disk_is_gone_are_taken_over_with_the_passages_and_places_that_their_files_would_give(
    made: Path,
) -> None:
    """Here, where only paragraphs and rows have to be told apart, they are even the same."""
    expected = passages(fresh(made))
    (made / "docs").rename(made / "unmounted")
    done = used(made)
    assert (done.documents, done.taken_over, done.left) == (14, 14, ())
    assert passages(made / "corpus") == expected
    with SqliteReader(made / "corpus") as snapshot:
        assert {splitter for _, _, splitter, _ in snapshot.versions()} == {TAKEN_OVER}
    (made / "unmounted").rename(made / "docs")
    assert corpus_at(made).ingest().passages_embedded == 0
    assert corpus_at(made).status().outdated == 0
    assert passages(made / "corpus") == expected


def test_a_file_that_can_no_longer_be_read_keeps_its_last_good_version(made: Path) -> None:
    archive = made / "docs/box.zip"
    with zipfile.ZipFile(archive, "w") as box:
        box.writestr("inner.md", "a quagga in an archive")
    corpus_at(made, OLD).ingest()
    archive.write_bytes(archive.read_bytes()[:-10])
    done = used(made)
    assert (done.documents, done.taken_over, done.left) == (15, 1, ())
    (row,) = corpus_at(made).documents(Filters(within=("*inner.md",)))
    assert row.is_stale
    assert [
        match.hit.path.rpartition(b"/")[2]
        for match in corpus_at(made).query("quagga", mode="keyword").matches
    ] == [b"inner.md"]


def test_what_an_ingest_would_remove_has_left_with_its_reason(made: Path) -> None:
    (made / "docs/04.md").unlink()
    (made / "docs/05.md").write_text("", encoding="utf-8")
    (made / "docs/06.md").rename(made / "docs/moved.md")
    (made / "docs/new.md").write_text("something new", encoding="utf-8")
    done = used(made)
    assert [(each.path.rpartition(b"/")[2], each.outcome) for each in done.left] == [
        (b"04.md", "removed"),
        (b"05.md", "skipped"),
    ]
    assert (done.documents, done.joined) == (13, 2)
    assert passages(made / "corpus") == passages(fresh(made))


def test_documents_outside_all_roots_go_over_too(still: Path, shelf: Path) -> None:
    with closing(SqliteBackend(still / "corpus").writer()) as writer:
        writer.forget_roots(os.fsencode(shelf / "docs"))
        writer.commit()
    done = used(still)
    assert (done.documents, done.taken_over) == (14, 14)
    assert corpus_at(still).status().roots == ()


# ---- interruptions -------------------------------------------------------------------------------


def test_a_stop_changes_nothing_and_the_next_run_embeds_only_the_rest(
    still: Path, shelf: Path
) -> None:
    before, first, second = passages(still / "corpus"), Counting(pause_s=0.02), Counting()
    done = reembed(SqliteBackend(still / "corpus"), first, is_stopped=lambda: len(first.texts) > 20)
    assert (done.is_in_place, passages(still / "corpus")) == (False, before)
    (half,) = shadow.others(still / "corpus")
    assert (half.encoder, half.documents) == (NEW.identity, done.documents)
    assert used(still, second).is_in_place
    assert passages(still / "corpus") == passages(shelf / "fresh")
    assert not set(first.texts[:20]) & set(second.texts)
    assert len(second.texts) < len(passages(still / "corpus"))


STEPS = (
    "building",
    "bringing up to date",
    "checking",
    "keeping the former one",
    "switching",
    "publishing",
)


class Died(BaseException):
    """A process that ends at a step, as far as one can tell within it."""


def test_an_end_at_any_step_leaves_one_encoding_or_the_other_whole_and_the_next_run_goes_on(
    still: Path, shelf: Path
) -> None:
    before, after = passages(still / "corpus"), passages(shelf / "fresh")
    for step in STEPS[1:]:
        with pytest.raises(Died):
            reembed(SqliteBackend(still / "corpus"), NEW, keep=True, on_step=_dying_at(step))
        assert passages(still / "corpus") == (after if step == "publishing" else before)
    assert [other.encoder for other in shadow.others(still / "corpus")] == [OLD.identity]
    assert corpus_at(still).status().vectors_state == "none yet"
    corpus_at(still).ingest()
    assert corpus_at(still).status().vectors_state == "current"


def _dying_at(step: str) -> Callable[[str], None]:
    def on_step(name: str) -> None:
        if name == step:
            raise Died

    return on_step


VICTIM = """
    import sys, time
    from pathlib import Path
    from searchapp.backends.sqlite.backend import SqliteBackend
    from searchapp.maintenance.reembed import reembed
    from searchapp.testing import HashEncoder

    class Slow(HashEncoder):
        def encode_passages(self, texts):
            time.sleep(0.001 * len(texts))
            return super().encode_passages(texts)

    def told(step):
        print(step, flush=True)

    reembed(SqliteBackend(Path(sys.argv[1])), Slow(dim=128, max_tokens=24), keep=True, on_step=told)
"""


@pytest.mark.parametrize("seed", range(12))
def test_a_kill_at_any_moment_leaves_one_encoding_or_the_other_whole(
    seed: int, still: Path, shelf: Path
) -> None:
    before, after = passages(still / "corpus"), passages(shelf / "fresh")
    rng = np.random.default_rng(seed)
    kills = 0
    for _ in range(4):
        victim = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(VICTIM), str(still / "corpus")],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert victim.stdout is not None
        step = str(rng.choice(STEPS[1:]))
        for line in victim.stdout:
            if line.strip() == step:
                break
        time.sleep(float(rng.uniform(0, 0.06)))
        victim.send_signal(signal.SIGKILL)
        victim.communicate()
        kills += victim.returncode == -signal.SIGKILL
        found = passages(still / "corpus")
        assert found in (before, after)
        assert check(still / "corpus", full=True) == []
        if found == after:
            break
    assert kills
    if found == before:
        used(still, keep=True)
    assert passages(still / "corpus") == after


def test_readers_see_the_one_encoding_or_the_other_while_it_is_switched(still: Path) -> None:
    old, seen = answers(corpus_at(still, OLD)), []
    with SqliteReader(still / "corpus") as opened:

        def on_step(step: str) -> None:
            seen.append(
                (
                    step,
                    answers(corpus_at(still, OLD)) == old
                    if step != "publishing"
                    else answers(corpus_at(still)) != old,
                )
            )

        reembed(SqliteBackend(still / "corpus"), NEW, on_step=on_step)
        assert opened.encoder == OLD.identity
        assert (
            opened.database.execute("SELECT count(*) FROM passage").fetchone()[0]
            == opened.counts()[1]
        )
    assert seen == [
        (step, True) for step in STEPS if step not in ("building", "keeping the former one")
    ]


def test_queries_that_never_stop_are_answered_by_the_one_encoding_or_the_other_and_meet_no_lock(
    still: Path, shelf: Path
) -> None:
    by = {encoder.identity.fingerprint: encoder for encoder in (OLD, NEW)}
    question, wanted = "word7 and thing21", {}
    for folder, encoder in ((shelf / "corpus", OLD), (shelf / "fresh", NEW)):
        matches = (
            Corpus(SqliteBackend(folder), encoder=encoder)
            .query(question, k=9, collapse=False)
            .matches
        )
        wanted[encoder.identity.fingerprint] = [
            (match.hit.path, match.hit.passage.start) for match in matches
        ]
    seen: list[tuple[str, bool]] = []
    is_over = Event()

    def ask() -> None:
        while not is_over.is_set():
            with SqliteReader(still / "corpus") as snapshot:
                assert snapshot.encoder is not None
                fingerprint = snapshot.encoder.fingerprint
                ids, _ = snapshot.cosine_leg(by[fingerprint].encode_query(question), Filters(), 9)
                found = [(hit.path, hit.passage.start) for hit in snapshot.hydrate(ids)]
                seen.append((fingerprint, found == wanted[fingerprint]))

    with ThreadPoolExecutor(1) as threads:
        asking = threads.submit(ask)
        for encoder in (NEW, OLD, NEW):
            used(still, encoder, keep=True)
        is_over.set()
        asking.result()
    assert {fingerprint for fingerprint, _ in seen} == by.keys()
    assert all(is_right for _, is_right in seen)


def test_a_disk_that_fills_up_at_the_end_changes_nothing(still: Path, small: Path) -> None:
    shutil.copytree(still / "corpus", small / "corpus")
    before = passages(small / "corpus")

    def on_step(step: str) -> None:
        if step == "switching":
            fill(small)

    with pytest.raises(CorpusUnwritable):
        reembed(SqliteBackend(small / "corpus"), NEW, on_step=on_step)
    assert passages(small / "corpus") == before
    (small / "filler").unlink()
    assert used(small).is_in_place


def test_too_little_room_is_said_before_anything_is_built(still: Path, small: Path) -> None:
    shutil.copytree(still / "corpus", small / "corpus")
    fill(small)
    with pytest.raises(CorpusUnwritable, match="too little room"):
        used(small)
    assert shadow.folders(small / "corpus") == []


# ---- beside other writers ------------------------------------------------------------------------


def test_ingests_go_on_meanwhile_and_what_they_bring_goes_over(made: Path) -> None:
    steps: list[str] = []

    def on_progress(_: Progress) -> None:
        if not (made / "docs/meanwhile.md").exists():
            (made / "docs/meanwhile.md").write_text("meanwhile came a zebra", encoding="utf-8")
            (made / "docs/00.md").unlink()
            assert corpus_at(made, OLD).ingest().counts()["indexed"] == 1

    done = reembed(
        SqliteBackend(made / "corpus"), NEW, on_progress=on_progress, on_step=steps.append
    )
    assert (done.documents, done.joined, done.left) == (14, 0, ())
    assert (
        corpus_at(made)
        .query("zebra", k=1, mode="keyword")
        .matches[0]
        .hit.path.endswith(b"meanwhile.md")
    )
    assert passages(made / "corpus") == passages(fresh(made))


def test_it_waits_for_an_ingest_that_is_writing_and_takes_a_stop_meanwhile(still: Path) -> None:
    lock, steps = Lock(still / "corpus"), list[str]()

    def on_step(step: str) -> None:
        steps.append(step)
        if step == "waiting for another ingest":
            lock.release()

    assert reembed(SqliteBackend(still / "corpus"), NEW, on_step=on_step).is_in_place
    assert "waiting for another ingest" in steps
    held = Lock(still / "corpus")
    stopped = reembed(
        SqliteBackend(still / "corpus"),
        OLD,
        on_step=steps.append,
        is_stopped=lambda: steps[-1] == "waiting for another ingest",
    )
    held.release()
    assert not stopped.is_in_place


def test_two_builds_of_one_encoding_are_one_too_many(still: Path) -> None:
    lock = Lock(shadow.folder_of(still / "corpus", NEW.identity.fingerprint))
    with pytest.raises(CorpusLocked):
        used(still)
    lock.release()


# ---- keeping, and going back ---------------------------------------------------------------------


def test_a_kept_encoding_is_taken_back_embedding_only_what_changed(made: Path) -> None:
    before = passages(made / "corpus")
    used(made, keep=True)
    (other,) = shadow.others(made / "corpus")
    assert (other.encoder, other.documents) == (OLD.identity, 14)
    (made / "docs/00.md").write_text("# Changed\n\nall new here\n", encoding="utf-8")
    corpus_at(made).ingest()
    back = Counting(dim=64, max_tokens=256)
    assert used(made, back).is_in_place
    assert back.texts == ["Changed\nall new here"]
    assert [row for row in passages(made / "corpus") if not bytes(row[0]).endswith(b"00.md")] == [  # type: ignore[call-overload]
        row
        for row in before
        if not bytes(row[0]).endswith(b"00.md")  # type: ignore[call-overload]
    ]
    assert shadow.others(made / "corpus") == []


def test_a_kept_encoding_forgets_what_left_meanwhile_even_most_of_it(made: Path) -> None:
    used(made, keep=True)
    for path in sorted((made / "docs").glob("*.md"))[1:]:
        path.unlink()
    corpus_at(made).ingest(prune=True)
    done = used(made, OLD)
    assert (done.documents, done.left, done.joined) == (3, (), 0)
    assert passages(made / "corpus") == passages(fresh(made, OLD))


def test_a_kept_encoding_of_an_earlier_version_gives_way_to_the_later_text_though_its_file_is_gone(
    made: Path,
) -> None:
    used(made, keep=True)
    (made / "docs/00.md").write_text("# Changed\n\nall new here\n", encoding="utf-8")
    corpus_at(made).ingest()
    (made / "docs").rename(made / "unmounted")
    used(made, OLD)
    assert corpus_at(made, OLD).query("all new here", k=1).matches[0].hit.text == "all new here"


def test_moved_documents_are_not_embedded_again_by_the_encoding_that_was_kept(made: Path) -> None:
    used(made, keep=True)
    (made / "docs/02.md").rename(made / "docs/elsewhere.md")
    corpus_at(made).ingest()
    back = Counting(dim=64, max_tokens=256)
    assert used(made, back).is_in_place
    assert back.texts == []


# ---- forgetting ----------------------------------------------------------------------------------


def traces(folder: Path, *words: bytes) -> set[str]:
    return {
        path.name
        for path in (folder / "corpus").rglob("*")
        if path.is_file() and any(word in path.read_bytes() for word in words)
    }


@pytest.mark.parametrize("state", ["kept", "half built"])
def test_forgetting_leaves_no_byte_in_another_encoding(state: str, made: Path) -> None:
    (made / "docs/xenogamy.md").write_text(
        "# Quixotry\n\nthe zyzzyva is a weevil\n", encoding="utf-8"
    )
    (made / "docs/zax.md").write_text("the zyzzyva, in a version of before", encoding="utf-8")
    corpus_at(made, OLD).ingest()
    if state == "kept":
        used(made, keep=True)
    else:
        half = Counting(pause_s=0.01)
        reembed(
            SqliteBackend(made / "corpus"),
            half,
            is_stopped=lambda: any("zyzzyva" in text for text in half.texts),
        )
    current = NEW if state == "kept" else OLD
    (made / "docs/zax.md").write_text("nothing of the kind", encoding="utf-8")
    corpus_at(made, current).ingest()
    secrets = (b"zyzzyva", b"quixotry", b"Quixotry")
    (other,) = shadow.others(made / "corpus")
    assert other.documents
    assert any(word in (Path(other.place) / "corpus.db").read_bytes() for word in secrets)
    removed, gone = corpus_at(made, current).forget([str(made / "docs/xenogamy.md")])
    assert (len(removed), gone, traces(made, *secrets)) == (1, [], set())
    assert shadow.others(made / "corpus")[0].documents >= other.documents - 2
    (made / "docs/xenogamy.md").unlink()
    done = used(made, OLD if state == "kept" else NEW)
    assert (done.is_in_place, done.documents) == (True, 15)


def test_an_encoding_that_cannot_be_read_is_deleted_and_named(still: Path) -> None:
    used(still, keep=True)
    (other,) = shadow.others(still / "corpus")
    (Path(other.place) / "corpus.db").write_bytes(b"word1 in no database" * 1000)
    removed, gone = corpus_at(still).forget(["*/01.md"])
    assert (len(removed), gone, shadow.others(still / "corpus")) == (1, [other.name], [])


def test_what_is_being_built_is_said_to_keep_the_text(still: Path) -> None:
    lock = Lock(shadow.folder_of(still / "corpus", NEW.identity.fingerprint))
    with pytest.raises(CorpusUnwritable, match="being built") as caught:
        corpus_at(still, OLD).forget(["*/01.md"])
    assert "searchapp forget" in caught.value.hint
    lock.release()
    shutil.rmtree(shadow.folder_of(still / "corpus", NEW.identity.fingerprint))


# ---- what goes wrong -----------------------------------------------------------------------------


@pytest.mark.damages_corpus
def test_a_new_encoding_that_is_damaged_is_not_put_in_place(still: Path) -> None:
    before = passages(still / "corpus")
    with pytest.raises(Died):
        reembed(SqliteBackend(still / "corpus"), NEW, on_step=_dying_at("checking"))
    (other,) = shadow.others(still / "corpus")
    with closing(sqlite3.connect(Path(other.place) / "corpus.db")) as database, database:
        database.execute(
            "UPDATE vectors SET vectors = zeroblob(length(vectors)) WHERE document_id = (SELECT "
            "max(id) FROM document)"
        )
    with pytest.raises(CorpusDamaged, match="not put in place") as caught:
        used(still)
    assert "searchapp model drop" in caught.value.hint
    assert passages(still / "corpus") == before


def test_what_a_kill_left_of_a_copy_is_swept(still: Path) -> None:
    for name in ("encoding-0123.new", "encoding-4567.gone"):
        (still / "corpus" / name).mkdir()
        (still / "corpus" / name / "corpus.db").write_bytes(b"")
    assert shadow.others(still / "corpus") == []
    used(still)
    assert shadow.folders(still / "corpus") == []


def test_only_their_owner_may_read_other_encodings(still: Path) -> None:
    used(still, keep=True)
    (other,) = shadow.others(still / "corpus")
    assert Path(other.place).stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in Path(other.place).iterdir()} == {0o600}


# ---- splitting what is stored --------------------------------------------------------------------


def test_a_stored_document_keeps_its_headings_though_its_title_was_cut(tmp_path: Path) -> None:
    title = "a very long title " * 40
    (tmp_path / "a.md").write_text(
        f"# {title}\n\n## Part\n\nsome words of the part\n", encoding="utf-8"
    )
    HereCorpus(SqliteBackend(tmp_path / "corpus"), encoder=HashEncoder(max_tokens=40)).ingest(
        [tmp_path / "a.md"]
    )
    (tmp_path / "a.md").unlink()
    used(tmp_path, HashEncoder(max_tokens=60))
    *_, hit = corpus_at(tmp_path, HashEncoder(max_tokens=60)).show(str(tmp_path / "a.md"))[2]
    first, *rest = hit.passage.headings
    assert (title.startswith(first), rest, hit.text) == (True, [], "some words of the part")
    assert len(first.split()) == 15
