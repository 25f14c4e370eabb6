"""`map`, as a user runs it, with the installed model."""

from __future__ import annotations

import json
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.builders.program import Program, error_of

pytestmark = pytest.mark.model

TEXTS = {
    "garden/plums.md": "# Plums\n\nThe plum tree bears in August.\n",
    "garden/roses.md": "# Roses\n\nPrune the roses in March.\n",
    "home/boiler.txt": "The boiler makes hot water.\n",
}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Program:
    """Three documents, ingested; no test changes them."""
    program = Program(tmp_path_factory.mktemp("library"), model_cache)
    for name, text in TEXTS.items():
        path = program.folder / "docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert program.run("ingest", "docs", "--corpus", "c").returncode == 0
    return program


class Mapper:
    """`searchapp map` of the library, run in a folder of its own."""

    def __init__(self, library: Program, folder: Path) -> None:
        self.corpus = library.folder / "c"
        self.folder = folder
        self._program = library

    def run(self, *words: str, corpus: str = "") -> subprocess.CompletedProcess[str]:
        return self._program.run(
            "map", "--corpus", corpus or str(self.corpus), *words, cwd=self.folder
        )

    def json(self, *words: str) -> Any:
        done = self.run("--json", "--method", "pca", *words)
        assert (done.returncode, done.stderr) == (0, "")
        return json.loads(done.stdout)


@pytest.fixture
def mapper(library: Program, tmp_path: Path) -> Mapper:
    return Mapper(library, tmp_path)


def test_a_map_is_one_file_that_its_owner_alone_may_read(mapper: Mapper) -> None:
    done = mapper.run()
    few = "drawn by PCA, as 3 points are too few for UMAP, which takes 15\n"
    assert (done.returncode, done.stderr) == (0, few)
    path = mapper.folder / "map.html"
    lines = done.stdout.splitlines()
    assert lines[0] == f"map     map.html ({path.stat().st_size / 1000:.1f} kB)"
    assert lines[1:3] == ["points  3 passages of 3 documents", "folder  garden 2, home 1"]
    assert lines[3].startswith("PCA: the axes show ")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    page = path.read_text()
    assert "The boiler makes hot water." in page
    assert f"--corpus {mapper.corpus} -- " in page
    assert mapper.run().stdout == done.stdout  # an older map makes room
    assert path.read_text() == page
    assert [each.name for each in mapper.folder.iterdir()] == ["map.html"]


def test_json_has_the_points_and_writes_a_page_only_where_one_is_named(mapper: Mapper) -> None:
    told = mapper.json("--by", "type")
    assert list(mapper.folder.iterdir()) == []
    assert (told["page"], told["bytes"], told["documents"]) == (None, 0, 3)
    found = [(Path(each["path"]).name, each["group"]) for each in told["points"]]
    assert found == [("plums.md", "md"), ("roses.md", "md"), ("boiler.txt", "txt")]
    assert sum(told["variance"]) == pytest.approx(1, abs=1e-6)  # three points are in one plane
    assert {each["point"] for each in told["points"][0]["nearest"]} == {1, 2}
    told = mapper.json("--out", "m.html", "--in", "*/garden/*", "--level", "document")
    assert (told["page"], len(told["points"])) == ("m.html", 2)
    assert told["bytes"] == (mapper.folder / "m.html").stat().st_size


def test_a_file_that_is_no_map_is_written_over_only_where_it_is_named(mapper: Mapper) -> None:
    path = mapper.folder / "map.html"
    path.write_text("<p>mine</p>")
    done = mapper.run()
    assert (done.returncode, done.stdout, path.read_text()) == (2, "", "<p>mine</p>")
    assert "map.html here that is no map" in done.stderr
    assert mapper.run("--out", "map.html").returncode == 0
    assert path.read_text().startswith("<!doctype html>")


def test_what_makes_no_sense_is_refused_and_nothing_to_draw_is_told(mapper: Mapper) -> None:
    error = error_of(mapper.run("--json", "--method", "tsne"))
    assert (error["code"], error["hint"]) == ("usage", "methods: pca, umap")
    assert mapper.run("--out", "nowhere/m.html").returncode == 4
    assert mapper.run(corpus="none").returncode == 4
    done = mapper.run("--type", "pdf")
    assert (done.returncode, done.stdout) == (1, "")
    assert "nothing to draw" in done.stderr
    assert list(mapper.folder.iterdir()) == []


def test_a_map_of_too_many_points_says_so_in_its_output_and_in_itself(mapper: Mapper) -> None:
    done = mapper.run("--limit", "2", "--method", "pca")
    assert (
        done.stderr == "a sample of 2 of 3 passages, drawn with a fixed seed; --limit takes more\n"
    )
    assert "A sample of 2 of 3 passages" in (mapper.folder / "map.html").read_text()
