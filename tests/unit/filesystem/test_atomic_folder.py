"""A folder appears whole or not at all, and what a kill left of one goes after a day."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from searchapp.filesystem import atomic_folder


def write(final: Path, text: str) -> None:
    with atomic_folder.replaced(final) as work:
        (work / "inner").mkdir()
        (work / "inner/file").write_text(text)
        assert not (final / "inner").exists() or (final / "inner/file").read_text() != text


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_takes_the_place_of_the_one_before_when_all_of_it_is_written(
    tmp_path: Path,
) -> None:
    final = tmp_path / "cache/folder"
    for text in ("before", "after"):
        write(final, text)
        assert (final / "inner/file").read_text() == text
        assert names(final.parent) == ["folder"]


def test_a_folder_that_fails_leaves_the_one_before_and_nothing_else(tmp_path: Path) -> None:
    final = tmp_path / "folder"
    write(final, "before")
    with pytest.raises(FileExistsError), atomic_folder.replaced(final) as work:
        work.mkdir()
    assert (final / "inner/file").read_text() == "before"
    assert names(tmp_path) == ["folder"]


def test_of_two_that_race_one_stays_whole(tmp_path: Path) -> None:
    final = tmp_path / "folder"
    with atomic_folder.replaced(final) as work:
        (work / "slow").touch()
        write(final, "fast")
    assert names(tmp_path) == ["folder"]
    assert names(final) in (["inner"], ["slow"])


@pytest.mark.parametrize("below", ["", "/inner"])
@pytest.mark.parametrize("kind", ["file", "dangling", "link"])
def test_a_file_or_a_link_in_the_way_is_named_before_any_work(
    tmp_path: Path, kind: str, below: str
) -> None:
    final = tmp_path / "folder"
    if kind == "file":
        final.touch()
    else:
        final.symlink_to(tmp_path if kind == "link" else tmp_path / "none")
    if kind == "link" and below:
        write(final / "inner", "through a link")
        assert names(tmp_path) == ["folder", "inner"]
        return
    with (
        pytest.raises(NotADirectoryError) as caught,
        atomic_folder.replaced(Path(f"{final}{below}")),
    ):
        pytest.fail("work was begun")
    assert caught.value.filename == str(final)
    assert names(tmp_path) == ["folder"]


def test_what_comes_into_the_way_meanwhile_stays_and_nothing_is_left_beside_it(
    tmp_path: Path,
) -> None:
    final = tmp_path / "folder"
    with pytest.raises(OSError, match="irectory"), atomic_folder.replaced(final):
        final.write_text("another program's")
    assert names(tmp_path) == ["folder"]
    assert final.read_text() == "another program's"


def test_what_a_kill_left_is_swept_after_a_day(tmp_path: Path) -> None:
    for name, age_s in (("tmp-old", atomic_folder.DAY_S + 60), ("tmp-new", 60)):
        (tmp_path / name).mkdir()
        at = time.time() - age_s
        os.utime(tmp_path / name, (at, at))
    write(tmp_path / "folder", "new")
    assert names(tmp_path) == ["folder", "tmp-new"]
