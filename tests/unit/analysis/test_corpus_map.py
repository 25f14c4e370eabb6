"""Where the passages of a corpus stand on a map, what is nearest to each in truth, and how they are
grouped.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import pytest

from searchapp.analysis import map_groups, projection
from searchapp.analysis.corpus_map import map_corpus
from searchapp.errors import UsageError
from searchapp.output.corpus_map import map_json, map_notes, map_text, method_notes
from searchapp.types.documents import Label
from searchapp.types.filters import Filters
from tests.builders.map import Atlas, atlas_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from searchapp.types.vectors import Vectors

EAST, NORTH, WEST = (1.0, 0.0), (0.0, 1.0), (-1.0, 0.0)


def unit(rows: ArrayLike) -> Vectors:
    made = np.array(rows, np.float32)
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    return made


# ---- places --------------------------------------------------------------------------------------


def test_two_points_stand_on_one_axis_that_shows_all() -> None:
    projected = projection.pca(unit([[1, 0, 0], [0, 1, 0]]))
    half = np.sqrt(0.5)
    assert np.abs(projected.places) == pytest.approx(np.array([[half, 0], [half, 0]]))
    assert projected.places[0, 0] == -projected.places[1, 0]
    assert projected.shares == pytest.approx((1, 0))


def test_places_and_shares_are_those_of_a_singular_value_decomposition() -> None:
    random = np.random.default_rng(3)
    rows = unit(random.normal(size=(1300, 20)) * np.linspace(3, 1, 20) + 0.5)
    centred = rows.astype(np.float64) - rows.astype(np.float64).mean(axis=0)
    _, values, directions = np.linalg.svd(centred, full_matrices=False)
    for axis in range(2):
        if directions[axis, np.abs(directions[axis]).argmax()] < 0:
            directions[axis] *= -1
    projected = projection.pca(rows)
    assert projected.places.dtype == np.float64
    assert np.abs(projected.places - centred @ directions[:2].T).max() < 1e-9
    assert projected.shares == pytest.approx(tuple(values[:2] ** 2 / np.sum(values**2)), abs=1e-12)


@pytest.mark.parametrize(
    "rows",
    [[[1, 0, 0]] * 5, [[0, 1, 0]], np.zeros((0, 3)), [[1], [1]]],
    ids=["equal", "one", "none", "one number"],
)
def test_what_does_not_differ_stands_in_the_middle(rows: ArrayLike) -> None:
    projected = projection.pca(np.asarray(rows, np.float32))
    assert np.array_equal(projected.places, np.zeros((len(projected.places), 2)))
    assert projected.shares == (0, 0)


@pytest.mark.slow
def test_umap_keeps_apart_what_is_apart_and_gives_the_same_each_time() -> None:
    pytest.importorskip(
        "umap", reason="umap-learn, an extra, is not installed", exc_type=ImportError
    )
    random = np.random.default_rng(1)
    rows = unit(np.repeat(np.eye(2, 16), 40, axis=0) + random.normal(size=(80, 16)) * 0.1)
    projected = projection.project(rows, "umap")
    assert projected.shares is None
    assert np.array_equal(projected.places, projection.project(rows, "umap").places)
    first, second = projected.places[:40], projected.places[40:]
    between = np.linalg.norm(first.mean(axis=0) - second.mean(axis=0))
    assert between > 2 * max(
        np.linalg.norm(each - each.mean(axis=0), axis=1).max() for each in (first, second)
    )
    assert np.array_equal(
        projection.project(rows[:1].repeat(5, axis=0), "umap").places, np.zeros((5, 2))
    )
    with pytest.raises(UsageError, match="3 points at least"):
        projection.project(rows[:2], "umap")


@pytest.mark.slow
def test_a_map_without_a_method_is_umap_keeps_more_neighbors_than_pca_and_says_what_it_does() -> (
    None
):
    pytest.importorskip(
        "umap", reason="umap-learn, an extra, is not installed", exc_type=ImportError
    )
    random = np.random.default_rng(2)
    centres = random.normal(size=(8, 16))
    atlas = Atlas(16)
    for number in range(120):
        atlas.put(f"/d/{number}.md", [("x", (centres[number % 8] + random.normal(size=16)))])
    stages: list[str] = []
    found = atlas.map(method=None, on_stage=stages.append)
    assert (found.projection.method, found.no_umap, method_notes(found)) == ("umap", "", [])
    assert (
        stages[0]
        == "laying out 120 passages by UMAP, which takes half a minute, and longer for many"
    )
    assert found.neighbors_kept > 1.4 * atlas.map().neighbors_kept
    again = atlas.map(method=None)
    assert np.array_equal(found.projection.places, again.projection.places)


def test_umap_is_taken_where_it_is_installed_and_there_are_points_enough(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    choice = projection.MethodChoice
    monkeypatch.setattr(projection, "_is_installed", lambda: True)
    assert projection.choose_method(None, 15) == choice("umap")
    assert projection.choose_method(None, 14) == choice("pca", "few")
    assert projection.choose_method("pca", 15) == choice("pca")
    assert projection.choose_method("umap", 14) == choice("umap")
    monkeypatch.setattr(projection, "_is_installed", lambda: False)
    assert projection.choose_method(None, 15) == choice("pca", "missing")
    assert projection.choose_method(None, 14) == choice("pca", "few")


@pytest.mark.parametrize(
    ("module", "lacks"), [(None, "is not installed"), (ModuleType("umap"), "does not load")]
)
def test_a_map_without_umap_is_drawn_by_pca_and_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, module: ModuleType | None, lacks: str
) -> None:
    if module is not None:
        module.__spec__ = ModuleSpec("umap", None)
    monkeypatch.setitem(sys.modules, "umap", module)
    atlas = Atlas(2)
    for number in range(15):
        atlas.put(f"/d/{number}.md", [("x", (1.0, number))])
    found = atlas.map(method=None)
    assert found.projection.method == "pca"
    assert method_notes(found) == [
        (
            f"drawn by PCA, as UMAP {lacks}, which keeps more neighbours together; run: "
            "pip install --upgrade 'searchapp[map]'"
        )
    ]
    assert method_notes(atlas.map(method="pca")) == []
    few = atlas.map(Filters(within=("/d/1.md", "/d/2.md")), method=None)
    assert method_notes(few) == ["drawn by PCA, as 2 points are too few for UMAP, which takes 15"]
    assert method_notes(atlas.map(Filters(types=("pdf",)), method=None)) == []


def test_progress_is_read_from_the_bar_of_umap() -> None:
    shares: list[float] = []
    reader = projection._PercentReader(shares.append)
    for text in ("\r12.500000", "\r", "\r100.000000", "\n"):
        reader.write(text)
    assert shares == [0.125, 1]


def test_far_islands_are_drawn_closer_and_everything_stays_in_order() -> None:
    along = np.array([*range(100), 1000.0])  # the middle 80 % of it is 80 wide
    drawn = projection._closer(np.stack([along, -along], axis=1))
    assert drawn[:, 0] == pytest.approx([*range(100), 107])
    assert drawn[::-1, 1] == pytest.approx([0, *range(8, 108)])
    assert np.array_equal(projection._closer(np.zeros((4, 2))), np.zeros((4, 2)))


def test_a_method_that_is_not_known_or_not_installed_is_refused_with_the_cure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(UsageError, match="no method 'tsne'") as unknown:
        projection.require_method("tsne")
    assert unknown.value.hint == "methods: pca, umap"
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(UsageError, match="umap-learn, which is not installed") as missing:
        projection.require_method("umap")
    assert "pip install 'searchapp[map]'" in missing.value.hint


# ---- nearest -------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [3, 40, 1700])
def test_the_nearest_are_those_of_all_cosines_in_float64(count: int) -> None:
    rows = unit(np.random.default_rng(count).normal(size=(count, 12)))
    cosines = rows.astype(np.float64) @ rows.astype(np.float64).T
    np.fill_diagonal(cosines, -np.inf)
    expected = np.argsort(-cosines, axis=1, kind="stable")[:, : min(5, count - 1)]
    found = projection.nearest_neighbors(rows, 5)
    assert np.array_equal(found.rows, expected)
    assert np.abs(found.cosines - np.take_along_axis(cosines, expected, 1)).max() < 1e-12


def test_equal_rows_are_nearest_in_their_order_and_one_row_has_none() -> None:
    assert projection.nearest_neighbors(unit([EAST, NORTH, EAST, EAST]), 2).rows.tolist() == [
        [2, 3],
        [0, 2],
        [0, 3],
        [0, 2],
    ]
    assert projection.nearest_neighbors(unit([EAST]), 5).rows.shape == (1, 0)


def test_a_map_of_two_numbers_keeps_all_that_is_near_and_a_shuffled_one_does_not() -> None:
    angles = np.cumsum(np.random.default_rng(2).uniform(0.01, 0.05, size=100))
    rows = unit(np.stack([np.cos(angles), np.sin(angles)], axis=1))
    true = projection.nearest_neighbors(rows, 5)
    places = projection.pca(rows).places
    assert projection.neighbors_kept(places, true) == 1
    assert projection.neighbors_kept(np.random.default_rng(5).permutation(places), true) < 0.2
    line = np.array([[0.0, 0], [1, 0], [10, 0], [12, 0]])
    wrong = projection.Neighbors(
        np.array([[1], [0], [3], [0]]), np.ones((4, 1))
    )  # the last one's nearest on the line is the third
    assert projection.neighbors_kept(line, wrong) == 0.75


def test_a_sample_is_all_or_the_same_ones_each_time() -> None:
    assert projection.sample(4, 4).tolist() == [0, 1, 2, 3]
    found = projection.sample(1000, 50)
    assert len(set(found.tolist())) == 50
    assert found.tolist() == sorted(found.tolist()) == projection.sample(1000, 50).tolist()
    assert 0 <= found[0] <= found[-1] < 1000


# ---- groups --------------------------------------------------------------------------------------


def test_documents_are_grouped_by_the_folders_right_below_the_one_that_all_are_in() -> None:
    paths = [
        b"/docs/a/1.md",
        b"/docs/a/deep/2.md",
        b"/docs/b/3.md",
        b"/docs/4.md",
        b"/docs/b/mail.eml!/5.pdf",
    ]
    assert map_groups.base_of(paths) == b"/docs"
    assert map_groups.folders(paths) == [b"/docs/a", b"/docs/a", b"/docs/b", b"/docs", b"/docs/b"]
    assert map_groups.folders([b"/a.md", b"/x/b.md"]) == [b"/", b"/x"]
    assert map_groups.folders([]) == []


def test_a_folder_that_has_most_documents_is_opened_as_long_as_there_is_room() -> None:
    paths = [b"/d/big/x/1", b"/d/big/x/2", b"/d/big/y/3", b"/d/big/4", b"/d/small/5"]
    assert map_groups.folders(paths) == [
        b"/d/big/x",
        b"/d/big/x",
        b"/d/big/y",
        b"/d/big",
        b"/d/small",
    ]
    half = [b"/d/a/x/1", b"/d/a/y/2", b"/d/b/3", b"/d/c/4"]
    assert map_groups.folders(half) == [b"/d/a", b"/d/a", b"/d/b", b"/d/c"]
    many = [b"/d/big/%d/f" % number for number in range(map_groups.MOST)] + [b"/d/small/f"]
    assert set(map_groups.folders(many)) == {b"/d/big", b"/d/small"}
    first = [b"/d/%d/f" % number for number in range(30)]
    assert len(set(map_groups.folders(first))) == 30


def test_groups_are_numbered_by_size_and_what_is_too_much_or_nameless_is_left_over() -> None:
    found = map_groups.grouped(["b", "a", "", "a", "c", "b", "b"])
    assert found.names == ("b", "a", "c")
    assert found.of.tolist() == [0, 1, map_groups.REST, 1, 2, 0, 0]
    many = map_groups.grouped([f"{number:02}" for number in range(26)])
    assert many.names == tuple(f"{number:02}" for number in range(24))
    assert many.of.tolist()[-3:] == [23, map_groups.REST, map_groups.REST]
    assert map_groups.grouped([]).names == ()


# ---- a corpus ------------------------------------------------------------------------------------


def test_a_map_has_the_passages_by_path_and_place_with_their_groups() -> None:
    found = atlas_of(
        {"/d/y/b.md": [("north", NORTH), ("west", WEST)], "/d/x/a.md": [("east", EAST)]}
    ).map()
    assert [(hit.path, hit.text) for hit in found.hits] == [
        (b"/d/x/a.md", "east"),
        (b"/d/y/b.md", "north"),
        (b"/d/y/b.md", "west"),
    ]
    assert (found.groups.names, found.groups.of.tolist()) == (("y", "x"), [1, 0, 0])
    assert (found.documents, found.total, found.pending, found.base) == (2, 3, 0, b"/d")
    assert found.nearest.rows[:, 0].tolist() == [1, 0, 1]
    assert found.nearest.cosines.tolist() == [[0, -1], [0, 0], [0, -1]]
    # their mean is (0, 1/3); along x they differ by 1, 0, -1, which is three quarters of all: 2 /
    # (2 + 6/9)
    assert found.projection.places == pytest.approx(
        np.array([[1, -1 / 3], [0, 2 / 3], [-1, -1 / 3]]), abs=1e-3
    )
    assert found.projection.shares == pytest.approx((0.75, 0.25), abs=1e-3)


def test_a_document_is_the_direction_of_its_passages_mean_and_begins_where_it_does() -> None:
    found = atlas_of(
        {"/d/a.md": [("east", EAST), ("north", NORTH)], "/d/b.md": [("word " * 600, EAST)]}
    ).map(granularity="document")
    assert [hit.text[:11] for hit in found.hits] == ["east\n\nnorth", "word word w"]
    assert found.hits[1].text.endswith("word …")
    assert len(found.hits[1].text) <= 2002
    assert found.nearest.cosines.tolist() == pytest.approx(np.array([[np.sqrt(0.5)]] * 2), abs=1e-3)
    assert (found.hits[0].passage.start, found.hits[0].passage.end, found.total) == (0, 11, 2)


def test_what_is_pending_or_filtered_out_is_not_on_the_map() -> None:
    atlas = atlas_of({"/d/a.md": [("east", EAST)], "/d/b.md": [("north", NORTH)]})
    atlas.put("/d/late.md", [("late", WEST)], is_pending=True)
    assert [hit.text for hit in atlas.map().hits] == ["east", "north"]
    assert map_notes(atlas.map()) == [
        "1 document without vectors yet, not on the map; run: searchapp ingest"
    ]
    assert [hit.text for hit in atlas.map(Filters(within=("/d/b.md",))).hits] == ["north"]
    nothing = atlas.map(Filters(types=("pdf",)))
    assert (nothing.hits, nothing.neighbors_kept, map_notes(nothing)) == ((), 1, [])


def test_of_too_many_points_a_sample_stands_for_all_and_is_told() -> None:
    atlas = atlas_of(
        {
            f"/d/{name}.md": [(f"{name}{at}", (name == "a", at + 1)) for at in range(40)]
            for name in "ab"
        }
    )
    found = atlas.map(most=10)
    order = [f"{name}{at}" for name in "ab" for at in range(40)]
    assert [hit.text for hit in found.hits] == [
        order[at] for at in projection.sample(80, 10).tolist()
    ]
    assert (found.total, found.nearest.rows.max() < 10) == (80, True)
    assert map_notes(found) == [
        "a sample of 10 of 80 passages, drawn with a fixed seed; --limit takes more"
    ]
    assert len(atlas.map(granularity="document", most=1).hits) == 1


def test_documents_are_grouped_by_type_or_by_the_label_that_is_least_in_doubt() -> None:
    atlas = Atlas(2)
    sure, unsure, said = (
        Label("letter", "classifier", 0.9),
        Label("invoice", "classifier", 0.6),
        Label("zoo", "hand"),
    )
    atlas.put("/d/a.md", [("a", EAST)], labels=[sure, unsure])
    atlas.put("/d/b.pdf", [("b", NORTH)], kind="pdf", labels=[sure, said])
    atlas.put("/d/c.md", [("c", WEST)])
    assert atlas.map(by="type").groups.names == ("md", "pdf")
    found = atlas.map(by="label")
    assert (found.groups.names, found.groups.of.tolist()) == (
        ("letter", "zoo"),
        [0, 1, map_groups.REST],
    )
    assert map_json(found)["groups"] == [
        {"name": name, "points": 1} for name in ("letter", "zoo", "no label")
    ]
    bare = atlas_of({"/d/a.md": [("a", EAST)]}).map(by="label")
    assert map_notes(bare) == ["no document of these has a label; searchapp classify gives them"]


def test_levels_and_groupings_that_are_not_known_are_refused() -> None:
    reader = atlas_of({"/d/a.md": [("a", EAST)]}).backend.reader()
    for options, told in (
        ({"granularity": "word"}, "no level 'word'"),
        ({"by": "size"}, "no grouping 'size'"),
        ({"method": "x"}, "no method 'x'"),
    ):
        with pytest.raises(UsageError, match=told):
            map_corpus(reader, Filters(), **options)  # type: ignore[arg-type]


# ---- told ----------------------------------------------------------------------------------------


def test_a_map_is_told_with_its_size_its_groups_and_how_far_it_is_to_be_trusted() -> None:
    found = atlas_of(
        {"/d/y/b.md": [("north", NORTH), ("west", WEST)], "/d/x/a.md": [("east", EAST)]}
    ).map()
    *facts, told = map_text(found, "m.html", 12_345).splitlines()
    assert facts == [
        "map     m.html (12.3 kB)",
        "points  3 passages of 2 documents",
        "folder  y 2, x 1",
    ]
    assert told == (
        "PCA: the axes show 75.0 % and 25.0 % of the variance of the 2 numbers of a vector. "
        "Nearness is only a hint: of the 2 nearest by cosine, 100 % are among the 2 nearest here."
    )
    as_json = map_json(found)
    points = as_json.pop("points")
    assert as_json == {
        "level": "passage",
        "by": "folder",
        "method": "pca",
        "variance": pytest.approx([0.75, 0.25], abs=1e-3),
        "nearest_kept": 1,
        "generation": 3,
        "documents": 2,
        "total": 3,
        "pending": 0,
        "groups": [{"name": "y", "points": 2}, {"name": "x", "points": 1}],
    }
    assert isinstance(points, list)
    assert points[1] == {
        "path": "/d/y/b.md",
        "title": "",
        "type": "md",
        "place": {},
        "start": 0,
        "end": 5,
        "group": "y",
        "x": pytest.approx(0, abs=1e-3),
        "y": pytest.approx(2 / 3, abs=1e-3),
        "nearest": [{"point": 0, "cosine": 0}, {"point": 2, "cosine": 0}],
    }


def test_names_that_are_no_text_stay_what_they_are() -> None:
    atlas = Atlas(2)
    atlas.put(b"/d/\xff\x1b/a.md", [("a", EAST)])
    atlas.put("/d/b/b.md", [("b", NORTH)])
    found = atlas.map()
    assert [os.fsencode(name) for name in found.groups.names] == [b"b", b"\xff\x1b"]
    assert "\x1b" not in map_text(found, "m.html", 1)
