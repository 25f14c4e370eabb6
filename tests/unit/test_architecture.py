"""The house keeps its order: imports point one way, libraries, SQL and file names stay in their
rooms, and nothing grows longer than a reader takes in.

All of it is read from the syntax trees, so an import inside a function or under TYPE_CHECKING
counts too; the order of the rooms is in pyproject.toml, for import-linter. Where the code does not
hold a rule yet, there is a list of exceptions. It may only shrink: an exception that is no longer
needed fails too.
"""

from __future__ import annotations

import ast
import gc
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.paths import PACKAGE, ROOT

# Who may import a library: a room, or one module of it.
OWNERS = {
    "torch": {"encoders.torch_engine", "finetuning.trainer"},
    "transformers": {"encoders.torch_engine", "finetuning.trainer"},
    "sentence_transformers": {"finetuning.trainer"},
    "datasets": {"finetuning.trainer"},
    "accelerate": {"finetuning.trainer"},
    "openvino": {"encoders.openvino_engine", "encoders.torch_engine"},
    "faiss": {"backends.sqlite"},
    "sqlite3": {"backends.sqlite", "extract.databases.sqlite"},
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
    "asn1crypto": {"extract"},
    "bibtexparser": {"extract"},
    "PIL": {"extract"},
    "cramjam": {"extract"},
    "libarchive": {"extract"},
    "pi_heif": {"extract"},
    "djvu_rs": {"extract.ebooks.djvu"},
    "pycld2": {"extract.language"},
    "Stemmer": {"search.stemming"},
    "ir_measures": {"evaluation"},
    "sklearn": {"classification.training"},
    "threadpoolctl": {"classification.training"},
    "scipy": {"evaluation.evaluator", "analysis.word_senses"},
    "matplotlib": {"evaluation.plot"},
    "umap": {"analysis.projection"},
    "psutil": {"filesystem", "extract.sandbox.worker_process"},
    "pyarrow": {"analysis.vector_export", "extract.databases.parquet"},
    "jinja2": {"output.html"},
    "markupsafe": {"output.html"},
    "rich": {"cli"},
    "starlette": {"web"},
    "uvicorn": {"web"},
    "h11": {"web.connections"},
    "typer": {"cli"},
}
# torch_engine reads nothing: as a process of its own, it tells its libraries to stay offline;
# archives.packed tells a library where another one is; confinement asks where libraries are
ENVIRONMENT_OWNERS = {
    "config",
    "encoders.torch_engine",
    "extract.archives.packed",
    "extract.sandbox.confinement",
    "extract.sandbox.worker_process",
}
ENVIRONMENT = {"os.environ", "os.environb", "os.getenv", "os.getenvb", "os.putenv", "os.unsetenv"}

MOST_LINES = 450  # of a file
MOST_FUNCTION_LINES = 60
MOST_PARAMETERS = 8
MOST_ENTRIES = 28  # of searchapp/
SQL = re.compile(
    r"\s*(SELECT|INSERT|UPDATE|DELETE|CREATE|DROP|ALTER|PRAGMA|ATTACH|SAVEPOINT|VACUUM)\b[ (]"
)
CORPUS_FILE = re.compile(r"\W?(corpus\.db(-\w+)?|vectors-.*|lock|reserve|before-repair-.*)")

# ---- exceptions: one that is none any more fails ---------------------------------------------------

IMPORTED_ELSEWHERE: set[str] = set()
LONG_FILES: set[str] = set()
LONG_FUNCTIONS: set[str] = set()
MANY_PARAMETERS: set[str] = set()
SQL_ELSEWHERE: set[str] = {
    "extract.databases.sqlite",  # of documents, not of a corpus
}
CORPUS_FILES_ELSEWHERE: set[str] = set()
DOUBLE_CLASSES: set[str] = {
    "Encoder",  # the seam, and what programs import from the root
}
CODE_IN_INIT: set[str] = {
    "testing.__init__",  # public: it names the stand-ins
}

# ---- what stands in the sources ------------------------------------------------------------------

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def trees() -> dict[str, ast.Module]:
    """The tree of each module, by its name below the package: "search.ranking"."""
    gc.disable()  # trees have no cycles, and looking for some takes longer than to parse
    try:
        return {
            ".".join(path.relative_to(PACKAGE).with_suffix("").parts): ast.parse(path.read_bytes())
            for path in sorted(PACKAGE.rglob("*.py"))
        }
    finally:
        gc.enable()


@cache
def nodes(tree: ast.AST) -> list[ast.AST]:
    """All nodes of a tree."""
    return list(ast.walk(tree))


def is_of(module: str, rooms: set[str]) -> bool:
    """Whether a module is one of these, or in one of them."""
    return any(f"{module}.".startswith(f"{room}.") for room in rooms)


