"""What command lines are made of: the options that several commands share, and how words become
paths, dates and filters.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from searchapp import config
from searchapp.cli import console
from searchapp.errors import BadFilter

if TYPE_CHECKING:
    from searchapp.corpus import Corpus
    from searchapp.types.filters import Filters

_TYPES = {
    "markdown": "md",
    "text": "txt",
    "python": "py",
    "htm": "html",
    "restructuredtext": "rst",
    "jpeg": "jpg",
    "yml": "yaml",
}
_MODES = ("cosine", "keyword", "hybrid", "best")  # those of search.ranking, which needs NumPy

ModeOption = Annotated[
    str | None,
    typer.Option(
        "--mode",
        metavar="MODE",
        autocompletion=lambda: list(_MODES),
        help="How to rank: cosine, keyword, hybrid or best. Default: the corpus's, or cosine.",
    ),
]
WeightOption = Annotated[
    float | None,
    typer.Option(
        "--weight",
        metavar="X",
        help="The keyword leg's part in hybrid and best, 0 to 1. Default: the corpus's, or 0.45.",
    ),
]
CorpusOption = Annotated[
    Path | None,
    typer.Option("--corpus", metavar="DIR", help="The corpus folder.", show_default=False),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
TimingsOption = Annotated[
    bool, typer.Option("--timings", help="Tell where the time went, stage by stage.")
]
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model", metavar="M", help="The encoder: default, a local folder, or a hub name."
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
WithinOption = Annotated[
    list[str],
    typer.Option("--in", metavar="PATH|GLOB", help="Only documents at or below; repeatable."),
]
TypeOption = Annotated[
    list[str],
    typer.Option(
        "--type", metavar="TYPE", help="Only documents of a type, as pdf or md; repeatable."
    ),
]
WhereOption = Annotated[
    list[str],
    typer.Option(
        "--where",
        metavar="KEY=VALUE",
        help="Only documents whose metadata say so, as author=Anna; repeatable.",
    ),
]
LabelOption = Annotated[
    list[str],
    typer.Option(
        "--label", metavar="LABEL", help="Only documents with a label; repeatable: any of them."
    ),
]
PlacesArgument = Annotated[
    list[str], typer.Argument(metavar="PATH|GLOB...", help="Documents, or folders of them.")
]


def corpus_at(folder: Path | None) -> Corpus:
    """The corpus in a folder, or the one that the settings name; what the library logs is shown
    from here on.
    """
    from searchapp.corpus import Corpus

    console.show_log()
    return Corpus.open(config.load(corpus=folder))


def filters_of(
    within: Sequence[str],
    types: Sequence[str],
    since: str | None = None,
    before: str | None = None,
    where: Sequence[str] = (),
    labels: Sequence[str] = (),
) -> Filters:
    """The filters that a command's options ask for; raises BadFilter for one that makes
    no sense.
    """
    from searchapp.types.filters import Filters

    since_ns, before_ns = _moment(since, "--since"), _moment(before, "--before")
    if since_ns is not None and before_ns is not None and since_ns >= before_ns:
        raise BadFilter(
            f"nothing is from {since} on and before {before}",
            hint="--since is the earlier date, --before the later one",
        )
    return Filters(
        within=tuple(absolute(place) for place in within),
        types=tuple(_type(name) for name in types),
        where=tuple(_condition(text) for text in where),
        since_ns=since_ns,
        before_ns=before_ns,
        labels=tuple(labels),
    )


def questions_of(texts: Sequence[str]) -> list[str]:
    """The questions among the words of a command line: single words alone are one question that was
    not quoted.
    """
    return (
        list(texts)
        if any(" " in text.strip() for text in texts)
        else [" ".join(texts)]
        if texts
        else []
    )


def absolute(text: str) -> str:
    """A path made absolute; a glob that is no path stays as it is."""
    named(text)
    is_glob = any(character in text for character in "*?[") and not os.path.lexists(text)
    if is_glob and not text.startswith(("./", "../", "~")):
        return text
    return os.path.abspath(os.path.expanduser(text))  # noqa: PTH100, PTH111 - pathlib fails at a user it does not know


def named(path: str) -> str:
    """The path as it is; raises BadFilter for "", which would be the working directory."""
    if not path:
        raise BadFilter(
            "an empty path", hint="name a file, a folder or a glob; '.' is the working directory"
        )
    return path


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
        pairs.append((os.fsencode(old.rstrip("/")), os.fsencode(absolute(new))))

    def moved(path: bytes) -> bytes:
        for old, new in pairs:
            if path == old or path.startswith(old + b"/"):
                return new + path[len(old) :]
        return path

    return moved


def _type(text: str) -> str:
    name = text.lower().lstrip(".")
    if not name:
        raise BadFilter(
            "an empty type",
            hint="name one, as pdf or md; `searchapp list` shows those of the corpus",
        )
    return _TYPES.get(name, name)


def _condition(text: str) -> tuple[str, str]:
    """A condition on metadata, its name and value."""
    name, sign, value = text.partition("=")
    if not (name.strip() and sign and value.strip()):
        hint = (
            "write it as author=Anna or tags='*travel*'; `searchapp show` lists the "
            "metadata of a document"
        )
        raise BadFilter(f"--where: {text!r} is no condition", hint=hint)
    return name.strip(), value.strip()


def _moment(text: str | None, option: str) -> int | None:
    from searchapp.types.dates import moment_ns

    if text is None:
        return None
    try:
        return moment_ns(text)
    except ValueError as error:
        raise BadFilter(
            f"{option}: {text!r} is not a date", hint="write it as 2024-05-31, 2024-05 or 2024"
        ) from error
