"""Paths and globs as people write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from searchapp.types.places import is_glob, resolve_place


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a file and an archive that have the signs of a glob."""
    for name in ("[a].md", "[a].zip", "plain.zip"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("place", "is_path"),
    [
        ("a.md", True),
        ("[a].md", True),  # on the disk
        ("[a].zip!/in/b.md", True),  # its archive is
        ("[b].md", False),
        ("plain.zip!/*.md", False),
        ("[a].zip!/*.md", False),
        ("./[b].md", None),  # a glob of this folder
    ],
)
def test_a_place_with_the_signs_of_a_glob_is_a_path_where_it_is_on_the_disk(
    folder: Path, place: str, is_path: bool | None
) -> None:
    resolved = resolve_place(place)
    assert resolved == (place if is_path is False else str(folder / place))
    assert is_glob(resolved) == (not is_path)
