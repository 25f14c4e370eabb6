"""What failed for want of time or memory is tried again, three times in all; what the file itself
says is remembered at once.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import pytest

from searchapp.extract.registry import extractor_of
from searchapp.extract.sandbox.reading import Extracted
from searchapp.ingest.retries import RETRY_S
from searchapp.types.documents import Unindexed
from searchapp.types.results import IngestReport
from tests.builders.house import HereExtractor, House


class Slow(HereExtractor):
    """Files named slow come to nothing while it is slow, as those do whose reader takes too long;
    files named bad are broken.
    """

    def __init__(self) -> None:
        super().__init__()
        self.is_slow = True

    def submit(
        self, path: bytes, refused: Mapping[bytes, Unindexed], *, with_secrets: bool = False
    ) -> Future[list[Extracted]]:
        future = super().submit(path, refused, with_secrets=with_secrets)
        (extracted, *others) = future.result()
        name = os.path.basename(path)  # noqa: PTH119
        if extracted.source is None or extracted.unindexed or others:
            return future
        is_passing = name.startswith(b"slow") and self.is_slow
        if is_passing or name.startswith(b"bad"):
            reason = "took longer than 60 s of work" if is_passing else "encrypted"
            source = replace(extracted.source, extractor=extractor_of("txt"))
            entry = Unindexed(path, "failed", reason, source=source, is_passing=is_passing)
            self.lost_s += 60 if is_passing else 0
            future = Future()
            future.set_result([Extracted(source, None, entry)])
        return future


@pytest.fixture
def house(tmp_path: Path) -> House:
    made = House(tmp_path)
    made.extractor = Slow()
    made.write(slow_txt="a long text", bad_txt="a broken text", good_txt="a text")
    return made


def read(house: House, **options: bool) -> tuple[list[str], IngestReport]:
    """The files that one more ingest parses, but for good ones, and its report."""
    house.extractor.parsed.clear()
    report = house.ingest(**options)
    return sorted(name for name in house.extractor.parsed if name != "good.txt"), report


def reason(report: IngestReport, name: str) -> str:
    (entry,) = (each for each in report.files if each.path.endswith(name.encode()))
    assert entry.outcome == "failed"
    return entry.reason


def test_what_was_slow_is_tried_three_times_and_what_is_broken_once(house: House) -> None:
    parsed, report = read(house)
    assert parsed == ["bad.txt", "slow.txt"]
    assert reason(report, "slow.txt").endswith("; the next ingest tries it again")
    assert reason(report, "bad.txt") == "encrypted"
    assert read(house)[0] == ["slow.txt"]
    parsed, report = read(house)
    assert parsed == ["slow.txt"]
    assert reason(report, "slow.txt").endswith("; tried 3 times, and again by: ingest --retry")
    for _ in range(2):
        parsed, report = read(house)
        assert parsed == []
    assert "tried 3 times" in reason(report, "slow.txt")


def test_what_was_slow_once_is_read_when_it_is_not(house: House) -> None:
    read(house)
    house.extractor.is_slow = False  # type: ignore[attr-defined]
    read(house)
    assert house.names() == ["good.txt", "slow.txt"]


def test_a_copy_or_a_new_name_has_no_more_tries(house: House) -> None:
    read(house)
    (house.docs / "slow.txt").rename(house.docs / "slow 2.txt")
    assert read(house)[0] == ["slow 2.txt"]
    shutil.copy(house.docs / "slow 2.txt", house.docs / "slow 3.txt")
    assert read(house)[0] == ["slow 2.txt", "slow 3.txt"]
    os.utime(house.docs / "slow 3.txt")
    assert read(house)[0] == []


def test_other_bytes_have_tries_of_their_own(house: House) -> None:
    for _ in range(3):
        read(house)
    (house.docs / "slow.txt").write_text("another text")
    assert read(house)[0] == ["slow.txt"]
    assert read(house)[0] == ["slow.txt"]


def test_retry_tries_all_that_failed_anew(house: House) -> None:
    for _ in range(4):
        read(house)
    assert read(house, retry=True)[0] == ["bad.txt", "slow.txt"]
    assert read(house)[0] == ["slow.txt"]
    assert read(house)[0] == ["slow.txt"]
    assert read(house)[0] == []


def test_what_was_slow_is_read_behind_all_that_is_new(house: House) -> None:
    read(house)
    house.write(new_txt="a text that is longer than those that were there before")
    house.extractor.parsed.clear()
    house.ingest()
    assert house.extractor.parsed[-2:] == ["new.txt", "slow.txt"]


def test_retry_forgets_the_tries_that_were(house: House) -> None:
    read(house)
    assert read(house, retry=True)[0] == ["bad.txt", "slow.txt"]
    counts = [len(read(house)[0]) for _ in range(3)]
    assert counts == [1, 1, 0]


def test_an_earlier_version_is_kept_and_the_new_one_tried_as_often(house: House) -> None:
    house.extractor.is_slow = False  # type: ignore[attr-defined]
    read(house)
    house.extractor.is_slow = True  # type: ignore[attr-defined]
    (house.docs / "slow.txt").write_text("a longer text")
    counts = [len(read(house)[0]) for _ in range(5)]
    assert counts == [1, 1, 1, 0, 0]
    assert "slow.txt" in house.names()


def test_a_pile_of_slow_files_waits_for_the_next_ingest_and_that_is_said(house: House) -> None:
    for i in range(10):
        house.write(**{f"slow{i}_txt": f"a long text {i}"})
    house.extractor.lost_s = RETRY_S - 290  # as much is left for five
    assert len(read(house)[0]) == 12  # all, as none is tried again
    house.extractor.lost_s = RETRY_S - 290
    parsed, report = read(house)
    assert len(parsed) == 5
    (note,) = report.notes
    assert note.startswith("6 files that came to nothing before were not tried again")


def test_a_changed_document_waits_as_others_do_and_keeps_its_tries(house: House) -> None:
    house.extractor.is_slow = False  # type: ignore[attr-defined]
    read(house)
    house.extractor.is_slow = True  # type: ignore[attr-defined]
    (house.docs / "slow.txt").write_text("a longer text")
    assert read(house)[0] == ["slow.txt"]
    house.extractor.lost_s = RETRY_S + 1
    parsed, report = read(house)
    assert parsed == []
    assert reason(report, "slow.txt").endswith("; the next ingest tries it again")
    house.extractor.lost_s = 0.0
    assert [len(read(house)[0]) for _ in range(3)] == [1, 1, 0]
    assert "slow.txt" in house.names()
