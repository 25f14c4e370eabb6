"""A reader's time is the work that it does: what it has read by then is kept and said."""

from __future__ import annotations

import gc
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from searchapp.errors import FileFailed
from searchapp.extract.builder import Part, document_of
from searchapp.extract.sandbox import worker
from searchapp.extract.sandbox.patience import Patience
from searchapp.extract.sandbox.pool import ExtractionPool
from searchapp.extract.text import structured
from searchapp.extract.working_time import OutOfTime, finish, interrupt_again, lift, limit


@pytest.fixture
def clock() -> Iterator[None]:
    gc.disable()  # an interrupt is lost in a destructor, which those of other tests' garbage are
    yield
    lift()
    gc.enable()


def endless(text: str) -> Iterator[Part]:
    while True:
        yield Part("prose", text)


@pytest.mark.usefixtures("clock")
def test_a_reader_is_interrupted_in_its_work_and_what_it_gave_is_the_document() -> None:
    limit(0.02)
    document = document_of(endless("One."), "txt", metadata={"incomplete": "2 pages not read"})
    assert document.text.startswith("One.\n\nOne.")
    assert document.metadata["incomplete"] == (
        "2 pages not read; only its first part was read: it took longer than 0.02 s of work"
    )


@pytest.mark.usefixtures("clock")
def test_a_reader_that_gave_nothing_has_failed() -> None:
    limit(0.02)
    with pytest.raises(FileFailed, match=r"took longer than 0\.02 s of work"):
        document_of(endless(" "), "txt")


@pytest.mark.usefixtures("clock")
def test_waiting_is_no_work() -> None:
    limit(0.02)
    time.sleep(0.05)
    lift()


@pytest.mark.usefixtures("clock")
def test_json_that_takes_too_long_keeps_its_first_records() -> None:
    data = b"[" + b'{"name": "moss", "lamp": 7},' * 200_000 + b"{}]"
    limit(0.2)
    document = structured.read(data, "json")
    assert document.text.startswith("name: moss")
    assert "only its first part was read" in document.metadata["incomplete"]


@pytest.mark.usefixtures("clock")
def test_a_reader_is_interrupted_again_only_where_it_has_been_and_the_end_stays_near() -> None:
    def left_s() -> tuple[float, float]:
        return signal.getitimer(signal.ITIMER_VIRTUAL)[0], signal.getitimer(signal.ITIMER_PROF)[0]

    limit(8)
    assert left_s() == pytest.approx((8, 1.25 * 8 + 10), abs=0.4)
    interrupt_again()  # it has time left
    finish()
    assert left_s() == pytest.approx((0, 1.25 * 8 + 10), abs=0.4)
    with pytest.raises(OutOfTime):
        interrupt_again()
    signal.setitimer(signal.ITIMER_PROF, 0.9)
    with pytest.raises(OutOfTime):
        interrupt_again()
    finish()
    assert left_s() == pytest.approx((0, 10), abs=0.4)
    lift()
    assert left_s() == (0, 0)
    interrupt_again()  # there is no limit


def test_a_worker_that_works_is_waited_for_and_one_that_hangs_is_not() -> None:
    worked = [0.0]
    patience = Patience(10.0, lambda: worked[0])
    patience.renew()  # begins to count
    worked[0] = 5.0  # the machine is busy
    patience.renew()
    assert 9000 < patience.left_ms() <= 10_000
    with pytest.raises(FileFailed, match=r"^took longer than 10 s$"):
        patience.renew()
    worked[0] = 25.0
    with pytest.raises(FileFailed, match=r"^took longer than 10 s of work$"):
        patience.renew()


def test_running_out_of_time_is_no_error_that_a_reader_could_take_for_one() -> None:
    assert not issubclass(OutOfTime, Exception)


@pytest.mark.slow
def test_the_workers_keep_what_was_read_of_a_file_that_takes_too_long(tmp_path: Path) -> None:
    table = tmp_path / "long.csv"
    table.write_text("name,lamp,place\n" + "moss,7,loft\n" * 1_000_000, encoding="utf-8")
    with ExtractionPool(1, timeout_s=2) as pool:
        (read,) = pool.submit(os.fsencode(table)).result(timeout=120)
    assert read.document is not None
    assert read.document.text.startswith("name | lamp | place\nname: moss | lamp: 7 | place: loft")
    assert read.document.metadata["incomplete"] == (
        "only its first part was read: it took longer than 2 s of work"
    )


@pytest.mark.usefixtures("clock")
def test_a_worker_that_interrupted_a_reader_reads_no_more() -> None:
    data = b"[" + b'{"name": "moss", "lamp": 7},' * 200_000 + b"{}]"
    request = {"start": 0, "work_s": 0.3}
    *_, last = worker._contents(data, "a.json", request, 2**31)
    assert last.get("is_interrupted")
    assert worker.is_last(last)
    assert "document" in last
