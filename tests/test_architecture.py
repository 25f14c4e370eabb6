"""The house keeps its order: imports point one way, heavy libraries stay with their owners, one module reads the environment.

Every import counts, also those inside functions and under TYPE_CHECKING. A new module is given its room in LAYERS here.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "searchapp"

# A module imports only from lower layers, and from its own folder.
LAYERS = {
    "errors": 0,
    "types": 0,
    "disk": 1,
    "lastanswer": 1,
    "forecast": 1,
    "layers": 1,
    "layout": 1,
    "stopwatch": 1,
    "records": 1,
    "settings": 1,
    "tables": 1,
    "walk": 1,
    "graph": 2,
    "judgements": 3,
    "keywords": 2,
    "lock": 2,
    "modelfolder": 2,
    "plot": 2,
    "render": 2,
    "scoreboard": 2,
    "vectors": 2,
    "words": 2,
    "convert": 3,
    "explain": 3,
    "extract": 3,
    "rank": 3,
    "schema": 3,
    "snapshot": 3,
    "split": 3,
    "backup": 4,
    "check": 4,
    "confidence": 4,
    "encode": 4,
    "encodings": 4,
    "headstart": 5,
    "store": 5,
    "repair": 5,
    "doctor": 5,
    "transfer": 4,
    "local": 6,
    "testing": 5,
    "ingest": 6,
    "switch": 6,
    "intake": 5,
    "survey": 5,
    "examples": 5,
    "search": 7,
    "corpus": 8,
    "embedding": 6,
    "occurrences": 6,
    "pieces": 7,
    "senses": 2,
    "similarity": 2,
    "classify": 2,
    "classifierfile": 3,
    "labelfile": 2,
    "specimens": 8,
    "labelling": 9,
    "classifycard": 10,
    "scatter": 2,
    "groups": 2,
    "corpusmap": 7,
    "mapcard": 8,
    "mappage": 9,
    "vectorfile": 8,
    "embeddingcard": 9,
    "evaluate": 9,
    "models": 5,
    "modelcard": 6,
    "reencode": 9,
    "lessons": 4,
    "train": 5,
    "exam": 10,
    "tune": 11,
    "tunecard": 12,
    "pair": 7,
    "paircard": 8,
    "pairdrawing": 9,
    "page": 2,
    "pairpage": 10,
    "predict": 6,
    "predictcard": 7,
    "cli": 13,
    "__main__": 14,
    "__init__": 14,
}
PURE = {
    "errors",
    "types",
    "records",
    "keywords",
    "confidence",
    "explain",
    "forecast",
    "rank",
    "split",
    "words",
}  # all that the public fakes may rest on
OWNERS = {
    "torch": {"encode", "convert", "train"},
    "transformers": {"convert", "train"},
    "sentence_transformers": {"train"},
    "datasets": {"train"},
    "accelerate": {"train"},
    "openvino": {"graph", "convert"},
    "faiss": {"vectors"},
    "sqlalchemy": {"schema", "store", "repair", "switch"},
    "alembic": {"schema"},
    "docutils": {"extract"},
    "trafilatura": {"extract"},
    "pypdfium2": {"extract"},
    "pypdf": {"extract"},
    "olefile": {"extract"},
    "python_calamine": {"extract"},
    "yaml": {"extract"},
    "tree_sitter": {"extract"},
    "rapidocr": {"extract"},
    "PIL": {"extract"},
    "ir_measures": {"evaluate"},
    "sklearn": {"classify"},
    "threadpoolctl": {"classify"},
    "scipy": {"evaluate", "senses"},
    "matplotlib": {"plot"},
    "umap": {"scatter"},
    "psutil": {"disk"},
    "pyarrow": {"vectorfile"},
    "rich": {"cli"},
    "typer": {"cli"},
}
ENVIRONMENT_OWNERS = {"settings", "convert"}  # convert reads nothing: as a process of its own, it tells its libraries to stay offline
ENVIRONMENT = {"os.environ", "os.environb", "os.getenv", "os.getenvb", "os.putenv", "os.unsetenv"}

MODULES = [pytest.param(path, id=path.relative_to(PACKAGE).as_posix()) for path in sorted(PACKAGE.rglob("*.py"))]


def room_of(path: Path) -> str:
    """The module, or the folder of modules, that a file of the package belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(source: str) -> set[str]:
    """Every name that is imported anywhere in the source, in full: "os.environ" for `from os import environ`."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def rooms_imported(source: str) -> set[str]:
    """The rooms of the package that the source imports from."""
    return {name.split(".")[1] for name in imported(source) if name.startswith("searchapp.")} - {"__version__"}


def uses_of_the_environment(source: str) -> set[str]:
    """The names through which the source reads or changes the environment."""
    used = {ast.unparse(node) for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)}
    return (used | imported(source)) & ENVIRONMENT


@pytest.mark.parametrize("path", MODULES)
def test_imports_point_one_way(path: Path) -> None:
    room = room_of(path)
    assert room in LAYERS, f"{path.name} has no room yet: give {room!r} a layer in LAYERS"
    others = rooms_imported(path.read_text()) - {room}
    assert others <= LAYERS.keys(), f"{path.name} imports {others - LAYERS.keys()}, which have no layer in LAYERS"
    upward = {other for other in others if LAYERS[other] >= LAYERS[room]}
    assert not upward, f"{path.name} (layer {LAYERS[room]}) imports {upward}, which are not below it"


@pytest.mark.parametrize("path", MODULES)
def test_a_heavy_library_is_imported_by_its_owner_only(path: Path) -> None:
    libraries = {name.split(".")[0] for name in imported(path.read_text())}
    foreign = {library for library in libraries & OWNERS.keys() if room_of(path) not in OWNERS[library]}
    assert not foreign, f"{path.name} imports {foreign}; their owners are {[OWNERS[library] for library in foreign]}"


@pytest.mark.parametrize("path", MODULES)
def test_only_its_owners_know_the_environment(path: Path) -> None:
    assert room_of(path) in ENVIRONMENT_OWNERS or not uses_of_the_environment(path.read_text())


@pytest.mark.parametrize("path", MODULES)
def test_nothing_rests_on_the_fakes_and_they_rest_on_what_is_pure(path: Path) -> None:
    others = rooms_imported(path.read_text()) - {room_of(path)}
    assert "testing" not in others
    assert room_of(path) != "testing" or others <= PURE


def test_an_import_inside_a_function_or_for_types_only_counts() -> None:
    source = "def f():\n    import searchapp.cli, faiss.contrib\nif TYPE_CHECKING:\n    from searchapp import walk, __version__\n"
    assert rooms_imported(source) == {"cli", "walk"}
    assert "faiss.contrib" in imported(source)


def test_every_way_to_the_environment_counts() -> None:
    assert uses_of_the_environment("import os\ndef f(): return os.environ.get('HOME')") == {"os.environ"}
    assert uses_of_the_environment("from os import getenv") == {"os.getenv"}
    assert uses_of_the_environment("import os\nos.fsdecode(b'os.environ')") == set()
