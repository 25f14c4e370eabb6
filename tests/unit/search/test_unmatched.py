"""Filters that match nothing say which of them it is, and what there is instead."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.classification.labeling import label
from searchapp.corpus import Corpus
from searchapp.search.query import Query
from searchapp.testing import HashEncoder, MemoryBackend
from searchapp.types.filters import Filters
from searchapp.types.protocols import Backend
from tests.builders.house import HereCorpus
from tests.builders.shelf import Shelf

TEXTS = {
    "docs/boats.md": "---\nauthor: Anna\ndate: 2021-05-03\n---\n\nBoats on the river.\n",
    "docs/stones.md": "---\nauthor: Ben\ndate: 2023-02-01\n---\n\nStones in the river."
    f"\n\n![sketch](data:image/png;base64,{'iVBORw0KGgo' * 20})\n",  # left out, and said
    "docs/tide.py": "def tide():\n    return 3\n",
}


@pytest.fixture(scope="module", params=["local", "memory"])
def corpus(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    folder = tmp_path_factory.mktemp("unmatched")
    (folder / "docs").mkdir()
    for name, text in TEXTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    os.utime(folder / "docs/tide.py", (1.6e9, 1.6e9))  # 2020-09-13
    backend: Backend = (
        SqliteBackend(folder / "corpus") if request.param == "local" else MemoryBackend()
    )
    made = HereCorpus(backend, encoder=HashEncoder())
    made.ingest([folder / "docs"])
    label(made.backend, "recipe", [str(folder / "docs/boats.md")])
    return made


CASES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "a type": ({"types": ["foo"]}, ["no document of type foo; here: md 2, py 1"]),
    "a type that is nearly one": (
        {"types": ["mdx"]},
        ["no document of type mdx; did you mean md?; here: md 2, py 1"],
    ),
    "a path": ({"within": ["/nowhere"]}, ["no such path in the corpus: /nowhere"]),
    "a path that is nearly one": (
        {"within": ["/docs/boat.md"]},
        ["no such path in the corpus: /docs/boat.md; did you mean HERE/docs/boats.md?"],
    ),
    "a glob": ({"within": ["*.pdf"]}, ["no path of the corpus matches *.pdf"]),
    "a label": (
        {"labels": ["recip"]},
        ["no label recip; did you mean recipe?; here: recipe 1"],
    ),
    "a name of metadata": (
        {"where": ["autor=Anna"]},
        ["no document has autor; did you mean author?; here: author 2, date 2"],
    ),
    "a value of metadata": (
        {"where": ["author=Carl"]},
        ["no document has author=Carl; here: Anna 1, Ben 1"],
    ),
    "a date to come": (
        {"since": "2030"},
        ["no document is from 2030-01-01 or later; the newest is from 2023-02-01"],
    ),
    "a date long past": (
        {"before": "1990"},
        ["no document is from before 1990-01-01; the oldest is from 2020-09-13"],
    ),
    "several that are each met": (
        {"types": ["py"], "labels": ["recipe"]},
        [
            "no document passes all filters at once; each alone: --type 1 document, --label 1 document"
        ],
    ),
    "several values that no document has at once": (
        {"where": ["author=Anna", "author=Ben"]},
        [
            (
                "no document passes all filters at once; each alone: --where 1 document, "
                "--where 1 document"
            )
        ],
    ),
    "one value of several": (
        {"where": ["author=Anna", "author=Carl"]},
        ["no document has author=Carl; here: Anna 1, Ben 1"],
    ),
    "one of several": (
        {"types": ["md"], "labels": ["x"]},
        ["no label x; here: recipe 1"],
    ),
    "one path of several": (
        {"within": ["*.md", "/nowhere"]},
        ["no such path in the corpus: /nowhere"],
    ),
    "one type of several": (
        {"types": ["md", "foo"]},
        ["no document of type foo; here: md 2, py 1"],
    ),
    "one label of several": (
        {"labels": ["recipe", "x"]},
        ["no label x; here: recipe 1"],
    ),
    "a value of each, beside what nothing passes": (
        {"types": ["py", "foo"], "labels": ["recipe", "x"]},
        [
            (
                "no document passes all filters at once; each alone: --type 1 document, "
                "--label 1 document"
            ),
            "no document of type foo; here: md 2, py 1",
            "no label x; here: recipe 1",
        ],
    ),
    "many": (
        {"within": ["*.md", *(f"/{number}/x" for number in range(20))]},
        [
            *(f"no such path in the corpus: /{number}/x" for number in range(8)),
            "and 12 other filters that no document passes",
        ],
    ),
    "several that are each in a document": (
        {"within": ["*.md", "*.py"], "types": ["py", "md"]},
        [],
    ),
    "none": ({}, []),
    "one that is met": ({"types": ["py"]}, []),
}


@pytest.mark.parametrize("case", CASES)
def test_a_filter_that_nothing_passes_is_named(corpus: Corpus, case: str) -> None:
    options, notes = CASES[case]
    told = corpus.unmatched(Filters.parse(**options))
    assert [re.sub(r"\S*/unmatched\d+", "HERE", note) for note in told] == notes


def test_an_answer_says_so(corpus: Corpus) -> None:
    answer = corpus.query(Query("boats", filters=Filters.parse(types=["foo"])))
    assert answer.matches == ()
    assert answer.notes == ("no document of type foo; here: md 2, py 1",)


@pytest.mark.parametrize("k", [1, 10])
def test_an_answer_says_which_of_several_values_nothing_has(corpus: Corpus, k: int) -> None:
    filters = Filters.parse(within=["*.md", "*.py", "/nowhere"])
    answer = corpus.query(Query("boats", filters=filters, k=k))
    assert len(answer.matches) == min(k, 3)
    assert answer.notes == ("no such path in the corpus: /nowhere",)


def test_what_other_conditions_leave_out_is_not_put_on_the_filters(corpus: Corpus) -> None:
    answer = corpus.query(Query('"zebra"', mode="keyword", filters=Filters.parse(types=["md"])))
    assert answer.notes == ('"zebra" stands in no document',)


def test_a_corpus_of_one_document_says_its_date(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "corpus")
    shelf.put("/a.md", "a text", day=1)
    for options, note in (
        (
            {"since": "2030"},
            "no document is from 2030-01-01 or later; the newest is from 1970-01-02",
        ),
        (
            {"before": "1960"},
            "no document is from before 1960-01-01; the oldest is from 1970-01-02",
        ),
    ):
        assert list(shelf.corpus.unmatched(Filters.parse(**options))) == [note]
