"""The commands that keep a corpus: taking out, checking, mending, copying, telling what
is wrong.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from searchapp import config
from searchapp.cli import console
from searchapp.cli.console import Exit
from searchapp.cli.options import (
    CorpusOption,
    JsonOption,
    PlacesArgument,
    corpus_at,
    mover_of,
)
from searchapp.humanize import one_line, pluralize
from searchapp.output.reports import (
    diagnosis_json,
    diagnosis_text,
    exclusion_text,
    findings_json,
    findings_text,
    repair_json,
    repair_text,
)
from searchapp.output.serialization import json_text
from searchapp.types.documents import above
from searchapp.types.places import resolve_place

if TYPE_CHECKING:
    from searchapp.corpus import Corpus
    from searchapp.types.documents import Root


def remove(places: PlacesArgument, corpus: CorpusOption = None, as_json: JsonOption = False) -> int:
    """Take documents out of the corpus; the files stay. Ingests leave them out from then on, until
    one of them names their path.
    """
    opened = corpus_at(corpus)
    removed = opened.remove([resolve_place(place) for place in places])
    excluded = _excluded(opened, removed)
    if as_json:
        values = {"removed": removed, "excluded": excluded}
        console.write(json_text({name: [*map(os.fsdecode, some)] for name, some in values.items()}))
    else:
        lasting = exclusion_text(excluded, len(removed))
        console.write(f"removed {pluralize(len(removed), 'document')}{lasting}\n")
    return 0


def forget(
    places: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PATH|GLOB...]",
            help="None: what was removed before. The * of a glob crosses folders.",
        ),
    ] = None,
    corpus: CorpusOption = None,
    as_json: JsonOption = False,
) -> int:
    """Take documents out so that no byte of their text is left in any file of the corpus, nor in
    the backups beside it.
    """
    opened = corpus_at(corpus)
    removed, backups = opened.forget([resolve_place(place) for place in places or []])
    excluded = _excluded(opened, removed)
    if as_json:
        console.write(
            json_text(
                {
                    "forgotten": [*map(os.fsdecode, removed)],
                    "deleted_backups": backups,
                    "excluded": [*map(os.fsdecode, excluded)],
                }
            )
        )
    else:
        console.write("".join(f"deleted {name}, which held the text\n" for name in backups))
        console.write(
            f"forgot {pluralize(len(removed), 'document')}; what was removed before is "
            f"cleared away, too{exclusion_text(excluded, len(removed))}\n"
        )
    return 0


def check(
    full: Annotated[bool, typer.Option("--full", help="Every byte, by its digest.")] = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="Make it sound again, after a copy of it was made.")
    ] = False,
    corpus: CorpusOption = None,
    as_json: JsonOption = False,
) -> int:
    """Check that the corpus is what was written; with --repair, keep what is, read the rest again,
    and list what is lost.
    """
    opened = corpus_at(corpus)
    if repair:
        with console.stop_signals() as is_stopped, console.progress(sys.stderr) as on_progress:
            repaired = opened.repair(on_progress=on_progress, is_stopped=is_stopped)
        console.write(
            json_text(repair_json(repaired))
            if as_json
            else repair_text(repaired, console.style(sys.stdout))
        )
        return Exit.LOST if repaired and repaired.lost else 0
    findings = opened.check(full=full)
    console.write(
        json_text(findings_json(findings))
        if as_json
        else findings_text(findings, console.style(sys.stdout))
    )
    if findings:
        console.note("to mend it: searchapp check --repair")
    if any(finding.is_lost for finding in findings):
        return Exit.LOST
    return Exit.DAMAGED if findings else 0


def backup(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="Where to, - for standard output; a file there is replaced."
        ),
    ],
    corpus: CorpusOption = None,
    as_json: JsonOption = False,
) -> int:
    """Write the corpus to one file, checksummed; ingests and queries go on meanwhile."""
    return _tell_held(
        corpus_at(corpus).back_up(file), f"are in {file}", as_json=as_json, beside=file
    )


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup.")],
    corpus: CorpusOption = None,
    as_json: JsonOption = False,
) -> int:
    """Make a corpus of a backup, where there is none yet, and check all of it."""
    from searchapp.corpus import Corpus

    chosen = config.load(corpus=corpus)
    manifest = Corpus.open(chosen).restore(file)
    return _tell_held(manifest, f"restored to {chosen.place}, and checked", as_json=as_json)


def _tell_held(
    held: Mapping[str, int], what: str, *, as_json: bool, beside: Path | None = None
) -> int:
    summary = (
        f"{pluralize(held['documents'], 'document')} of generation {held['generation']} {what}\n"
    )
    console.tell(json_text(dict(held)) if as_json else summary, beside)
    return Exit.DONE


def export(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="Where to, as corpus.jsonl.gz, or - for standard output; a file there is "
            "replaced.",
        ),
    ],
    corpus: CorpusOption = None,
    as_json: JsonOption = False,
) -> int:
    """Write all documents with their vectors to one file in an open form, for another machine or
    another corpus.
    """
    documents = corpus_at(corpus).export(file)
    answer = (
        json_text({"documents": documents})
        if as_json
        else f"exported {pluralize(documents, 'document')}\n"
    )
    console.tell(answer, file)
    return 0


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An export.")],
    moves: Annotated[
        list[str],
        typer.Option(
            "--move",
            metavar="OLD=NEW",
            help="Paths below OLD are below NEW on this machine; repeatable.",
        ),
    ] = [],
    roots: Annotated[
        str | None,
        typer.Option(
            "--roots",
            metavar="keep|drop",
            help="Whether the folders of the export are ingested here, too. Default: asks on a "
            "terminal, else drop.",
            show_default=False,
        ),
    ] = None,
    corpus: CorpusOption = None,
    as_json: JsonOption = False,
) -> int:
    """Take the documents of an export in, without embedding them again."""
    if roots not in {None, "keep", "drop"}:
        raise typer.BadParameter(f"{roots!r} is neither keep nor drop", param_hint="--roots")
    counts = corpus_at(corpus).import_documents(
        file, moved=mover_of(moves), wants_roots=partial(_wants_roots, roots)
    )
    summary = ", ".join(
        f"{count:,} {name}" for name, count in counts.items() if count or name == "imported"
    )
    console.write(json_text({"counts": dict(counts)}) if as_json else f"{summary}\n")
    return 0


def _wants_roots(choice: str | None, roots: Sequence[Root]) -> bool:
    """Whether the folders of an export are to be ingested from now on; they are shown."""
    names = ", ".join(one_line(os.fsdecode(root.path)) for root in roots)
    if choice is None and sys.stdin.isatty() and sys.stderr.isatty():
        console.note(f"the export is of {names}")
        return typer.confirm("Is `searchapp ingest` to read them from now on?", err=True)
    if choice == "keep":
        console.note(f"ingested from now on: {names}")
        return True
    hint = "" if choice else "; --roots keep has them ingested"
    console.note(f"not ingested from now on: {names}{hint}")
    return False


def doctor(
    fix: Annotated[
        bool, typer.Option("--fix", help="First have nobody else read or change the corpus.")
    ] = False,
    corpus: CorpusOption = None,
    as_json: JsonOption = False,
) -> int:
    """Tell on one page what the program, the machine, the model and the corpus are like, and what
    is wrong with any of them.
    """
    from searchapp.maintenance.doctor import close_to_others, diagnose

    chosen = config.load(corpus=corpus)
    if fix and (closed := close_to_others(chosen)):
        console.note(f"closed to others: {', '.join(map(one_line, closed))}")
    diagnosis = diagnose(chosen)
    console.write(
        json_text(diagnosis_json(diagnosis))
        if as_json
        else diagnosis_text(diagnosis, console.style(sys.stdout))
    )
    return Exit.FAILED if diagnosis.problems else 0


def _excluded(corpus: Corpus, removed: Sequence[bytes]) -> list[bytes]:
    """What ingests leave out because these documents were removed."""
    places = {place for path in removed for place in above(path)}
    return [place for place in corpus.status().exclusions if place in places]
