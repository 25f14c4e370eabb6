"""What command lines are made of: the options that several commands share, and how words become
paths, dates and filters.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from searchapp import config
from searchapp.cli import console
from searchapp.errors import BadFilter
from searchapp.search.query_options import ON_COMMAND_LINE, questions_among
from searchapp.types.places import resolve_path

if TYPE_CHECKING:
    from searchapp.corpus import Corpus

_MOST_READ = 1_000_000  # bytes of a question on standard input; a longer one is refused


def said_by(flag: str) -> Any:  # typer's own class, which has no public name
    """The option of a flag of the table that every face has."""
    option = ON_COMMAND_LINE[flag]
    rules: dict[str, Any] = {}
    if option.kind == "integer":
        rules["min"] = option.least
    if option.choices:
        rules["autocompletion"] = lambda: list(option.choices)
    return typer.Option(flag, metavar=option.metavar, help=option.help, **rules)


ModeOption = Annotated[str | None, said_by("--mode")]
WeightOption = Annotated[float | None, said_by("--weight")]
CorpusOption = Annotated[
    str | None,
    typer.Option("--corpus", metavar="DIR", help="The corpus folder.", show_default=False),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
SecretsOption = Annotated[
    bool,
    typer.Option(
        "--include-secrets",
        help="Read what is left out as secret, too: keys, tokens, password stores. Remembered for "
        "these paths.",
    ),
]
TimingsOption = Annotated[
    bool, typer.Option("--timings", help="Tell where the time went, stage by stage.")
]
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="M",
        help="The encoder: default, multilingual, a local folder, or a hub name.",
    ),
]
DeviceOption = Annotated[
    str | None,
    typer.Option(
        "--device",
        metavar="DEVICE",
        autocompletion=lambda: list(config.DEVICES),
        help="Where to embed: cpu, cuda, or auto, a GPU where there is one.",
    ),
]
WithinOption = Annotated[list[str], said_by("--in")]
TypeOption = Annotated[list[str], said_by("--type")]
WhereOption = Annotated[list[str], said_by("--where")]
LabelOption = Annotated[list[str], said_by("--label")]
PlacesArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="PATH|GLOB...",
        help="Documents, or folders of them. The * of a glob crosses folders.",
    ),
]


def require_outputs(
    chosen: config.Settings, *outputs: Path | None, inputs: Sequence[str | os.PathLike[str]] = ()
) -> None:
    """Raise UsageError for a file to be written that would take the place of one of the inputs, of
    a file of a corpus, or of a document of the corpus that the settings name.
    """
    from searchapp.corpus import Corpus

    for output in outputs:
        if output is not None:
            Corpus.open(chosen).require_output(output, inputs=map(Path, inputs))


def corpus_at(place: str | None) -> Corpus:
    """The corpus at a place, or at the one that the settings name; what the library logs is shown
    from here on.
    """
    from searchapp.corpus import Corpus

    console.show_log()
    return Corpus.open(config.load(corpus=place))


def questions_of(texts: Sequence[str]) -> list[str]:
    """The questions among the words of a command line, as `questions_among` says; `-` alone is what
    standard input says.
    """
    if list(texts) == ["-"]:
        read = sys.stdin.buffer.read(_MOST_READ)
        return [read.decode("utf-8", "replace").strip()]
    return questions_among(texts)


def mover_of(moves: Sequence[str]) -> Callable[[bytes], bytes]:
    """What gives a path of another machine its place on this one, by the first OLD=NEW that it is
    below.
    """
    pairs = []
    for text in moves:
        old, sign, new = text.partition("=")
        if not (old and sign and new):
            raise BadFilter(
                f"--move: {text!r} is no move", hint="write it as --move /home/anna=/home/bob"
            )
        pairs.append((os.fsencode(old.rstrip("/")), os.fsencode(resolve_path(new))))

    def moved(path: bytes) -> bytes:
        for old, new in pairs:
            if path == old or path.startswith(old + b"/"):
                return new + path[len(old) :]
        return path

    return moved
