"""What programs import from the root: these names and no others, and what a match answers."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import searchapp
from searchapp.search.query import Query, QueryOptions
from searchapp.testing import HashEncoder
from tests.paths import PACKAGE

NAMES = {
    "Answer",
    "Corpus",
    "Encoder",
    "Filters",
    "IngestReport",
    "Match",
    "Query",
    "SearchappError",
    "__version__",
}


def test_the_root_has_these_names_and_no_others() -> None:
    assert set(searchapp.__all__) == NAMES
    for name, module in searchapp._MODULES.items():
        assert getattr(searchapp, name) is getattr(import_module(module), name)
    with pytest.raises(AttributeError, match="nothing"):
        _ = searchapp.nothing
    assert (PACKAGE / "py.typed").is_file()


@pytest.mark.slow
def test_importing_the_root_imports_nothing_else() -> None:
    code = (
        "import sys, searchapp; print([name for name in sys.modules if name in ('numpy', 'typer')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.slow
def test_a_match_knows_its_file_place_and_text(tmp_path: Path) -> None:
    note = tmp_path / "docs" / "note.md"
    note.parent.mkdir()
    note.write_text("# Plums\n\nThe tree by the wall bears in August.\n", encoding="utf-8")
    corpus = searchapp.Corpus.open(tmp_path / "corpus", encoder=HashEncoder())
    report = corpus.ingest([note.parent])
    assert isinstance(report, searchapp.IngestReport)
    answer = corpus.query("the tree by the wall")
    assert isinstance(answer, searchapp.Answer)
    (match,) = answer.matches
    assert (match.path, match.title, match.location) == (note, "Plums", "line 3")
    assert match.text == "The tree by the wall bears in August."
    assert match.passage_id == match.hit.passage_id


def test_an_option_of_a_question_is_a_field_of_it_or_a_filter() -> None:
    fields = set(Query.__dataclass_fields__) - {"texts"}
    filters = {"within", "types", "since", "before", "where", "labels"}
    assert set(QueryOptions.__annotations__) == fields | filters


def test_a_question_with_options_is_the_query_that_parse_makes(tmp_path: Path) -> None:
    query = Query.parse("a", within=[tmp_path], types=[".MD"], since="2024", negative=["b"], k=2)
    assert query.texts == ("a",)
    assert (query.filters.within, query.filters.types) == ((str(tmp_path),), ("md",))
    corpus = searchapp.Corpus.open("memory:options", encoder=HashEncoder())
    with pytest.raises(TypeError, match="alone"):
        corpus.query(query, k=3)


def test_a_place_that_no_backend_serves_is_refused_with_a_hint() -> None:
    with pytest.raises(searchapp.SearchappError) as caught:
        searchapp.Corpus.open("postgresql://host/db")
    assert (caught.value.code, caught.value.hint) == ("unsupported", "name a folder")
