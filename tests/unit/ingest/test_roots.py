"""What an ingest takes as a path, and what as the address of something elsewhere."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal
from unicodedata import normalize

import pytest

from searchapp.errors import PathMissing
from searchapp.ingest.roots import named_paths, roots_at


def paths_at(*paths: str | Path, required: bool = True) -> list[str]:
    return [os.fsdecode(root.path) for root in roots_at(paths, (), (), required=required)]


@pytest.mark.parametrize(
    "address",
    [
        "https://example.org/page",
        "HTTP://EXAMPLE.ORG",
        "ftp://example.org/a.txt",
        "s3://bucket/key",
        "ssh://git@example.org/a.git",
        "git+https://example.org/a.git",
        "git@example.org:owner/a.git",
        "file://server/share/a.md",
    ],
)
@pytest.mark.parametrize("required", [True, False])
def test_an_address_is_refused_with_what_to_do_instead(address: str, required: bool) -> None:
    with pytest.raises(PathMissing, match="reads files and folders of this machine only") as told:
        paths_at(address, required=required)
    assert str(told.value).startswith(address)
    assert told.value.hint.startswith("save the page, or mirror")


@pytest.mark.parametrize("form", ["file://{}", "file:{}", "FILE://localhost{}"])
def test_a_file_address_is_the_path_that_it_names(tmp_path: Path, form: str) -> None:
    (tmp_path / "a b?ü.md").touch()
    named = form.format(tmp_path) + "/a%20b?%C3%BC.md"
    assert paths_at(named) == [str(tmp_path / "a b?ü.md")]


@pytest.mark.parametrize("name", ["https:/example.org", "me@home:notes.md", "a:b", "x://y"])
def test_a_file_that_is_named_like_an_address_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).touch()
    assert paths_at(name) == [os.path.normpath(tmp_path / name)]


def test_a_path_that_does_not_exist_is_missing_only_where_it_is_required(tmp_path: Path) -> None:
    with pytest.raises(PathMissing, match="no such file or folder"):
        paths_at(tmp_path / "a")
    assert paths_at(tmp_path / "a", required=False) == [str(tmp_path / "a")]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_path_is_found_in_whatever_form_its_accents_are_typed(
    tmp_path: Path, form: Literal["NFC", "NFD"]
) -> None:
    place = tmp_path / normalize("NFD", "Prüfung") / normalize("NFC", "Übung.md")
    place.parent.mkdir()
    place.write_text("text")
    (root,) = roots_at([normalize(form, str(place))], (), (), required=True)
    assert root.path == bytes(place)


def test_the_root_of_a_member_is_the_file_that_holds_it(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_text("an archive")
    member = f"{tmp_path}/a.zip!/b.md"
    (root,) = roots_at([member], (), (), required=True)
    assert root.path == bytes(tmp_path / "a.zip")
    assert named_paths([member]) == [os.fsencode(member)]


def test_a_folder_is_listed_once_for_all_names_with_accents_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / normalize("NFD", "größe")
    folder.mkdir()
    names = [normalize("NFD", f"é{number}.md") for number in range(50)]
    for name in names:
        (folder / name).touch()
    listed, list_names = [], os.listdir

    def noted(place: str) -> list[str]:
        listed.append(place)
        return list_names(place)

    monkeypatch.setattr(os, "listdir", noted)
    typed = [normalize("NFC", str(folder / name)) for name in names]
    assert named_paths(typed) == [os.fsencode(folder / name) for name in names]
    assert listed == [str(tmp_path), str(folder)]
