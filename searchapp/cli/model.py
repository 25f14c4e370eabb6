"""The commands about models: which are at hand, what one is, whether it is whole, and another one
for the corpus.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from searchapp import config
from searchapp.cli import console
from searchapp.cli.app import STYLE
from searchapp.cli.console import Exit
from searchapp.cli.options import CorpusOption, DeviceOption, JsonOption
from searchapp.output import models, terminal
from searchapp.output.serialization import json_text

if TYPE_CHECKING:
    from searchapp.types.encodings import CorpusEncodings, ReembedReport

model = typer.Typer(
    help="Models: which are at hand, what one is, whether it is whole, and another one for the "
    "corpus.",
    **STYLE,
)

ModelArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[MODEL]",
        help="default, multilingual, a local folder, or a hub name. None: the corpus's.",
        show_default=False,
    ),
]


@model.command("list")
def list_(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FOLDER...]", help="Folders to look for models in, too."),
    ] = None,
    corpus: CorpusOption = None,
    as_json: JsonOption = False,
) -> int:
    """List the models on this machine.

    Those that are installed, of the corpus, in FOLDERs, converted before, or fetched from the hub
    before. The network is not used.
    """
    from searchapp.encoders.catalog import installed_models

    chosen = config.load(corpus=corpus)
    installed = installed_models(chosen, _encodings(chosen), folders or [])
    style = console.style(sys.stdout)
    console.write(
        json_text(models.models_json(installed))
        if as_json
        else models.models_text(installed, style)
    )
    return 0


@model.command()
def show(
    name: ModelArgument = None, corpus: CorpusOption = None, as_json: JsonOption = False
) -> int:
    """Show what a model is.

    Its family, size, limit, pooling, prompts, digests, licence, and whether it was converted for
    this processor. A hub name that is not on this machine is fetched.
    """
    from searchapp.encoders.model_info import converted_size, read_model_info

    chosen = config.load(corpus=corpus)
    facts = read_model_info(_named(name, chosen), chosen.cache)
    size = converted_size(facts, chosen.cache)
    style = console.style(sys.stdout)
    console.write(
        json_text(models.card_json(facts, size))
        if as_json
        else models.card_text(facts, size, style)
    )
    return 0


@model.command()
def verify(
    name: ModelArgument = None, corpus: CorpusOption = None, as_json: JsonOption = False
) -> int:
    """Check that a model is whole.

    Its weights are hashed anew, its configuration and tokenizer read, its conversion run on golden
    texts. Exit codes: 0 sound · 5 only its conversion is damaged, which is made anew · 4 the model
    itself is damaged or missing.
    """

    from searchapp.encoders.verification import verify_model

    chosen = config.load(corpus=corpus)
    named = _named(name, chosen)
    parts = verify_model(named, chosen, _encodings(chosen).current)
    style = console.style(sys.stdout)
    console.write(
        json_text(models.parts_json(named, parts)) if as_json else models.parts_text(parts, style)
    )
    states = {part.state for part in parts}
    return Exit.FAILED if "wrong" in states else Exit.DAMAGED if "derived" in states else 0


@model.command()
def use(
    name: Annotated[
        str,
        typer.Argument(
            metavar="MODEL", help="default, multilingual, a local folder, or a hub name."
        ),
    ],
    keep: Annotated[
        bool,
        typer.Option("--keep", help="Keep the former encoding, to go back to it at little cost."),
    ] = False,
    device: DeviceOption = None,
    corpus: CorpusOption = None,
    as_json: JsonOption = False,
) -> int:
    """Have the corpus use another model.

    It answers as before until all documents are embedded anew, then by the new model. Its folders
    are read on the way, as ingest reads them. Interrupted, the same command goes on where it was.
    """
    done = going_over(name, config.load(corpus=corpus, device=device), keep=keep)
    if done is None:
        console.write(
            json_text({"model": name, "is_in_place": True})
            if as_json
            else "the corpus uses this model already\n"
        )
        return 0
    style = console.style(sys.stdout)
    console.write(
        json_text(models.reembedded_json(done)) if as_json else models.reembedded_text(done, style)
    )
    return 0 if done.is_in_place else Exit.INTERRUPTED


def going_over(name: str, chosen: config.Settings, *, keep: bool = False) -> ReembedReport | None:
    """Have the corpus use a model, and tell of it on the way; None where it uses it already."""
    from searchapp.maintenance.reembed import Step, use_model

    console.show_log()

    def on_step(step: Step) -> None:
        if step in _TOLD:
            console.note(_TOLD[step])

    with console.stop_signals() as is_stopped, console.progress(sys.stderr) as on_progress:
        return use_model(
            name, chosen, keep=keep, on_progress=on_progress, on_step=on_step, is_stopped=is_stopped
        )


@model.command()
def drop(
    name: Annotated[
        str,
        typer.Argument(
            metavar="MODEL", help="As `searchapp model list` or `searchapp status` shows it."
        ),
    ],
    corpus: CorpusOption = None,
    as_json: JsonOption = False,
) -> int:
    """Delete an encoding that is kept or half built.

    The corpus, and the model itself, stay as they are.
    """
    from searchapp.corpus import Corpus
    from searchapp.maintenance.encodings import drop_encoding

    dropped = drop_encoding(Corpus.open(config.load(corpus=corpus)).backend, name)
    values = {"deleted": [encoding.place for encoding in dropped]}
    console.write(
        json_text(values)
        if as_json
        else terminal.joined(f"deleted {encoding.name}" for encoding in dropped)
    )
    return 0


_TOLD = {
    "building": "embedding all documents by the other model; the corpus answers as before "
    "meanwhile",
    "checking": "checking every byte of what was made",
    "waiting for another ingest": "waiting for the ingest that is writing the corpus",
}


def _named(name: str | None, chosen: config.Settings) -> str:
    """The model that is asked about: the corpus's, or the one that the settings name, where none is
    named.
    """
    from searchapp.encoders.catalog import current_model

    return name or current_model(chosen, _encodings(chosen).current)


def _encodings(chosen: config.Settings) -> CorpusEncodings:
    from searchapp.corpus import Corpus
    from searchapp.maintenance.encodings import encodings_of

    return encodings_of(Corpus.open(chosen).backend)
