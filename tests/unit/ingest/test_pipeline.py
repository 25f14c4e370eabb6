"""What an ingest makes of every file: nothing is embedded twice, nothing is lost without being told
to, every file is accounted for.

Files are read in this process, by the extractors themselves but without the pool of workers;
vectors are those of `HashEncoder`.
"""

# pathlib cannot hold a path that is bytes:

from __future__ import annotations

import io
import os
import random
import shutil
import time
import tracemalloc
import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import pytest

from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.corpus import Corpus
from searchapp.errors import EncoderError, OtherEncoder, PathMissing
from searchapp.extract.sandbox.reading import Extracted
from searchapp.filesystem.safe_open import FileContent, read_file
from searchapp.filesystem.walk import WalkProgress
from searchapp.ingest.changes import is_settled
from searchapp.ingest.pipeline import Ingest
from searchapp.types.documents import FileIdentity, Root, Source, Unindexed
from searchapp.types.protocols import Encoder
from searchapp.types.results import FileOutcome, IngestReport, Progress
from tests.builders.house import CountingEncoder, HereExtractor, House
from tests.builders.mail import mail, multipart

if TYPE_CHECKING:
    from searchapp.types.vectors import Vectors


@pytest.fixture
def house(tmp_path: Path, blank: Path) -> House:
    shutil.copytree(blank, tmp_path / "corpus")
    return House(tmp_path)


def outcomes(report: IngestReport) -> dict[str, str]:
    """Each file's outcome, by name."""
    return {Path(os.fsdecode(entry.path)).name: entry.outcome for entry in report.files}


def reason(report: IngestReport, name: str) -> str:
    return next(
        entry.reason for entry in report.files if Path(os.fsdecode(entry.path)).name == name
    )


# ---- identity of files ---------------------------------------------------------------------------


def test_a_new_file_is_read_embedded_and_listed(house: House) -> None:
    house.write(a_md="# Soup\n\nBoil lentils.\n")
    report = house.ingest()
    assert report.files == (FileOutcome(os.fsencode(house.docs / "a.md"), "indexed"),)
    assert house.encoder.embedded == ["Soup\nBoil lentils."]
    assert (report.passages_embedded, report.passages_reused) == (1, 0)
    assert house.names() == ["a.md"]


def test_new_files_are_read_before_changed_ones_and_small_ones_before_large_ones(
    house: House,
) -> None:
    house.write(a_md="1", b_md="2")
    house.ingest()
    house.write(a_md="1 and more", b_md="2 ", c_md="3" * 3000, d_md="4", e_md="5" * 20)
    house.ingest()
    assert house.extractor.read == ["d.md", "e.md", "c.md", "b.md", "a.md"]


