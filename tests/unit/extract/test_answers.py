"""What a worker says is taken for what a reader can say, and for nothing else: a file that has
broken out of its reader may say anything, and the process that listens goes on.
"""

from __future__ import annotations

import base64
from typing import Any

import pytest

from searchapp.errors import FileFailed
from searchapp.extract.sandbox import reading as reading_module
from searchapp.extract.sandbox.reading import Reading

SOURCE = {
    "identity": [4, 2, 3, 4],
    "content_hash": "11" * 32,
    "hashed_at_ns": 5,
    "extractor": "detect/3",
}
MEMBER = {"member": "", "content_hash": "00" * 32, "extractor": "text/4"}
DOCUMENT = {
    "text": "One. Two.",
    "type": "txt",
    "title": "",
    "blocks": [[0, 4, "prose", [], []], [5, 9, "prose", ["A"], [["page", 1], ["member", "b"]]]],
    "has_lines": True,
    "metadata": {"author": "Ann"},
}
BLOCK = [0, 4, "prose", [], []]


def reading_of(*answers: dict[str, Any]) -> Reading:
    reading = Reading(b"/a.txt", {})
    for answer in answers:
        reading.take(answer, 10)
    return reading


def with_block(place: int, value: object) -> dict[str, object]:
    return {"blocks": [[*BLOCK[:place], value, *BLOCK[place + 1 :]]]}


def test_a_document_is_taken_as_it_was_said() -> None:
    (extracted,) = reading_of({"source": SOURCE}, MEMBER, {"document": DOCUMENT}).results
    assert extracted.document is not None
    assert extracted.source is not None
    assert (extracted.document.text, len(extracted.document.blocks)) == ("One. Two.", 2)
    assert extracted.document.blocks[1].place == (("page", 1), ("member", "b"))
    assert (extracted.source.extractor, extracted.source.content_hash) == ("text/4", bytes(32))


@pytest.mark.parametrize(
    "wrong",
    [
        {"identity": [4, 2, 3, 2**70]},
        {"identity": [4, 2, 3, "4"]},
        {"identity": [4, 2, 3]},
        {"hashed_at_ns": 2**63},
        {"hashed_at_ns": None},
        {"content_hash": "11"},
        {"extractor": ""},
        {"extractor": "text\n4"},
        {"extractor": "x" * 10_000},
    ],
    ids=str,
)
def test_a_source_that_is_none_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises((ValueError, TypeError)):
        reading_of({"source": SOURCE | wrong})


@pytest.mark.parametrize(
    "wrong",
    [
        {"text": 5},
        {"text": "a\0b"},
        {"text": "\ud800234567890"},
        {"title": None},
        {"title": "\udcff"},
        {"type": ["txt"]},
        {"metadata": {"author": 5}},
        {"metadata": ["author"]},
        {"blocks": [[5, 9, "prose", [], []], BLOCK]},
        with_block(0, -1),
        with_block(0, 5),
        with_block(1, 10),
        with_block(1, 4.0),
        with_block(2, "verse"),
        with_block(2, []),
        with_block(3, [1]),
        with_block(4, [["page", 2**63]]),
        with_block(4, [["page", None]]),
        with_block(4, [["page"]]),
        with_block(4, [[1, 1]]),
    ],
    ids=str,
)
def test_a_document_that_is_none_is_refused(wrong: dict[str, object]) -> None:
    reading = reading_of({"source": SOURCE}, MEMBER)
    with pytest.raises((ValueError, TypeError, AttributeError)):
        reading.take({"document": DOCUMENT | wrong}, 10)
    assert reading.results == []


def test_a_path_with_nul_and_a_document_of_nothing_are_refused() -> None:
    reading = reading_of({"source": SOURCE})
    for answer in (
        {"document": DOCUMENT},
        MEMBER | {"member": base64.b64encode(b"a\0b").decode()},
        MEMBER | {"member": "!!!"},
    ):
        with pytest.raises(ValueError, match=r"none|nothing|base64"):
            reading.take(answer, 10)


def test_a_reason_is_made_one_that_can_be_kept() -> None:
    reason = "\ud800 no\0 " + "x" * 10_000
    (extracted,) = reading_of(
        {"source": SOURCE}, MEMBER, {"outcome": "failed", "reason": reason}
    ).results
    assert extracted.unindexed is not None
    assert extracted.unindexed.reason.startswith("\ufffd no\ufffd xxx")
    assert len(extracted.unindexed.reason) == 1000


def test_there_is_an_end_of_members(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading_module, "_MOST_RESULTS", 3)
    empty = {"outcome": "skipped", "reason": "empty"}
    reading = reading_of({"source": SOURCE}, MEMBER, empty, MEMBER, empty, MEMBER, empty)
    reading.take(MEMBER, 10)
    reading.take(empty, 10)
    with pytest.raises(FileFailed, match="holds more than 100,000 files"):
        reading.take(MEMBER, 10)
