"""The command that draws the corpus as a map."""

from __future__ import annotations

import os
import sys
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from searchapp import config
from searchapp.cli import console
from searchapp.cli.console import Exit
from searchapp.cli.options import (
    CorpusOption,
    JsonOption,
    LabelOption,
    TypeOption,
    WhereOption,
    WithinOption,
)
from searchapp.errors import UsageError
from searchapp.output.serialization import json_text
from searchapp.types.filters import Filters

if TYPE_CHECKING:
    from searchapp.corpus import Corpus

_DEFAULT = Path("map.html")
_HEAD = 2**16  # bytes of a page that tell who made it


OutOption = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        metavar="FILE",
        help="The page, - for standard output. Default: map.html here, with --json none.",
        show_default=False,
    ),
]
ByOption = Annotated[
    str, typer.Option("--by", metavar="B", help="What has a colour: folder, type or label.")
]
MethodOption = Annotated[
    str | None,
    typer.Option(
        "--method",
        metavar="M",
        help="umap or pca. Default: umap if it is installed, an extra.",
        show_default=False,
    ),
]
LevelOption = Annotated[
    str, typer.Option("--level", metavar="L", help="What is a point: passage or document.")
]
LimitOption = Annotated[
    int, typer.Option("--limit", metavar="N", min=1, help="Of more points a sample, seeded.")
]


def map_(
    out: OutOption = None,
    by: ByOption = "folder",
    method: MethodOption = None,
    level: LevelOption = "passage",
    limit: LimitOption = 100_000,
    within: WithinOption = [],
    type_: TypeOption = [],
    where: WhereOption = [],
    label: LabelOption = [],
    corpus: CorpusOption = None,
    as_json: JsonOption = False,
) -> int:
    """Draw the corpus as a map, one page for a browser that needs no network.

    Passages of like meaning tend to stand together, and each opens what it says; but a plane holds
    little of some hundred dimensions, so that nearness on it is a hint: the page tells how good a
    one, and what is nearest in truth.
    """
    from searchapp.analysis import corpus_map
    from searchapp.corpus import Corpus, require_documents
    from searchapp.output.corpus_map import map_json, map_notes, map_text, method_notes
    from searchapp.output.html.map_page import map_html

    console.show_log()
    chosen = config.load(corpus=corpus)
    filters = Filters.parse(within=within, types=type_, where=where, labels=label)
    opened = Corpus.open(chosen)
    with closing(opened.reader()) as reader:
        page = _page(out, opened, as_json=as_json)
        require_documents(reader)
        mapped = corpus_map.map_corpus(
            reader,
            filters,
            granularity=level,
            by=by,
            method=method,
            most=limit,
            on_stage=console.note,
        )
        notes = [*reader.notes, *map_notes(mapped), *method_notes(mapped)]
    for note in notes:
        console.note(note)
    if not mapped.hits:
        console.note("nothing to draw: no document with vectors is meant")
        return Exit.NOTHING
    drawn = map_html(mapped, os.fsencode(chosen.place)) if page else ""
    size = console.write_page(page, drawn, corpus=opened.folder) if page else 0
    answer = (
        json_text(map_json(mapped) | {"page": page and os.fspath(page), "bytes": size})
        if as_json
        else map_text(mapped, os.fspath(page or ""), size, console.style(sys.stdout))
    )
    console.tell(answer, page)
    return Exit.DONE


def _page(out: Path | None, corpus: Corpus, *, as_json: bool) -> Path | None:
    """Where the page goes. Raises UsageError where it may not take the place of what is there."""
    page = out or (None if as_json else _DEFAULT)
    if page is None or _is_map(page):
        return page
    if out is None and page.exists():
        raise UsageError(
            f"there is a {page} here that is no map", hint="name another file: --out FILE"
        )
    corpus.require_output(page)
    return page


def _is_map(path: Path) -> bool:
    """Whether a file is a map that was drawn before, which the next takes the place of."""
    from searchapp.output.html.map_page import MARK

    if not path.is_file():
        return False
    with suppress(OSError), path.open("rb") as file:
        return MARK.encode() in file.read(_HEAD)
    return False