def test_a_stop_within_an_archive_leaves_what_is_behind_it_to_the_next_run(house: House) -> None:
    long = "one " * 70_000  # so that it is split at once
    (house.docs / "a.zip").write_bytes(zipped(b_md=long, c_md="two", d_md="three"))
    is_tokenized = Event()

    class Encoder(CountingEncoder):
        def tokenize(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
            is_tokenized.set()
            return super().tokenize(texts)

    house.encoder = Encoder()
    report = house.ingest(is_stopped=lambda: is_tokenized.wait(0.2))
    assert report.was_interrupted
    assert house.names() == ["b.md"]
    assert house.ingest().counts() == {"indexed": 3, "unchanged": 1}


def test_an_unchanged_file_costs_a_stat_and_writes_nothing(house: House) -> None:
    house.write(a_md="one", b_md="two")
    generation = house.ingest().generation
    report = house.ingest()
    assert outcomes(report) == {"a.md": "unchanged", "b.md": "unchanged"}
    assert (house.extractor.read, house.encoder.embedded) == ([], [])
    assert report.generation == generation


def test_where_nothing_is_to_be_read_no_encoder_is_opened(house: House) -> None:
    house.write(a_md="one")
    house.ingest()

    def opened(*, bulk: bool) -> Encoder:  # noqa: ARG001
        raise AssertionError("opened")

    with closing(SqliteBackend(house.corpus).writer()) as writer:
        assert Ingest(writer, house.extractor, opened).run().counts() == {"unchanged": 1}


def test_a_touched_file_needs_no_reader(house: House) -> None:
    house.write(a_md="one")
    house.ingest()
    os.utime(house.docs / "a.md", (1, 1))
    assert outcomes(house.ingest()) == {"a.md": "unchanged"}
    assert (house.extractor.read, house.encoder.embedded) == ([], [])


def test_an_edited_file_embeds_only_the_passages_that_changed(house: House) -> None:
    house.write(a_md="# One\n\nfirst\n\n# Two\n\nsecond\n\n# Three\n\nthird\n")
    house.ingest()
    assert house.encoder.embedded == ["One\nfirst", "One\nTwo\nsecond", "One\nThree\nthird"]
    house.write(a_md="# One\n\nfirst\n\n# Two\n\nchanged\n\n# Three\n\nthird\n")
    report = house.ingest()
    assert house.encoder.embedded == ["One\nTwo\nchanged"]
    assert (report.passages_embedded, report.passages_reused) == (1, 2)
    assert outcomes(report) == {"a.md": "indexed"}
    assert len(house.content()["a.md"]) == 3


def test_a_moved_file_embeds_nothing_and_says_where_from(house: House) -> None:
    house.write(a_md="one", b_md="two")
    house.ingest()
    (house.docs / "deep").mkdir()
    (house.docs / "a.md").rename(house.docs / "deep/c.md")
    report = house.ingest()
    assert outcomes(report) == {"b.md": "unchanged", "c.md": "moved"}
    assert reason(report, "c.md") == f"from {house.docs / 'a.md'}"
    assert house.encoder.embedded == []
    assert house.names() == ["b.md", "c.md"]


def test_a_file_that_moves_into_the_given_folder_is_moved_from_wherever_it_was(
    house: House,
) -> None:
    for name in ("here", "there"):
        (house.docs / name).mkdir()
    house.write(a_md="one")
    (house.docs / "a.md").rename(house.docs / "there/a.md")
    (house.docs / "there/copied.md").write_text("two")
    house.ingest()
    (house.docs / "there/a.md").rename(house.docs / "here/a.md")
    shutil.copy(house.docs / "there/copied.md", house.docs / "here/copy.md")
    report = house.ingest(house.docs / "here")
    assert outcomes(report) == {"a.md": "moved", "copy.md": "indexed"}
    assert reason(report, "a.md") == f"from {house.docs / 'there/a.md'}"
    assert house.encoder.embedded == []
    assert sorted(house.names()) == ["a.md", "copied.md", "copy.md"]


def test_a_copy_of_what_an_archive_elsewhere_holds_takes_nothing_from_it(house: House) -> None:
    (house.docs / "here").mkdir()
    (house.docs / "a.zip").write_bytes(zipped(b_md="one"))
    house.ingest()
    (house.docs / "here/b.md").write_text("one")
    assert outcomes(house.ingest(house.docs / "here")) == {"b.md": "indexed"}
    assert house.names() == ["b.md", "b.md"]


def test_a_moved_folder_is_moved_whole_without_prune(house: House) -> None:
    (house.docs / "old").mkdir()
    for number in range(5):
        (house.docs / f"old/{number}.md").write_text(f"text {number}")
    house.ingest()
    (house.docs / "old").rename(house.docs / "new")
    report = house.ingest()
    assert report.counts() == {"moved": 5}
    assert house.encoder.embedded == []
    assert sorted(house.content()) == [f"new/{number}.md" for number in range(5)]


def test_a_copied_file_embeds_nothing(house: House) -> None:
    house.write(a_md="one")
    house.ingest()
    shutil.copy(house.docs / "a.md", house.docs / "b.md")
    report = house.ingest()
    assert outcomes(report) == {"a.md": "unchanged", "b.md": "indexed"}
    assert house.encoder.embedded == []
    assert (report.passages_embedded, report.passages_reused) == (0, 1)


def test_copies_in_one_batch_are_embedded_once(house: House) -> None:
    house.write(a_md="the same", b_md="the same", c_md="the same")
    report = house.ingest()
    assert house.encoder.embedded == ["the same"]
    assert (report.passages_embedded, report.passages_reused) == (1, 2)
    assert house.names() == ["a.md", "b.md", "c.md"]


def test_copies_in_two_batches_are_embedded_once(house: House) -> None:
    big = words(20_000)
    house.write(a_md=big, b_md=big)  # each more than a first batch
    report = house.ingest()
    assert (
        len(house.encoder.embedded) == len(set(house.encoder.embedded)) == report.passages_embedded
    )
    assert report.passages_reused == report.passages_embedded


def test_two_files_that_change_places_embed_nothing(house: House) -> None:
    house.write(a_md="one", b_md="two")
    house.ingest()
    swap(house.docs / "a.md", house.docs / "b.md")
    report = house.ingest()
    assert house.encoder.embedded == []
    assert outcomes(report) == {"a.md": "indexed", "b.md": "indexed"}
    assert [passages[0][-1] for passages in house.content().values()] == ["two", "one"]


def test_files_that_move_up_one_place_embed_nothing_even_over_batches(house: House) -> None:
    house.write(
        log1_txt=words(20_000, seed=1),
        log2_txt=words(20_000, seed=2),
        log3_txt=words(20_000, seed=3),
    )
    house.ingest()
    for number in (3, 2, 1):
        (house.docs / f"log{number}.txt").rename(house.docs / f"log{number + 1}.txt")
    house.ingest()
    assert house.encoder.embedded == []
    assert house.names() == ["log2.txt", "log3.txt", "log4.txt"]


def test_a_file_overwritten_by_a_move_embeds_nothing(house: House) -> None:
    house.write(a_md="one", b_md="two")
    house.ingest()
    (house.docs / "a.md").replace(house.docs / "b.md")
    report = house.ingest()
    assert outcomes(report) == {"a.md": "removed", "b.md": "indexed"}
    assert house.encoder.embedded == []
    assert house.content()["b.md"][0][-1] == "one"


def test_a_file_with_another_ending_is_moved_and_read_as_what_it_is_now(house: House) -> None:
    house.write(a_txt="plain words\n")
    house.ingest()
    (house.docs / "a.txt").rename(house.docs / "a.md")
    report = house.ingest()
    assert outcomes(report) == {"a.md": "moved"}
    assert reason(report, "a.md") == f"from {house.docs / 'a.txt'}"
    assert house.encoder.embedded == []
    assert [(row.path, row.type) for row in house.reader_of().documents()] == [
        (os.fsencode(house.docs / "a.md"), "md")
    ]


def test_a_deleted_file_leaves(house: House) -> None:
    house.write(a_md="one", b_md="two", c_md="three")
    house.ingest()
    (house.docs / "b.md").unlink()
    assert outcomes(house.ingest()) == {"a.md": "unchanged", "b.md": "removed", "c.md": "unchanged"}
    assert house.names() == ["a.md", "c.md"]


def test_a_file_that_was_read_within_two_seconds_of_its_change_is_compared_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[bytes] = []

    def read(path: bytes, *, max_bytes: int) -> FileContent:
        compared.append(path)
        return read_file(path, max_bytes=max_bytes)

    monkeypatch.setattr("searchapp.ingest.moves.read_file", read)
    house.extractor = HereExtractor(lag_ns=0)
    house.write(a_md="one")
    first = house.ingest()
    house.ingest()  # it may have changed again within the same tick of the clock
    assert compared == [bytes(house.docs / "a.md")]
    assert house.ingest().generation == first.generation  # nothing new is known of it by then
    assert house.extractor.read == []


def test_a_renamed_folder_needs_no_reader(house: House) -> None:
    (house.docs / "old").mkdir()
    (house.docs / "old" / "a.md").write_text("one")
    (house.docs / "old" / "b.txt").write_text("two")
    (house.docs / "old" / "c.pdf").write_bytes(b"%PDF-1.4\n1 0 obj\nnothing\nendobj\n")
    first = house.ingest()
    (house.docs / "old").rename(house.docs / "new")
    report = house.ingest()
    assert (house.extractor.read, house.encoder.embedded) == ([], [])
    assert {outcome: count for outcome, count in report.counts().items() if count} == {
        "moved": 2,
        "failed": 1,
    }
    assert sorted(house.content()) == ["new/a.md", "new/b.txt"]
    assert [entry.reason for entry in report.files if entry.outcome == "failed"] == [
        entry.reason for entry in first.files if entry.outcome == "failed"
    ]


def test_a_moved_file_with_another_ending_is_read_again(house: House) -> None:
    house.write(a_txt="# one\n\nwords")
    house.ingest()
    (house.docs / "a.txt").rename(house.docs / "a.md")
    house.ingest()
    assert house.extractor.read == ["a.md"]


def test_a_copy_of_a_file_that_is_still_there_is_no_move(house: House) -> None:
    house.write(a_md="one")
    house.ingest()
    shutil.copy(house.docs / "a.md", house.docs / "b.md")
    assert outcomes(house.ingest()) == {"a.md": "unchanged", "b.md": "indexed"}


def test_a_file_with_its_old_time_and_size_but_another_content_is_found(house: House) -> None:
    house.write(a_md="one")
    house.ingest()
    before = (house.docs / "a.md").stat()
    house.write(a_md="two")
    os.utime(house.docs / "a.md", ns=(before.st_atime_ns, before.st_mtime_ns))
    house.ingest()
    assert house.encoder.embedded == ["two"]


def test_a_file_that_goes_between_walk_and_reading_is_as_if_never_seen(house: House) -> None:
    house.write(a_md="one", b_md="two", c_md="three")
    house.extractor = HereExtractor(
        on_read=lambda path: path.unlink() if path.name == "b.md" else None
    )
    report = house.ingest()
    assert outcomes(report) == {"a.md": "indexed", "c.md": "indexed"}


def test_a_known_file_that_goes_between_walk_and_reading_is_removed(house: House) -> None:
    house.write(a_md="one", b_md="two", c_md="three")
    house.ingest()
    house.write(b_md="changed")
    house.extractor = HereExtractor(
        on_read=lambda path: path.unlink() if path.name == "b.md" else None
    )
    assert outcomes(house.ingest()) == {"a.md": "unchanged", "b.md": "removed", "c.md": "unchanged"}


def test_weird_names_come_back_as_the_bytes_that_they_are(house: House) -> None:
    names = [
        b"line\nbreak.md",
        b"not utf-8 \xff\xfe.md",
        "n\u00e4\u0131\u0307ve \u202etxt.md".encode(),
        b"-rf.md",
        b"q'\"; DROP.md",
        b"%s[a]*?.md",
        b" .md",
    ]
    for number, name in enumerate(names):
        with open(os.path.join(os.fsencode(house.docs), name), "w") as file:  # noqa: PTH118, PTH123
            file.write(f"text {number}")
    report = house.ingest()
    indexed = [entry.path for entry in report.files if entry.outcome == "indexed"]
    assert set(map(os.path.basename, indexed)) == set(names)
    assert {os.path.basename(row.path) for row in house.reader_of().documents()} == set(names)  # noqa: PTH119
    assert house.ingest().counts() == {"unchanged": len(names)}


# ---- roots ---------------------------------------------------------------------------------------


def test_an_ingest_without_a_path_refreshes_all_remembered_roots(
    house: House, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    house.ingest()
    house.ingest(other)
    house.write(a_md="one")
    (other / "b.md").write_text("two")
    assert outcomes(house.refresh()) == {"a.md": "indexed", "b.md": "indexed"}


def test_without_a_path_and_without_roots_there_is_nothing_to_ingest(house: House) -> None:
    with pytest.raises(PathMissing, match="no folders yet"):
        house.refresh()


def test_removal_stays_within_the_paths_given(house: House, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for folder in (house.docs, other):
        for name in ("a.md", "b.md", "c.md"):
            (folder / name).write_text(f"{folder.name} {name}")
    house.ingest(house.docs, other)
    (house.docs / "a.md").unlink()
    (other / "a.md").unlink()
    report = house.ingest(other)
    assert [entry.path for entry in report.files if entry.outcome == "removed"] == [
        os.fsencode(other / "a.md")
    ]
    assert len(house.names()) == 5


def test_a_root_below_a_remembered_one_is_no_root_of_its_own(house: House) -> None:
    (house.docs / "deep").mkdir()
    house.ingest()
    house.ingest(house.docs / "deep")
    assert [root.path for root in house.reader_of().status().roots] == [os.fsencode(house.docs)]


def test_a_root_above_remembered_ones_takes_their_place(house: House) -> None:
    (house.docs / "deep").mkdir()
    house.ingest(house.docs / "deep")
    house.ingest(house.docs)
    assert [root.path for root in house.reader_of().status().roots] == [os.fsencode(house.docs)]


def test_a_missing_root_is_a_failure_that_erases_nothing(house: House, tmp_path: Path) -> None:
    house.write(a_md="one", b_md="two")
    house.ingest()
    house.docs.rename(tmp_path / "away")
    report = house.refresh()
    assert outcomes(report) == {"docs": "failed"}
    assert reason(report, "docs") == (
        "there is no such path; its documents are left as they are, and --prune removes them"
    )
    assert (report.counts(), report.has_failures) == ({}, True)
    assert house.names() == ["a.md", "b.md"]
    (tmp_path / "away").rename(house.docs)
    assert outcomes(house.refresh()) == {"a.md": "unchanged", "b.md": "unchanged"}


def test_a_missing_root_does_not_keep_the_others_from_being_refreshed(
    house: House, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    house.ingest(house.docs, other)
    other.rmdir()
    house.write(a_md="one")
    assert outcomes(house.refresh()) == {"a.md": "indexed", "other": "failed"}


def test_a_root_that_is_a_link_to_nothing_is_missing_too(house: House, tmp_path: Path) -> None:
    house.write(a_md="one")
    link = tmp_path / "link"
    link.symlink_to(house.docs)
    house.ingest(link)
    house.docs.rename(tmp_path / "away")
    assert outcomes(house.refresh()) == {"link": "failed"}
    assert house.names() == ["a.md"]


def test_prune_erases_a_missing_root_and_forgets_it(house: House) -> None:
    house.write(a_md="one")
    house.ingest()
    shutil.rmtree(house.docs)
    assert outcomes(house.ingest(prune=True)) == {"a.md": "removed"}
    assert house.names() == []
    assert house.reader_of().status().roots == ()


def test_a_path_that_neither_the_disk_nor_the_corpus_knows_is_missing_even_with_prune(
    house: House,
) -> None:
    with pytest.raises(PathMissing, match="no such file or folder"):
        house.ingest(house.docs / "tpyo", prune=True)
    assert house.reader_of().status().roots == ()


def test_an_emptied_root_erases_nothing_until_pruned(house: House) -> None:
    house.write(a_md="one", b_md="two")
    house.ingest()
    for path in house.docs.iterdir():
        path.unlink()
    report = house.ingest()
    assert outcomes(report) == {"a.md": "skipped", "b.md": "skipped"}
    assert "--prune" in reason(report, "a.md")
    assert len(report.notes) == 1
    assert house.names() == ["a.md", "b.md"]
    assert outcomes(house.ingest(prune=True)) == {"a.md": "removed", "b.md": "removed"}
    assert house.names() == []


@pytest.mark.parametrize(("gone", "expected"), [(2, "removed"), (3, "skipped")])
def test_over_half_of_a_root_gone_is_kept_and_exactly_half_is_removed(
    house: House, gone: int, expected: str
) -> None:
    house.write(a_md="one", b_md="two", c_md="three", d_md="four")
    house.ingest()
    for name in ("a.md", "b.md", "c.md")[:gone]:
        (house.docs / name).unlink()
    report = house.ingest()
    assert Counter(outcomes(report).values()) == {expected: gone, "unchanged": 4 - gone}
    assert len(house.names()) == (4 - gone if expected == "removed" else 4)


def test_include_and_exclude_are_remembered_for_a_root(house: House) -> None:
    house.write(a_md="one", b_txt="two", c_md="three")
    house.ingest(Root(os.fsencode(house.docs), include=("*.md",), exclude=("c.*",)))
    for report in (house.refresh(), house.ingest()):
        assert outcomes(report) == {"a.md": "unchanged", "b.txt": "skipped", "c.md": "skipped"}


def test_new_rules_take_the_place_of_those_that_a_root_had(house: House) -> None:
    house.write(a_md="one", b_txt="two")
    house.ingest(Root(os.fsencode(house.docs), include=("*.md",)))
    house.ingest(Root(os.fsencode(house.docs), exclude=("*.md",)))
    assert house.names() == ["b.txt"]
    assert [(root.include, root.exclude) for root in house.reader_of().status().roots] == [
        ((), ("*.md",))
    ]


def test_a_file_that_is_excluded_now_is_removed(house: House) -> None:
    house.write(a_md="one", b_md="two")
    house.ingest()
    report = house.ingest(Root(os.fsencode(house.docs), exclude=("a.md",)))
    assert (outcomes(report)["a.md"], reason(report, "a.md")) == (
        "skipped",
        "excluded; its earlier version was removed",
    )
    assert house.names() == ["b.md"]


def test_files_in_a_folder_that_is_ignored_now_are_removed(house: House) -> None:
    (house.docs / "deep").mkdir()
    (house.docs / "deep/a.md").write_text("one")
    house.write(b_md="two")
    house.ingest()
    (house.docs / ".searchappignore").write_text("deep/\n")
    report = house.ingest()
    assert outcomes(report) == {
        ".searchappignore": "skipped",
        "deep": "skipped",
        "a.md": "removed",
        "b.md": "unchanged",
    }
    assert house.names() == ["b.md"]


# ---- files that cannot be read -------------------------------------------------------------------


def test_a_file_that_became_unreadable_keeps_its_last_good_version_until_it_can_be_read_again(
    house: House,
) -> None:
    house.write(a_md="one", b_md="two")
    house.ingest()
    house.write(a_md="changed")
    house.extractor.broken = {"a.md"}
    for _ in range(2):
        report = house.ingest()
        assert (outcomes(report)["a.md"], reason(report, "a.md")) == (
            "failed",
            "the disk is broken here",
        )
        assert house.content()["a.md"][0][-1] == "one"
        assert [row.is_stale for row in house.reader_of().documents()] == [True, False]
        assert house.reader_of().query("one").stale == 1
    house.extractor.broken = set()
    assert outcomes(house.ingest()) == {"a.md": "indexed", "b.md": "unchanged"}
    assert house.content()["a.md"][0][-1] == "changed"
    assert [row.is_stale for row in house.reader_of().documents()] == [False, False]


def test_an_unchanged_file_that_is_stale_becomes_fresh_without_being_embedded(house: House) -> None:
    house.write(a_md="one")
    house.ingest()
    house.write(a_md="two")
    house.extractor.broken = {"a.md"}
    house.ingest()
    house.write(a_md="one")
    house.extractor.broken = set()
    assert outcomes(house.ingest()) == {"a.md": "unchanged"}
    assert house.encoder.embedded == []
    assert house.reader_of().status().stale == 0


def test_a_stale_document_whose_file_is_as_it_was_is_read_again(house: House) -> None:
    house.write(a_md="one")
    house.ingest()
    with closing(
        SqliteBackend(house.corpus).writer()
    ) as writer:  # as after a folder that could not be read for a while
        writer.mark_stale(next(iter(writer.known_files().values())).document_id)
        writer.commit()
    house.ingest()
    assert (house.extractor.read, house.encoder.embedded) == (["a.md"], [])
    assert house.reader_of().status().stale == 0


def test_a_broken_file_that_was_never_good_is_a_line_in_the_report_and_in_status(
    house: House,
) -> None:
    house.write(a_md="one", b_md="two")
    house.extractor.broken = {"a.md"}
    assert outcomes(house.ingest()) == {"a.md": "failed", "b.md": "indexed"}
    assert house.names() == ["b.md"]
    assert house.reader_of().status().unindexed == (
        Unindexed(os.fsencode(house.docs / "a.md"), "failed", "the disk is broken here"),
    )
    house.extractor.broken = set()
    house.ingest()
    assert house.reader_of().status().unindexed == ()


def test_an_empty_file_costs_no_reader_until_it_is_filled(house: House) -> None:
    house.write(a_md="", b_md="", c_md="c")
    for _ in range(2):
        report = house.ingest()
        assert [name for name in house.extractor.read if name != "c.md"] == []
        assert outcomes(report) | {"c.md": ""} == {"a.md": "skipped", "b.md": "skipped", "c.md": ""}
        assert (reason(report, "a.md"), reason(report, "b.md")) == ("empty", "empty")
    (house.docs / "a.md").rename(house.docs / "d.md")
    house.write(b_md="no more")
    report = house.ingest()
    assert house.extractor.read == ["b.md"]
    assert reason(report, "d.md") == "empty"
    assert house.names() == ["b.md", "c.md"]


def test_a_refused_file_costs_about_a_kilobyte_of_memory_whether_new_or_known(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("searchapp.ingest.changes._RACY_NS", -1)  # nothing is read too early

    def most() -> int:
        tracemalloc.start()
        house.ingest()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak

    house.write(a_md="one", b_md="")
    house.ingest()  # what is loaded once
    bare = most()
    for number in range(count := 3000):
        (house.docs / f"{number // 100}").mkdir(exist_ok=True)
        (house.docs / f"{number // 100}/{number}.txt").touch()
    for _ in range(2):
        assert (most() - bare) / count < 1_200


def test_an_archive_that_became_empty_loses_its_members(house: House) -> None:
    (house.docs / "a.zip").write_bytes(zipped(b_md="one"))
    assert members_of(house.ingest())["a.zip!/b.md"] == "indexed"
    (house.docs / "a.zip").write_bytes(b"")
    assert members_of(house.ingest()) == {"a.zip": "skipped", "a.zip!/b.md": "removed"}


def test_what_a_touched_file_is_now_is_recorded_once_it_is_settled(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("searchapp.ingest.changes._RACY_NS", -1)  # it is at once
    house.write(a_md="one")
    house.ingest()
    os.utime(house.docs / "a.md", ns=(5, 5))
    house.ingest()
    with closing(SqliteBackend(house.corpus).writer()) as writer:
        (known,) = writer.known_files(None).values()
    assert known.source.identity.mtime_ns == 5


@pytest.mark.parametrize(("read_ns", "settled"), [(2 * 10**9, False), (2 * 10**9 + 1, True)])
def test_a_file_is_settled_two_seconds_after_its_change(read_ns: int, *, settled: bool) -> None:
    assert is_settled(Source(b"/a", FileIdentity(1, 0, 0, 1), b"", read_ns)) == settled


def test_a_file_that_became_empty_leaves(house: House) -> None:
    house.write(a_md="one", b_md="two")
    house.ingest()
    house.write(a_md="")
    report = house.ingest()
    assert outcomes(report) == {"a.md": "skipped", "b.md": "unchanged"}
    assert reason(report, "a.md").startswith("empty")
    assert house.names() == ["b.md"]


def test_a_root_that_cannot_be_looked_at_keeps_its_documents_stale(house: House) -> None:
    house.write(a_md="one", b_md="two")
    house.ingest()
    house.docs.rename(house.docs.with_name("away"))
    house.docs.symlink_to(house.docs)
    assert outcomes(house.ingest()) == {"docs": "failed", "a.md": "failed", "b.md": "failed"}
    status = house.reader_of().status()
    assert (status.documents, status.stale) == (2, 2)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_cannot_be_read_keeps_its_documents_stale(house: House) -> None:
    (house.docs / "deep").mkdir()
    (house.docs / "deep/a.md").write_text("one")
    house.ingest()
    (house.docs / "deep").chmod(0)
    try:
        assert outcomes(house.ingest()) == {"a.md": "failed", "deep": "failed"}
        assert house.reader_of().status().stale == 1
    finally:
        (house.docs / "deep").chmod(0o700)


def test_every_file_is_accounted_for(house: House) -> None:
    house.write(good_md="text", empty_md="", noise_bin="\0\1\2\3", hidden_md="x")
    (house.docs / "hidden.md").rename(house.docs / ".hidden.md")
    (house.docs / "link.md").symlink_to(house.docs / "good.md")
    (house.docs / "node_modules/deep").mkdir(parents=True)
    for number in range(3):
        (house.docs / f"node_modules/deep/{number}.md").write_text("x")
    house.extractor.broken = {"noise.bin"}
    report = house.ingest()
    assert outcomes(report) == {
        "good.md": "indexed",
        "empty.md": "skipped",
        "noise.bin": "failed",
        ".hidden.md": "skipped",
        "link.md": "skipped",
        "node_modules": "skipped",
    }
    assert report.counts() == {"indexed": 1, "skipped": 6, "failed": 1}
    assert sum(report.counts().values()) == sum(not path.is_dir() for path in house.docs.rglob("*"))
    assert all(entry.reason for entry in report.files if entry.outcome != "indexed")


# ---- containers and refusals ---------------------------------------------------------------------


def zipped(**members: str) -> bytes:
    """A ZIP archive; `a_md` is a.md."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in members.items():
            archive.writestr(name.replace("_", "."), text)
    return buffer.getvalue()


ATTACHED = (
    "--e\nContent-Type: text/plain\n\nthe letter\n"
    "--e\nContent-Type: text/markdown; name=e.md\nContent-Disposition: attachment; "
    "filename=e.md\n\n# Attached\n\nwords\n--e--\n"
)


def members_of(report: IngestReport) -> dict[str, str]:
    """Outcomes by path below the archive's folder."""
    return {
        os.fsdecode(entry.path).rpartition("/docs/")[2]: entry.outcome for entry in report.files
    }


def test_the_members_of_an_archive_are_documents_and_the_archive_has_an_entry(house: House) -> None:
    (house.docs / "a.zip").write_bytes(zipped(b_md="# Title\n\none", c_txt="two", d_txt=" "))
    report = house.ingest()
    assert members_of(report) == {
        "a.zip": "indexed",
        "a.zip!/b.md": "indexed",
        "a.zip!/c.txt": "indexed",
        "a.zip!/d.txt": "skipped",
    }
    assert {entry.path[-5:]: entry.reason for entry in report.files}[
        b"a.zip"
    ] == "2 of 3 files in it were read"
    assert sorted(house.encoder.embedded) == ["Title\none", "two"]
    (hit,) = house.reader_of().show(str(house.docs / "a.zip!/b.md"))[2]
    assert dict(hit.passage.place) == {"member": "b.md", "line_start": 3, "line_end": 3}


def test_members_are_counted_apart_when_they_come_stay_and_go(house: House) -> None:
    (house.docs / "a.zip").write_bytes(zipped(b_md="one", c_md="two"))
    (house.docs / "notes!").mkdir()
    (house.docs / "notes!/x.md").write_text("in a folder, and no member of anything")
    for outcome in ("indexed", "unchanged"):
        report = house.ingest()
        assert report.counts(members=True) == {outcome: 2}
        assert report.counts(members=False) == {outcome: 2}
    (house.docs / "a.zip").unlink()
    report = house.ingest(prune=True)
    assert report.counts(members=True) == {"removed": 2}
    assert report.counts(members=False) == {"unchanged": 1}


def test_an_archive_of_nothing_that_can_be_read_is_left_out_with_the_reason(house: House) -> None:
    (house.docs / "a.zip").write_bytes(zipped(b_txt=" ", c_txt=" "))
    (house.docs / "d.zip").write_bytes(
        zipped(e_txt=" ", f_pdf="%PDF-1.4\n1 0 obj\nnothing\nendobj\n")
    )
    report = house.ingest()
    found = {entry.path[-5:]: (entry.outcome, entry.reason) for entry in report.files}
    assert found[b"a.zip"] == ("skipped", "0 of 2 files in it were read: empty")
    assert found[b"d.zip"][0] == "failed"
    assert found[b"d.zip"][1].startswith("0 of 2 files in it were read: not a readable PDF")
    assert report.counts() == {"skipped": 4, "failed": 2}


def test_an_unchanged_archive_costs_a_stat_and_all_its_entries_are_told_again(house: House) -> None:
    (house.docs / "a.zip").write_bytes(zipped(b_md="one", d_txt=" "))
    house.ingest()
    report = house.ingest()
    assert house.extractor.read == []
    assert members_of(report) == {
        "a.zip": "unchanged",
        "a.zip!/b.md": "unchanged",
        "a.zip!/d.txt": "skipped",
    }


def test_what_left_an_archive_leaves_and_what_stayed_is_not_embedded_again(house: House) -> None:
    (house.docs / "a.zip").write_bytes(zipped(b_md="one", c_md="two", d_md="three"))
    house.ingest()
    (house.docs / "a.zip").write_bytes(zipped(b_md="one", d_md="new words", e_md="two"))
    report = house.ingest()
    assert members_of(report) == {
        "a.zip": "indexed",
        "a.zip!/b.md": "unchanged",
        "a.zip!/c.md": "removed",
        "a.zip!/d.md": "indexed",
        "a.zip!/e.md": "indexed",
    }
    assert house.encoder.embedded == ["new words"]


def test_an_archive_that_moves_takes_its_documents_along(house: House) -> None:
    (house.docs / "a.zip").write_bytes(zipped(b_md="one", c_md="two"))
    house.ingest()
    (house.docs / "a.zip").rename(house.docs / "z.zip")
    report = house.ingest()
    assert members_of(report) == {
        "z.zip": "indexed",
        "z.zip!/b.md": "moved",
        "z.zip!/c.md": "moved",
    }
    assert house.encoder.embedded == []


def test_an_archive_that_is_gone_takes_its_documents_with_it(house: House) -> None:
    (house.docs / "a.zip").write_bytes(zipped(b_md="one"))
    house.write(c_md="two", d_md="three", e_md="four")
    house.ingest()
    (house.docs / "a.zip").unlink()
    assert members_of(house.ingest())["a.zip!/b.md"] == "removed"
    assert house.names() == ["c.md", "d.md", "e.md"]


def test_an_archive_that_cannot_be_read_keeps_its_documents_as_stale(house: House) -> None:
    (house.docs / "a.zip").write_bytes(zipped(b_md="one", c_md="two"))
    house.ingest()
    (house.docs / "a.zip").write_bytes(zipped(b_md="one", c_md="two") + b"more")
    house.extractor.broken = {"a.zip"}
    report = house.ingest()
    assert members_of(report) == {
        "a.zip": "failed",
        "a.zip!/b.md": "failed",
        "a.zip!/c.md": "failed",
    }
    assert house.reader_of().status().stale == 2
    house.extractor.broken = set()
    assert members_of(house.ingest()) == {
        "a.zip": "indexed",
        "a.zip!/b.md": "unchanged",
        "a.zip!/c.md": "unchanged",
    }
    assert house.reader_of().status().stale == 0


def test_a_member_that_cannot_be_read_any_more_is_stale_like_a_file_on_the_disk(
    house: House,
) -> None:
    broken = "%PDF-1.4\n1 0 obj\nnothing\nendobj\n"
    (house.docs / "a.zip").write_bytes(zipped(b_md="one", c_pdf="at first a text", d_md="two"))
    house.ingest()
    (house.docs / "a.zip").write_bytes(zipped(b_md="one", c_pdf=broken, d_md=" "))
    report = house.ingest()
    found = {
        os.fsdecode(entry.path).rpartition("/docs/")[2]: (entry.outcome, entry.reason)
        for entry in report.files
    }
    assert found["a.zip!/b.md"] == ("unchanged", "")
    assert found["a.zip!/c.pdf"][0] == "failed"
    assert found["a.zip!/c.pdf"][1].startswith("not a readable PDF")
    assert found["a.zip!/d.md"] == ("skipped", "empty; its earlier version was removed")
    assert house.names() == ["b.md", "c.pdf"]
    assert house.reader_of().status().stale == 1


def test_an_archive_within_an_archive_that_cannot_be_read_keeps_its_documents(house: House) -> None:
    def outer(inner: bytes) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("inner.zip", inner)
            archive.writestr("c.md", "three")
        return buffer.getvalue()

    (house.docs / "a.zip").write_bytes(outer(zipped(b_md="one", d_md="two")))
    house.ingest()
    (house.docs / "a.zip").write_bytes(outer(zipped(b_md="one", d_md="two")[:-30]))
    report = house.ingest()
    assert members_of(report) == {
        "a.zip": "indexed",
        "a.zip!/c.md": "unchanged",
        "a.zip!/inner.zip": "failed",
        "a.zip!/inner.zip!/b.md": "failed",
        "a.zip!/inner.zip!/d.md": "failed",
    }
    assert house.reader_of().status().stale == 2


def test_members_that_were_removed_stay_out(house: House) -> None:
    (house.docs / "a.zip").write_bytes(zipped(b_md="one", c_md="two"))
    (house.docs / "d.eml").write_bytes(
        mail("Subject: x", "Content-Type: multipart/mixed; boundary=e", body=ATTACHED)
    )
    house.ingest()
    assert house.names() == ["b.md", "c.md", "d.eml", "e.md"]
    house.reader_of().remove([str(house.docs / "a.zip!/b.md"), str(house.docs / "d.eml!/e.md")])
    assert house.names() == ["c.md", "d.eml"]
    house.ingest()
    assert house.names() == ["c.md", "d.eml"]


def test_a_file_and_a_member_of_one_path_are_told_apart(house: House) -> None:
    (house.docs / "x.zip").write_bytes(zipped(b_md="one", c_md="two"))
    (house.docs / "x.zip!").mkdir()
    (house.docs / "x.zip!" / "b.md").write_text("on the disk")
    report = house.ingest()
    assert members_of(report) == {
        "x.zip": "indexed",
        "x.zip!/b.md": "indexed",
        "x.zip!/c.md": "indexed",
    }
    assert any(
        "has the path of a file on the disk, and was left out" in note for note in report.notes
    )
    assert sorted(house.encoder.embedded) == ["on the disk", "two"]


def test_a_file_beside_a_folder_of_its_name_and_a_mark_is_no_container(house: House) -> None:
    house.write(notes_="zero")
    (house.docs / "notes.").rename(house.docs / "notes")
    (house.docs / "notes!").mkdir()
    (house.docs / "notes!" / "a.md").write_text("one")
    assert members_of(house.ingest()) == {"notes": "indexed", "notes!/a.md": "indexed"}
    assert members_of(house.ingest()) == {"notes": "unchanged", "notes!/a.md": "unchanged"}
    assert house.extractor.read == []
    (house.docs / "notes").unlink()
    (house.docs / "notes!" / "a.md").write_text("two")
    assert members_of(house.ingest()) == {"notes": "removed", "notes!/a.md": "indexed"}


def test_the_members_of_an_archive_outlive_a_stop_and_an_unreadable_archive(house: House) -> None:
    (house.docs / "a.zip").write_bytes(zipped(b_md="one", c_md="two"))
    for number in range(40):
        # longer than the archive, which is read before them
        house.write(**{f"x{number:02}_md": f"text {number} " * 100})
    house.ingest(is_stopped=lambda: len(house.extractor.read) > 20)
    assert "b.md" in house.names()
    house.extractor.broken = {"a.zip"}
    os.utime(house.docs / "a.zip", ns=(5, 5))
    house.ingest()
    assert {"b.md", "c.md"} <= set(house.names())


def test_what_left_an_archive_that_was_read_leaves_however_much_it_is(house: House) -> None:
    (house.docs / "a.zip").write_bytes(zipped(b_md="one", c_md="two", d_md="three"))
    house.ingest()
    (house.docs / "a.zip").write_bytes(zipped(e_md="one"))
    report = house.ingest()
    assert Counter(members_of(report).values()) == {"indexed": 2, "removed": 3}
    assert report.notes == ()
    assert house.names() == ["e.md"]


@pytest.mark.slow
def test_many_equal_members_that_move_do_not_take_the_square_of_the_time(house: House) -> None:
    (house.docs / "a.zip").write_bytes(
        zipped(**{f"m{number}_md": "the same" for number in range(400)})
    )
    house.ingest()
    (house.docs / "a.zip").rename(house.docs / "b.zip")
    began = time.process_time()
    report = house.ingest()
    assert Counter(entry.outcome for entry in report.files) == {"moved": 400, "indexed": 1}
    assert time.process_time() - began < 10


def test_a_folder_whose_name_looks_like_an_archive_s_is_a_folder(house: House) -> None:
    (house.docs / "wow!").mkdir()
    (house.docs / "wow!" / "a.md").write_text("one")
    assert members_of(house.ingest()) == {"wow!/a.md": "indexed"}
    assert members_of(house.ingest()) == {"wow!/a.md": "unchanged"}
    (house.docs / "wow!" / "a.md").unlink()
    assert members_of(house.ingest(prune=True)) == {"wow!/a.md": "removed"}


def test_a_file_that_was_refused_is_not_read_again_before_it_changes(house: House) -> None:
    (house.docs / "a.pdf").write_bytes(b"%PDF-1.4\n1 0 obj\nnothing\nendobj\n")
    first = house.ingest()
    assert members_of(first) == {"a.pdf": "failed"}
    again = house.ingest()
    assert house.extractor.read == []
    assert [(entry.outcome, entry.reason) for entry in again.files] == [
        (entry.outcome, entry.reason) for entry in first.files
    ]
    os.utime(house.docs / "a.pdf", ns=(5, 5))
    shutil.copy(house.docs / "a.pdf", house.docs / "b.pdf")
    copied = house.ingest()
    assert members_of(copied) == {"a.pdf": "failed", "b.pdf": "failed"}
    assert house.extractor.read == []
    (house.docs / "a.pdf").write_bytes(b"text after all")
    assert members_of(house.ingest())["a.pdf"] == "indexed"


def test_a_refused_file_of_which_an_earlier_version_is_kept_is_not_read_again_either(
    house: House,
) -> None:
    (house.docs / "a.pdf").write_bytes(b"at first a text")
    house.ingest()
    (house.docs / "a.pdf").write_bytes(b"%PDF-1.4\n1 0 obj\nnothing\nendobj\n")
    first = house.ingest()
    assert members_of(first) == {"a.pdf": "failed"}
    house.extractor.parsed.clear()
    again = house.ingest()
    assert [(entry.outcome, entry.reason) for entry in again.files] == [
        (entry.outcome, entry.reason) for entry in first.files
    ]
    assert house.extractor.parsed == []
    assert house.reader_of().status().stale == 1


def test_what_another_extractor_refused_is_tried_again(house: House) -> None:
    (house.docs / "a.pdf").write_bytes(b"%PDF-1.4\n1 0 obj\nnothing\nendobj\n")
    house.ingest()
    with SqliteBackend(house.corpus).writer() as writer:
        (entry,) = writer.unindexed().values()
        assert entry.source is not None
        writer.set_unindexed(
            [entry.path], [replace(entry, source=replace(entry.source, extractor="pdf/0"))]
        )
        writer.commit()
    house.extractor.parsed.clear()
    house.ingest()
    assert house.extractor.parsed == ["a.pdf"]


# ---- two kinds of commit -------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("asked_before_stop", range(1, 9))
def test_a_stop_within_a_mail_loses_none_of_its_attachments(
    house: House, asked_before_stop: int
) -> None:
    attached = b"Content-Disposition: attachment; filename=%s\n\nof %s"
    parts = [attached % (name, name) for name in (b"one.md", b"two.md")]
    kind, body = multipart("mixed", b"Content-Type: text/plain\n\nhello", *parts)
    (house.docs / "d.eml").write_bytes(mail("From: a@b.example", "Subject: x", kind, body=body))
    asked = 0

    def is_stopped() -> bool:
        nonlocal asked
        asked += bool(house.extractor.read)
        return asked > asked_before_stop

    house.ingest(is_stopped=is_stopped)
    house.refresh()
    assert house.names() == ["d.eml", "one.md", "two.md"]
    house.extractor.read.clear()
    house.refresh()
    assert house.extractor.read == []


def test_a_stopped_run_keeps_what_it_committed_removes_nothing_and_the_next_one_finishes(
    house: House,
) -> None:
    house.write(a_md="one", b_md="two")
    house.ingest()
    (house.docs / "a.md").unlink()
    for number in range(40):
        house.write(**{f"c{number:02}_md": f"text {number}"})
    report = house.ingest(is_stopped=lambda: len(house.extractor.read) > 20)
    assert report.was_interrupted
    assert report.counts() == {"unchanged": 1, "indexed": 4}
    assert house.names() == ["a.md", "b.md", "c00.md", "c01.md", "c02.md", "c03.md"]
    waiting = house.reader_of().status().pending
    assert (f"{waiting:,}" in " ".join(report.notes)) == bool(waiting)
    report = house.ingest()
    assert report.counts() == {"unchanged": 5, "indexed": 36, "removed": 1}
    assert not report.was_interrupted
    assert house.reader_of().status().pending == 0


@pytest.mark.parametrize("before_stop", [0, 3, 7])
def test_a_run_that_is_stopped_while_it_looks_at_the_disk_changes_nothing(
    house: House, tmp_path: Path, before_stop: int
) -> None:
    house.write(a_md="one", b_md="two", c_md="three", d_md="four")
    generation = house.ingest().generation
    house.write(a_md="changed", e_md="new")
    (house.docs / "b.md").unlink()
    (tmp_path / "other").mkdir()
    asked = []

    def is_stopped() -> bool:
        asked.append(1)
        return len(asked) > before_stop

    report = house.ingest(house.docs, tmp_path / "other", prune=True, is_stopped=is_stopped)
    assert (report.was_interrupted, report.generation) == (True, generation)
    [note] = report.notes
    assert note.startswith("the look at the disk was cut short after ")
    assert note.endswith(
        ": none of them was read, the rest was not looked at, and nothing was removed"
    )
    assert (house.extractor.read, report.files) == ([], ())
    assert house.names() == ["a.md", "b.md", "c.md", "d.md"]
    assert len(house.reader_of().status().roots) == 1
    assert house.ingest().counts() == {"unchanged": 2, "indexed": 2, "removed": 1}


def test_a_run_that_is_stopped_while_it_compares_known_files_reads_and_removes_none(
    house: House,
) -> None:
    house.write(**{f"a{number}_md": f"text {number}" for number in range(9)})
    house.ingest()
    (house.docs / "a0.md").unlink()
    asked = []

    def is_stopped() -> bool:
        asked.append(1)
        return len(asked) > 22  # two an entry while the disk is looked at

    report = house.ingest(is_stopped=is_stopped)
    assert report.was_interrupted
    assert 0 < len(report.files) < 8
    assert report.counts() == {"unchanged": len(report.files)}
    assert len(house.names()) == 9


def test_while_the_disk_is_looked_at_the_progress_tells_what_was_seen(house: House) -> None:
    house.write(a_md="one", b_md="two")
    seen: list[Progress] = []

    def is_stopped() -> bool:
        time.sleep(0.15)  # as if the disk were slow
        return False

    house.ingest(on_progress=seen.append, is_stopped=is_stopped)
    assert seen[0].seen is not None
    assert (seen[0].files_total, seen[0].seen.folders, seen[-1].seen) == (0, 1, None)


def test_while_known_files_are_compared_it_tells_that_it_goes_on(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.write(a_md="one", b_md="two", c_md="three")
    house.ingest()
    monkeypatch.setattr("searchapp.ingest.pipeline.WalkProgress", partial(WalkProgress, every_s=0))
    seen: list[Progress] = []
    house.ingest(on_progress=seen.append)
    assert [progress.seen and progress.seen.files for progress in seen].count(3) == 1 + 3


def test_a_file_that_hangs_does_not_delay_a_stop(house: House) -> None:
    class Hanging(HereExtractor):
        def submit(
            self, path: bytes, refused: Mapping[bytes, Unindexed], **options: bool
        ) -> Future[list[Extracted]]:
            return Future() if path.endswith(b"b.md") else super().submit(path, refused, **options)

    house.write(a_md="one", b_md="two")
    house.extractor = Hanging()
    files_done = [0]
    report = house.ingest(
        on_progress=lambda progress: files_done.append(progress.files_done),
        is_stopped=lambda: files_done[-1] == 1,  # what hangs is all that is left
    )
    assert report.was_interrupted
    assert outcomes(report) == {"a.md": "indexed"}
    assert house.names() == ["a.md"]


@pytest.mark.slow
def test_a_stop_in_the_middle_of_a_large_file_ends_within_a_second_of_encoding(
    house: House,
) -> None:
    house.write(a_txt=words(200, seed=1), b_txt=words(600_000, seed=2))
    report = house.ingest(is_stopped=lambda: len(house.encoder.embedded) > 10)
    assert report.was_interrupted
    assert outcomes(report) == {"a.txt": "indexed", "b.txt": "indexed"}
    assert report.notes == (
        "1 document is found by words alone until the next ingest has made the missing vectors",
    )
    embedded = len(house.encoder.embedded)
    assert embedded < 200
    assert house.reader_of().status().pending == 1
    report = house.ingest()
    assert outcomes(report) == {"a.txt": "unchanged", "b.txt": "unchanged"}
    assert len(house.encoder.embedded) > 200
    assert house.reader_of().status().pending == 0


def test_a_stop_in_the_middle_of_a_large_change_keeps_the_earlier_version(house: House) -> None:
    house.write(a_txt="the first version")
    house.ingest()
    house.write(a_txt=words(60_000, seed=2))
    is_stopping = Event()

    class Slow(CountingEncoder):
        def encode_passages(self, texts: Sequence[str]) -> Vectors:
            if self.embedded:
                is_stopping.wait(60)
            return super().encode_passages(texts)

    def is_stopped() -> bool:
        if house.encoder.embedded:
            is_stopping.set()
        return is_stopping.is_set()

    house.encoder = Slow()
    report = house.ingest(is_stopped=is_stopped)
    assert report.was_interrupted
    assert outcomes(report) == {}
    assert [hit.text for hit in house.reader_of().show(str(house.docs / "a.txt"))[2]] == [
        "the first version"
    ]


def crash(house: House) -> None:
    """A document in the first job, and one whose last passage, the shortest, breaks the encoder."""
    house.write(a_txt=words(2_000, seed=1), b_txt=words(60_500, seed=2) + " wreck")
    house.encoder.fails_on = "wreck"
    with pytest.raises(EncoderError, match="the encoder broke"):
        house.ingest()
    house.encoder.fails_on = ""


def test_a_crash_while_encoding_leaves_the_batch_before_whole_and_its_own_pending(
    house: House,
) -> None:
    crash(house)
    assert [row.is_pending for row in house.reader_of().documents()] == [False, True]
    assert house.reader_of().status().pending == 1


def test_pending_documents_are_not_searched_and_the_answer_says_how_many_there_are(
    house: House,
) -> None:
    crash(house)
    answer = house.reader_of().query("wreck", k=10_000)
    assert answer.pending == 1
    assert {match.hit.path for match in answer.matches} == {os.fsencode(house.docs / "a.txt")}


def test_the_next_ingest_completes_what_is_pending_without_reading_it(house: House) -> None:
    crash(house)
    report = house.ingest()
    assert house.extractor.read == []
    assert outcomes(report) == {"a.txt": "unchanged", "b.txt": "unchanged"}
    assert report.passages_embedded == len(house.encoder.embedded) == len(house.content()["b.txt"])
    assert house.reader_of().status().pending == 0
    assert house.reader_of().query("wreck").matches[0].hit.path == os.fsencode(house.docs / "b.txt")


def test_a_pending_document_whose_file_changed_is_replaced(house: House) -> None:
    crash(house)
    house.write(b_txt="short")
    assert outcomes(house.ingest()) == {"a.txt": "unchanged", "b.txt": "indexed"}
    assert house.content()["b.txt"][0][-1] == "short"


def test_progress_ends_at_all_files_with_nothing_left(house: House) -> None:
    house.write(a_md="one", b_md="two", c_md=" ")
    seen: list[Progress] = []
    house.ingest(on_progress=seen.append)
    first, last = seen[0], seen[-1]
    assert (first.files_done, first.files_read, first.files_total) == (0, 0, 3)
    assert (first.share, last.files_read) == (0.0, 3)
    assert (last.files_done, last.passages, last.left_s) == (3, 2, 0.0)


# ---- versions and encoders -----------------------------------------------------------------------


@pytest.mark.damages_corpus
@pytest.mark.parametrize("column", ["extractor = 'markdown/0'", "splitter = '0'"])
def test_documents_of_an_older_extractor_or_splitter_are_done_again(
    house: House, column: str
) -> None:
    house.write(a_md="one", b_md="two")
    house.ingest()
    house.sql(f"UPDATE document SET {column} WHERE CAST(path AS TEXT) LIKE '%a.md'")
    assert house.reader_of().status().outdated == 1
    assert house.reader_of().query("one").stale == 1
    assert outcomes(house.ingest()) == {"a.md": "indexed", "b.md": "unchanged"}
    assert (house.extractor.read, house.encoder.embedded) == (["a.md"], [])
    assert house.reader_of().check(full=True) == []


@pytest.mark.slow
def test_the_encoder_of_another_fingerprint_is_refused_with_the_cure_and_changes_nothing(
    house: House,
) -> None:
    house.write(a_md="one")
    house.ingest()
    house.write(b_md="two")
    before = (house.corpus / "corpus.db").read_bytes()
    other = Corpus(SqliteBackend(house.corpus), encoder=CountingEncoder(max_tokens=99))
    with pytest.raises(OtherEncoder) as caught:
        other.ingest([house.docs])
    assert "--corpus" in caught.value.hint
    assert (house.corpus / "corpus.db").read_bytes() == before
    assert house.names() == ["a.md"]


@pytest.mark.slow
def test_the_pool_of_workers_reads_as_this_process_does(house: House, tmp_path: Path) -> None:
    house.write(a_md="# Soup\n\nBoil lentils.\n", b_txt="plain", c_md="")
    expected = outcomes(house.ingest())
    other = Corpus(SqliteBackend(tmp_path / "other"), encoder=house.encoder)
    assert (
        outcomes(other.ingest([house.docs]))
        == expected
        == {"a.md": "indexed", "b.txt": "indexed", "c.md": "skipped"}
    )


# ---- any order, any history ----------------------------------------------------------------------


@pytest.mark.slow
def test_the_same_files_in_any_order_give_the_same_corpus(tmp_path: Path) -> None:
    names = [f"{letter}.md" for letter in "abcd"]
    contents = []
    for order in (names, names[::-1], ["c.md", "a.md", "d.md", "b.md"]):
        house = House(tmp_path / "-".join(name[0] for name in order))
        for name in order:
            (house.docs / name).write_text(
                f"# {name}\n\nwords of {name}\n\n# shared\n\nthe same everywhere\n"
            )
            house.ingest()
        contents.append(house.content())
    assert contents[0] == contents[1] == contents[2]


def words(count: int, *, seed: int = 0) -> str:
    """Text of that many characters, about."""
    chooser = random.Random(seed)
    return " ".join(f"w{chooser.randrange(10**6)}" for _ in range(count // 8))


def swap(first: Path, second: Path) -> None:
    first.rename(first.with_suffix(".tmp"))
    second.rename(first)
    first.with_suffix(".tmp").rename(second)


def test_files_of_a_root_that_is_gone_are_recognized_in_another(house: House) -> None:
    house.write(a_md="one")
    house.ingest()
    moved = house.docs.with_name("elsewhere")
    house.docs.rename(moved)
    report = house.ingest(moved)
    assert (house.extractor.read, house.encoder.embedded) == ([], [])
    assert report.counts()["moved"] == 1


def test_a_clock_that_goes_back_hides_no_change_and_costs_no_reading(house: House) -> None:
    house.write(a_md="one", b_md="two")
    house.ingest()
    house.extractor = HereExtractor(lag_ns=-24 * 60 * 60 * 10**9)  # all that is read, is a day ago
    house.write(a_md="six")
    assert outcomes(house.ingest()) == {"a.md": "indexed", "b.md": "unchanged"}
    assert house.extractor.read == ["a.md"]
    house.ingest()
    assert house.extractor.read == []
    house.write(a_md="ten")
    house.ingest()
    assert house.extractor.read == ["a.md"]