def imported(tree: ast.AST) -> set[str]:
    """Every name that is imported anywhere in the tree, in full: "os.environ" for `from os import
    environ`.
    """
    names = set()
    for node in nodes(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def uses_of_the_environment(tree: ast.AST) -> set[str]:
    """The names through which the tree reads or changes the environment."""
    used = {ast.unparse(node) for node in nodes(tree) if isinstance(node, ast.Attribute)}
    return (used | imported(tree)) & ENVIRONMENT


def functions() -> Iterator[tuple[str, Function]]:
    """Each function, as "module:name"."""
    for module, tree in trees().items():
        for node in nodes(tree):
            if isinstance(node, Function):
                yield f"{module}:{node.name}", node


@cache
def strings() -> list[tuple[str, str]]:
    """The module and the value of each string that is no docstring; of an f-string, each piece."""
    found = []
    for module, tree in trees().items():
        docs = {id(node.value) for node in nodes(tree) if isinstance(node, ast.Expr)}
        for node in nodes(tree):
            value = node.value if isinstance(node, ast.Constant) else None
            if isinstance(value, str) and id(node) not in docs:
                found.append((module, value))
    return found


def parameters_of(function: Function) -> int:
    """How many parameters a caller can give, `self` and `cls` aside."""
    given = function.args
    named = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    is_bound = bool(named) and named[0].arg in ("self", "cls")
    return len(named) - is_bound + (given.vararg is not None) + (given.kwarg is not None)


def only(broken: set[str], exceptions: set[str]) -> None:
    """Fails where others than the exceptions break a rule, and where an exception does not."""
    assert not broken - exceptions, f"breaks the rule: {sorted(broken - exceptions)}"
    assert not exceptions - broken, f"no exception any more: {sorted(exceptions - broken)}"


# ---- imports -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_imports_point_one_way_and_faces_know_no_backend() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_a_library_is_imported_by_its_owners_only() -> None:
    uses = {
        (module, name.partition(".")[0])
        for module, tree in trees().items()
        for name in imported(tree)
    }
    only(
        {
            f"{module}: {library}"
            for module, library in uses
            if library in OWNERS and not is_of(module, OWNERS[library])
        },
        IMPORTED_ELSEWHERE,
    )


def test_only_its_owners_know_the_environment() -> None:
    users = {module for module, tree in trees().items() if uses_of_the_environment(tree)}
    assert {module for module in users if not is_of(module, ENVIRONMENT_OWNERS)} == set()


def test_only_backends_speak_sql() -> None:
    spoken = {module for module, value in strings() if SQL.match(value)}
    only({module for module in spoken if not is_of(module, {"backends"})}, SQL_ELSEWHERE)


def test_only_the_layout_names_the_files_of_a_corpus() -> None:
    naming = {module for module, value in strings() if CORPUS_FILE.fullmatch(value)}
    only(naming - {"backends.sqlite.layout"}, CORPUS_FILES_ELSEWHERE)


# ---- sizes and names -----------------------------------------------------------------------------


def test_no_file_is_longer_than_a_reader_takes_in() -> None:
    long = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if path.read_bytes().count(b"\n") > MOST_LINES
    }
    only(long, LONG_FILES)


def test_no_function_is_longer_than_a_screen() -> None:
    lengths = {name: (node.end_lineno or 0) - node.lineno + 1 for name, node in functions()}
    only({name for name, count in lengths.items() if count > MOST_FUNCTION_LINES}, LONG_FUNCTIONS)


def test_only_commands_have_many_parameters() -> None:
    many = {name for name, node in functions() if parameters_of(node) > MOST_PARAMETERS}
    only({name for name in many if not name.startswith("cli.")}, MANY_PARAMETERS)


def test_no_two_classes_have_the_same_name() -> None:
    homes = defaultdict(list)
    for module, tree in trees().items():
        for node in nodes(tree):
            if isinstance(node, ast.ClassDef):
                homes[node.name].append(module)
    only({name for name, modules in homes.items() if len(modules) > 1}, DOUBLE_CLASSES)


def test_a_room_opens_with_a_docstring_and_nothing_else() -> None:
    """A cold query pays for what an `__init__` imports. The package's own is its public face."""
    told = {
        module
        for module, tree in trees().items()
        if module.endswith(".__init__") and (len(tree.body) != 1 or not ast.get_docstring(tree))
    }
    only(told, CODE_IN_INIT)


def test_every_module_says_why_it_exists() -> None:
    assert {module for module, tree in trees().items() if not ast.get_docstring(tree)} == set()


def test_the_package_has_few_entries() -> None:
    entries = [path for path in PACKAGE.iterdir() if path.name != "__pycache__"]
    assert len(entries) <= MOST_ENTRIES


def test_the_package_is_typed() -> None:
    """The marker of PEP 561 is in the package, all of which goes into the wheel."""
    assert (PACKAGE / "py.typed").read_bytes() == b""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == [PACKAGE.name]


# ---- the rules themselves ------------------------------------------------------------------------


def test_an_import_inside_a_function_or_for_types_only_counts() -> None:
    source = "def f():\n    import faiss.contrib\nif TYPE_CHECKING:\n    from searchapp import walk"
    assert imported(ast.parse(source)) == {"faiss.contrib", "searchapp.walk"}


def test_every_way_to_the_environment_counts() -> None:
    ways = {
        "import os\ndef f(): return os.environ.get('HOME')": {"os.environ"},
        "from os import getenv": {"os.getenv"},
        "import os\nos.fsdecode(b'os.environ')": set(),
    }
    for source, uses in ways.items():
        assert uses_of_the_environment(ast.parse(source)) == uses


def test_parameters_are_counted_as_a_caller_sees_them() -> None:
    tree = ast.parse("class A:\n    def f(self, a, /, b, *c, d=1, **e): ...\ndef g(a): ...")
    counts = [parameters_of(node) for node in nodes(tree) if isinstance(node, Function)]
    assert sorted(counts) == [1, 5]


def test_sql_and_file_names_are_known_where_they_stand() -> None:
    assert all(map(SQL.match, ("SELECT 1", "\n    INSERT INTO a", "PRAGMA x", "CREATE TABLE t(")))
    assert not any(map(SQL.match, ("Select a file", "UPDATED", "Delete it")))
    names = ("corpus.db", "/corpus.db-wal", "vectors-*.faiss", ".vectors-", "lock")
    assert all(map(CORPUS_FILE.fullmatch, names))
    assert not any(map(CORPUS_FILE.fullmatch, ("locked", "the vectors-", "blocks")))
