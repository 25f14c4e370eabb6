"""The last answer is remembered by its passages alone, in a file that only its owner reads, and may
be lost at any time.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

import pytest

from searchapp.cli.last_answer import recall, recall_place, remember
from searchapp.errors import BadFilter
from searchapp.types.documents import Hit, Passage, Place
from searchapp.types.results import Answer, Match


def answer(*passages: tuple[int, bytes]) -> Answer:
    """An answer whose matches are the passages of these ids in the documents at these paths."""
    hits = [
        Hit(
            number,
            1,
            path,
            "secret title",
            "txt",
            Passage(0, 11, ("secret heading",)),
            "secret text",
        )
        for number, path in passages
    ]
    matches = [Match(rank, 0.5, 0.5, {}, hit) for rank, hit in enumerate(hits, 1)]
    return Answer("secret question", "hybrid", ("cosine", "keyword"), 1, tuple(matches), 1.0)


def files(cache: Path) -> Sequence[Path]:
    return [path for path in cache.rglob("*") if path.is_file()]


def refuses(number: int, *, corpus: str, cache: Path) -> bool:
    with pytest.raises(BadFilter, match=f"the last answer has no match {number}$") as caught:
        recall(number, corpus=str(corpus), cache=cache)
    return caught.value.hint != ""


def test_each_match_is_recalled_by_its_rank(tmp_path: Path) -> None:
    remember(
        answer((7, b"/a.md"), (3, b"/b.md"), (9, b"/a.md")),
        corpus=str(tmp_path / "corpus"),
        cache=tmp_path,
    )
    recalled = [
        recall(number, corpus=str(tmp_path / "corpus"), cache=tmp_path) for number in (1, 2, 3)
    ]
    assert recalled == [(7, "/a.md"), (3, "/b.md"), (9, "/a.md")]


@pytest.mark.parametrize(
    "path", [b"/caf\xe9.txt", b"/\xff\xfe", b"/a\nb", b'/"x"\\', "/日本/🙂".encode(), b"/\x01\x7f"]
)
def test_a_path_of_any_bytes_is_recalled_as_it_was(tmp_path: Path, path: bytes) -> None:
    remember(answer((1, path)), corpus=str(tmp_path / "corpus"), cache=tmp_path)
    assert recall(1, corpus=str(tmp_path / "corpus"), cache=tmp_path) == (1, os.fsdecode(path))


def test_a_number_that_no_match_has_is_refused(tmp_path: Path) -> None:
    remember(answer((7, b"/a.md"), (3, b"/b.md")), corpus=str(tmp_path / "corpus"), cache=tmp_path)
    assert all(
        refuses(number, corpus=str(tmp_path / "corpus"), cache=tmp_path)
        for number in (3, 1000, 0, -1, -2)
    )


def test_an_answer_without_matches_has_no_first(tmp_path: Path) -> None:
    remember(answer((7, b"/a.md")), corpus=str(tmp_path / "corpus"), cache=tmp_path)
    remember(answer(), corpus=str(tmp_path / "corpus"), cache=tmp_path)
    assert refuses(1, corpus=str(tmp_path / "corpus"), cache=tmp_path)


def test_before_the_first_answer_there_is_no_match(tmp_path: Path) -> None:
    assert refuses(1, corpus=str(tmp_path / "corpus"), cache=tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_only_the_last_answer_is_kept_and_one_a_corpus(tmp_path: Path) -> None:
    remember(answer((7, b"/a.md"), (8, b"/a.md")), corpus=str(tmp_path / "one"), cache=tmp_path)
    remember(answer((3, b"/b.md")), corpus=str(tmp_path / "one"), cache=tmp_path)
    remember(answer((5, b"/c.md")), corpus=str(tmp_path / "two"), cache=tmp_path)
    assert recall(1, corpus=str(tmp_path / "one"), cache=tmp_path) == (3, "/b.md")
    assert recall(1, corpus=str(tmp_path / "two"), cache=tmp_path) == (5, "/c.md")
    assert refuses(2, corpus=str(tmp_path / "one"), cache=tmp_path)
    assert len(files(tmp_path)) == 2


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[[7, ",
        b"\xff",
        b"7",
        b"{}",
        b'{"1": 2}',
        b"[[7]]",
        b"[7]",
        b"[null]",
        b'[["x", "/a"]]',
        b"[[null, 1]]",
        b'["ab"]',
        b'[[7, "/a", "x", null]]',
    ],
)
def test_a_damaged_file_is_no_answer(tmp_path: Path, content: bytes) -> None:
    remember(answer((7, b"/a.md")), corpus=str(tmp_path / "corpus"), cache=tmp_path)
    [file] = files(tmp_path)
    file.write_bytes(content)
    assert refuses(1, corpus=str(tmp_path / "corpus"), cache=tmp_path)
    remember(answer((8, b"/a.md")), corpus=str(tmp_path / "corpus"), cache=tmp_path)
    assert recall(1, corpus=str(tmp_path / "corpus"), cache=tmp_path) == (8, "/a.md")


def test_a_cache_that_cannot_be_made_keeps_nothing_and_says_nothing(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.write_bytes(b"a file where the folder should be")
    remember(answer((7, b"/a.md")), corpus=str(tmp_path / "corpus"), cache=cache)
    assert cache.read_bytes() == b"a file where the folder should be"
    assert refuses(1, corpus=str(tmp_path / "corpus"), cache=cache)


def test_an_answer_that_cannot_be_put_in_its_place_leaves_nothing_behind(tmp_path: Path) -> None:
    remember(answer((7, b"/a.md")), corpus=str(tmp_path / "corpus"), cache=tmp_path)
    [file] = files(tmp_path)
    file.unlink()
    file.mkdir()
    remember(answer((7, b"/a.md")), corpus=str(tmp_path / "corpus"), cache=tmp_path)
    assert list(file.parent.iterdir()) == [file]
    assert refuses(1, corpus=str(tmp_path / "corpus"), cache=tmp_path)


def test_what_is_kept_is_its_owners_alone_and_holds_no_text(tmp_path: Path) -> None:
    remember(answer((7, b"/a.md")), corpus=str(tmp_path / "corpus"), cache=tmp_path / "cache")
    [file] = files(tmp_path)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert file.is_relative_to(tmp_path / "cache")
    assert file.read_bytes() == b'[[7, "/a.md", null, null]]'


@pytest.mark.parametrize(
    ("place", "line", "page"),
    [
        ((("line_start", 20), ("line_end", 31)), 20, None),
        ((("page", 3),), None, 3),
        ((("sheet", "Secret costs"), ("row_start", 2), ("row_end", 9)), None, None),
    ],
)
def test_a_match_is_recalled_with_its_line_or_its_page_and_no_other_place(
    tmp_path: Path, place: Place, line: int | None, page: int | None
) -> None:
    hit = Hit(7, 1, b"/a", "", "txt", Passage(0, 4, place=place), "text")
    shown = Answer("q", "cosine", ("cosine",), 1, (Match(1, 0.5, 0.5, {}, hit),), 1.0)
    remember(shown, corpus="c", cache=tmp_path)
    assert recall_place(1, corpus="c", cache=tmp_path) == ("/a", line, page)
    [file] = files(tmp_path)
    assert b"Secret" not in file.read_bytes()


def test_an_answer_that_an_older_version_kept_has_no_places(tmp_path: Path) -> None:
    remember(answer((7, b"/a.md")), corpus="c", cache=tmp_path)
    [file] = files(tmp_path)
    file.write_bytes(b'[[7, "/a.md"]]')
    assert recall(1, corpus="c", cache=tmp_path) == (7, "/a.md")
    assert recall_place(1, corpus="c", cache=tmp_path) == ("/a.md", None, None)
