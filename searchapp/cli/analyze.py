"""The commands that show what a model makes of text: why two texts are near, and which words it
expects.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from searchapp import config
from searchapp.cli import console
from searchapp.cli.options import JsonOption, ModelOption, require_outputs
from searchapp.errors import EmptyQuery, FileFailed, PathMissing, UsageError
from searchapp.output.serialization import json_text

if TYPE_CHECKING:
    from searchapp.encoders.model_info import ModelInfo

TextArgument = Annotated[
    str,
    typer.Argument(
        metavar="TEXT|FILE", help="A text, or the file that holds it.", show_default=False
    ),
]


LayerOption = Annotated[
    int | None,
    typer.Option(
        "--layer",
        metavar="N",
        min=1,
        help="Show what attends to what in a layer, from 1 on, all heads on average.",
    ),
]
HeadOption = Annotated[
    int | None,
    typer.Option("--head", metavar="N", min=1, help="With --layer: by this head alone, from 1 on."),
]
AllOption = Annotated[
    bool,
    typer.Option(
        "--all",
        help="In a pipe, too: what each two words add, and where each head's attention goes.",
    ),
]
OutOption = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        metavar="FILE",
        help="Write a page for a browser, .html.",
        show_default=False,
    ),
]


def explain(
    text_a: TextArgument,
    text_b: TextArgument,
    layer: LayerOption = None,
    head: HeadOption = None,
    everything: AllOption = False,
    out: OutOption = None,
    model: ModelOption = None,
    as_json: JsonOption = False,
) -> int:
    """Show why two texts are as near as they are.

    What each word adds to their cosine, exactly, and the word of the other text that it is nearest
    to. On a terminal, and with --all in a pipe, also what it adds together with each word of the
    other text, and what each head of each layer attends to.
    """
    from searchapp.analysis import pair_attribution
    from searchapp.encoders.encoder import Encoder
    from searchapp.encoders.model_info import read_model_info
    from searchapp.output import pair

    chosen = config.load(model=model)
    if out is not None:
        _require_page(out)
        require_outputs(chosen, out, inputs=(text_a, text_b))
    texts = [_text_of(word) for word in (text_a, text_b)]
    by = read_model_info(chosen.model or "default", chosen.cache)
    _refuse_absent(layer, head, by)
    attribution = pair_attribution.explain(
        texts, Encoder.load(by.model, cache=chosen.cache, device="cpu")
    )
    if out is not None:
        from searchapp.output.html.pair_page import pair_html

        console.write_page(out, pair_html(attribution, by))
        console.note(f"written: {out}")
    for note in pair.pair_notes(attribution, by):
        console.note(note)
    if as_json:
        console.write(json_text(pair.pair_json(attribution, by, layer=layer, head=head)))
    else:
        style = console.style(sys.stdout)
        text = pair.pair_text(attribution, by, style, layer=layer, head=head, everything=everything)
        console.write(text)
    return console.Exit.DONE


def predict(
    text: Annotated[
        str,
        typer.Argument(
            help="A text with [MASK] where a word is missing, once or more.", show_default=False
        ),
    ],
    k: Annotated[int, typer.Option("-k", min=1, help="How many words.")] = 10,
    model: ModelOption = None,
    as_json: JsonOption = False,
) -> int:
    """Show which words a model expects in the gaps of a text.

    It takes a model as it was pre-trained, with its masked-language-model head, as
    google-bert/bert-base-uncased; models for search, as the default one, have lost theirs.
    """
    from searchapp.analysis.fill_mask import predict as gaps_of
    from searchapp.output import fill_mask

    chosen = config.load(model=model)
    name = chosen.model or "default"
    gaps = gaps_of(text, cache=chosen.cache, model=name, k=k)
    if as_json:
        console.write(json_text(fill_mask.gaps_json(name, text, gaps)))
    else:
        console.write(fill_mask.gaps_text(text, gaps, console.style(sys.stdout)))
    return console.Exit.DONE


def _text_of(item: str) -> str:
    """The text itself, or that of all documents in the file of that name."""
    from searchapp.analysis.embed_files import read_files

    if not item.strip():
        raise EmptyQuery("one of the texts is empty", hint="give two texts, or two files")
    if not os.path.isfile(item):  # noqa: PTH113 - a text may be too long for a path
        return item
    sources = list(read_files([os.path.abspath(item)]))  # noqa: PTH100 - as above
    texts = [source.document.text for source in sources if source.document is not None]
    if not any(text.strip() for text in texts):
        why = next((source.reason for source in sources if source.reason), "no text in it")
        raise FileFailed(f"{item}: {why}", hint="name a file with text in it")
    return "\n".join(texts)


def _refuse_absent(layer: int | None, head: int | None, by: ModelInfo) -> None:
    """Raise UsageError for a layer or a head that the model has not."""
    if head is not None and layer is None:
        raise UsageError("a head is of a layer", hint="say which one: --layer 1 --head 1")
    for name, asked, most in (("layer", layer, by.layers), ("head", head, by.heads)):
        if asked is not None and asked > most:
            raise UsageError(
                f"the model has no {name} {asked}",
                hint=f"it has {by.layers} layers of {by.heads} heads",
            )


def _require_page(path: Path) -> None:
    """Raise what keeps a page from being written there, before all the work."""
    from searchapp.filesystem import atomic_write

    if atomic_write.is_standard_output(path):
        raise UsageError(
            "the page and what is said of the pair cannot both be standard output",
            hint="name a file that ends in .html",
        )
    if path.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"{path}: the page is HTML", hint="name a file that ends in .html")
    if not path.absolute().parent.is_dir():
        raise PathMissing(f"there is no folder {path.absolute().parent}", hint="make it first")
