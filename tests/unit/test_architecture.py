"""The house keeps its order: imports point one way, heavy libraries stay with their owners, one
module reads the environment.

Every import counts, also those inside functions and under TYPE_CHECKING. The order of the rooms is
in pyproject.toml, for import-linter.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import PACKAGE

# Who may import a heavy library: a room, or one module of it.
OWNERS = {
    "torch": {"encoders.text_encoder", "encoders.torch_engine", "finetuning.trainer"},
    "transformers": {"encoders.torch_engine", "finetuning.trainer"},
    "sentence_transformers": {"finetuning.trainer"},
    "datasets": {"finetuning.trainer"},
    "accelerate": {"finetuning.trainer"},
    "openvino": {"encoders.openvino_engine", "encoders.torch_engine"},
    "faiss": {"backends.sqlite"},
    "sqlite3": {"backends.sqlite", "maintenance.doctor", "testing"},
    "sqlalchemy": {"backends.sqlite"},
    "alembic": {"backends.sqlite"},
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
    "ir_measures": {"evaluation"},
    "sklearn": {"classification.classifier"},
    "threadpoolctl": {"classification.classifier"},
    "scipy": {"evaluation.evaluator", "analysis.word_senses"},
    "matplotlib": {"evaluation.plot"},
    "umap": {"analysis.projection"},
    "psutil": {"filesystem"},
    "pyarrow": {"analysis.vector_export"},
    "rich": {"cli"},
    "typer": {"cli"},
}
ENVIRONMENT_OWNERS = {
    "config",
    "encoders.torch_engine",
}  # torch_engine reads nothing: as a process of its own, it tells its libraries to stay offline
ENVIRONMENT = {"os.environ", "os.environb", "os.getenv", "os.getenvb", "os.putenv", "os.unsetenv"}

MODULES = [
    pytest.param(path, id=path.relative_to(PACKAGE).as_posix())
    for path in sorted(PACKAGE.rglob("*.py"))
]


def name_of(path: Path) -> str:
    """The name of a module below the package: "search.ranking"."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


def is_of(path: Path, rooms: set[str]) -> bool:
    """Whether a module is one of these, or in one of them."""
    return any(f"{name_of(path)}.".startswith(f"{room}.") for room in rooms)


def imported(source: str) -> set[str]:
    """Every name that is imported anywhere in the source, in full: "os.environ" for `from os import
    environ`.
    """
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def rooms_imported(source: str) -> set[str]:
    """The rooms of the package that the source imports from."""
    return {name.split(".")[1] for name in imported(source) if name.startswith("searchapp.")} - {
        "__version__"
    }


def uses_of_the_environment(source: str) -> set[str]:
    """The names through which the source reads or changes the environment."""
    used = {
        ast.unparse(node) for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)
    }
    return (used | imported(source)) & ENVIRONMENT


def test_imports_point_one_way() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=PACKAGE.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", MODULES)
def test_a_heavy_library_is_imported_by_its_owner_only(path: Path) -> None:
    libraries = {name.split(".")[0] for name in imported(path.read_text())}
    foreign = {library for library in libraries & OWNERS.keys() if not is_of(path, OWNERS[library])}
    assert not foreign, (
        f"{path.name} imports {foreign}; their owners are "
        f"{[OWNERS[library] for library in foreign]}"
    )


@pytest.mark.parametrize("path", MODULES)
def test_only_its_owners_know_the_environment(path: Path) -> None:
    assert is_of(path, ENVIRONMENT_OWNERS) or not uses_of_the_environment(path.read_text())


def test_an_import_inside_a_function_or_for_types_only_counts() -> None:
    source = (
        "def f():\n    import searchapp.cli, faiss.contrib\nif TYPE_CHECKING:\n    from "
        "searchapp import walk, __version__\n"
    )
    assert rooms_imported(source) == {"cli", "walk"}
    assert "faiss.contrib" in imported(source)


def test_every_way_to_the_environment_counts() -> None:
    assert uses_of_the_environment("import os\ndef f(): return os.environ.get('HOME')") == {
        "os.environ"
    }
    assert uses_of_the_environment("from os import getenv") == {"os.getenv"}
    assert uses_of_the_environment("import os\nos.fsdecode(b'os.environ')") == set()
