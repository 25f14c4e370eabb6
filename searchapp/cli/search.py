"""The commands of every day: ingest, query, and what the corpus holds."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from searchapp import config as settings
from searchapp.cli import console
from searchapp.cli.console import Exit
from searchapp.cli.everyday import answer_written, list_written, parsed_question, show_written
from searchapp.cli.options import (
    CorpusOption,
    DeviceOption,
    JsonOption,
    LabelOption,
    ModelOption,
    ModeOption,
    SecretsOption,
    TimingsOption,
    TypeOption,
    WeightOption,
    WhereOption,
    WithinOption,
    corpus_at,
    questions_of,
    said_by,
)
from searchapp.output.serialization import json_text
from searchapp.types.documents import WITH_SECRETS
from searchapp.types.filters import Filters
from searchapp.types.places import resolve_place

if TYPE_CHECKING:
    from searchapp.cli.everyday import Written


def init(corpus: CorpusOption = None) -> int:
    """Make a corpus for this folder, in .searchapp/; commands below it then use it."""
    from searchapp.corpus import Corpus

    place = corpus or settings.project_corpus(Path.cwd())
    Corpus.open(settings.load(corpus=place)).init()
    if corpus is None:
        Path(place, ".gitignore").write_text("*\n", encoding="ascii")
    console.write(f"corpus ready at {place}\n")
    return 0


def ingest(
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PATH...]", help="Files or folders; none: refresh all known."),
    ] = None,
    corpus: CorpusOption = None,
    model: ModelOption = None,
    include: Annotated[
        list[str],
        typer.Option("--include", metavar="GLOB", help="Only files that match; repeatable."),
    ] = [],
    exclude: Annotated[
        list[str],
        typer.Option("--exclude", metavar="GLOB", help="No files that match; repeatable."),
    ] = [],
    secrets: SecretsOption = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Remove documents of missing or emptied folders, too.")
    ] = False,
    retry: Annotated[
        bool, typer.Option("--retry", help="Read what failed before again, too.")
    ] = False,
    device: DeviceOption = None,
    timings: TimingsOption = False,
    as_json: JsonOption = False,
) -> int:
    """Read documents into the corpus: what is new or changed is embedded, what is gone
    is removed.
    """
    from searchapp.output.reports import report_json, report_text, stages_json

    chosen = settings.load(model=model, device=device)
    with console.stop_signals() as is_stopped, console.progress(sys.stderr) as on_progress:
        report = corpus_at(corpus).ingest(
            paths or [],
            model=chosen.model,
            device=chosen.device,
            include=include,
            exclude=[*exclude, *([WITH_SECRETS] if secrets else [])],
            prune=prune,
            retry=retry,
            on_progress=on_progress,
            is_stopped=is_stopped,
        )
    stages_s = (
        {**report.stages_s, "encoder at work, beside the rest": report.encoder_busy_s}
        if timings
        else {}
    )
    console.note_stages(stages_s, as_json=as_json)
    timings_json = {"timings_s": stages_json(stages_s)} if timings else {}
    console.write(
        json_text(report_json(report) | timings_json)
        if as_json
        else report_text(report, console.style(sys.stdout))
    )
    if report.was_interrupted:
        return Exit.INTERRUPTED
    return Exit.PARTLY if report.has_failures else 0


TextsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[TEXT...]",
        help="What you want to know; - reads it from standard input. Several quoted texts are "
        "fused into one question.",
    ),
]
LikeOption = Annotated[list[str], said_by("--like")]
LikeMatchOption = Annotated[list[int], said_by("--like-match")]
NegativeOption = Annotated[list[str], said_by("--not")]
SinceOption = Annotated[str | None, said_by("--since")]
BeforeOption = Annotated[str | None, said_by("--before")]
MinScoreOption = Annotated[float | None, said_by("--min-score")]
MinConfidenceOption = Annotated[float | None, said_by("--min-confidence")]
PerDocumentOption = Annotated[int | None, said_by("--per-document")]
ExplainOption = Annotated[bool, said_by("--explain")]
CopiesOption = Annotated[bool, said_by("--copies")]
ExactOption = Annotated[bool, said_by("--exact")]
LiteralOption = Annotated[bool, said_by("--literal")]
NoServerOption = Annotated[
    bool, typer.Option("--no-server", help="Ask no living server of this corpus.")
]
AsPathsOption = Annotated[
    bool, typer.Option("--paths", help="Print the k best files only, a line each.")
]
NullOption = Annotated[
    bool,
    typer.Option("--null", "-0", help="End each of --paths by NUL, for names of any characters."),
]


def query(
    texts: TextsArgument = None,
    k: Annotated[int, said_by("-k")] = 10,
    mode: ModeOption = None,
    weight: WeightOption = None,
    like: LikeOption = [],
    like_match: LikeMatchOption = [],
    negative: NegativeOption = [],
    within: WithinOption = [],
    type_: TypeOption = [],
    since: SinceOption = None,
    before: BeforeOption = None,
    where: WhereOption = [],
    label: LabelOption = [],
    min_score: MinScoreOption = None,
    min_confidence: MinConfidenceOption = None,
    per_document: PerDocumentOption = None,
    explain: ExplainOption = False,
    copies: CopiesOption = False,
    exact: ExactOption = False,
    literal: LiteralOption = False,
    timings: TimingsOption = False,
    corpus: CorpusOption = None,
    as_json: JsonOption = False,
    as_paths: AsPathsOption = False,
    null: NullOption = False,
    no_server: NoServerOption = False,  # noqa: ARG001 - `thin_client` looks at it
) -> int:
    """Find the passages that answer a question, best first, with the place each stands in.

    Where words are looked for (every mode but cosine), "a phrase" must stand in the passage, -word
    must not, title:word is in the title.
    """
    from searchapp.cli import last_answer
    from searchapp.corpus import Corpus

    form, style = _form(as_json=as_json, as_paths=as_paths, null=null), console.style(sys.stdout)
    console.show_log()
    begun_s = console.since_start_s()
    place = settings.load(corpus=corpus)
    question = parsed_question(
        questions_of(texts or []), style, form=form, k=k, mode=mode, weight=weight,
        negative=negative, like=like,
        like_passages=[last_answer.recall(rank, place.place, place.cache) for rank in like_match],
        within=within, types=type_, since=since, before=before, where=where, labels=label,
        min_score=min_score, min_confidence=min_confidence, per_document=per_document,
        collapse=not copies, exact=exact, literal=literal, shares=explain,
    )  # fmt: skip
    answer = Corpus.open(place).query(question)
    last_answer.remember(answer, place.place, place.cache)
    stages_s = {"start the program": begun_s, **answer.stages_s} if timings else {}
    return _write(answer_written(answer, style, form=form, explained=explain, stages_s=stages_s))


def _form(*, as_json: bool, as_paths: bool, null: bool) -> str:
    """The form of an answer; raises BadParameter for two at once, and for what fits none."""
    if null and not as_paths:
        raise typer.BadParameter("it ends the paths of --paths", param_hint="--null")
    if as_json and as_paths:
        raise typer.BadParameter(
            "an answer has one form: give --json or --paths", param_hint="--paths"
        )
    return "json" if as_json else "null" if null else "paths" if as_paths else "text"


def _write(written: Written) -> int:
    """Write what a command has to say; returns its exit code."""
    for note in written.notes:
        console.note(note)
    console.write(written.text)
    return written.exit_code


def config(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="mode, or weight: the keyword leg's.")
    ] = None,
    value: Annotated[str | None, typer.Argument(metavar="[VALUE]", help="None: show it.")] = None,
    unset: Annotated[bool, typer.Option("--unset", help="As by default again.")] = False,
    corpus: CorpusOption = None,
    as_json: JsonOption = False,
) -> int:
    """Show what this corpus does otherwise than by default, or change it: `config mode hybrid`."""
    from searchapp.output.corpus import settings_text

    opened = corpus_at(corpus)
    if name is not None and (unset or value is not None):
        opened.configure(name, None if unset else value)
    shown = {key: setting for key, setting in opened.settings().items() if name in (None, key)}
    console.write(json_text({"settings": shown}) if as_json else settings_text(shown))
    return 0


def status(
    skipped: Annotated[
        bool, typer.Option("--skipped", help="List every file that was left out, with the reason.")
    ] = False,
    corpus: CorpusOption = None,
    as_json: JsonOption = False,
) -> int:
    """Show what the corpus holds, which encoder made it, how fresh it is, and what was left out and
    why.
    """
    from searchapp.maintenance.encodings import encodings_of
    from searchapp.output import models
    from searchapp.output.corpus import status_json, status_text, unindexed_text

    opened, style = corpus_at(corpus), console.style(sys.stdout)
    corpus_status, others = opened.status(), encodings_of(opened.backend).others
    if as_json:
        console.write(
            json_text(status_json(corpus_status) | {"encodings": models.encodings_json(others)})
        )
    elif skipped:
        console.write(unindexed_text(corpus_status.unindexed, style))
    else:
        console.write(
            status_text(corpus_status, style)
            + models.encodings_text(others, corpus_status.documents)
        )
    return 0


def list_(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="Only files whose name has this in it, or a glob."),
    ] = None,
    within: WithinOption = [],
    type_: TypeOption = [],
    where: WhereOption = [],
    label: LabelOption = [],
    corpus: CorpusOption = None,
    as_json: JsonOption = False,
    no_server: NoServerOption = False,  # noqa: ARG001 - `thin_client` looks at it
) -> int:
    """List the documents."""
    if name and "/" in name:
        within, name = [*within, name], None
    filters = Filters.parse(within=within, types=type_, where=where, labels=label)
    form, style = "json" if as_json else "text", console.style(sys.stdout)
    return _write(list_written(corpus_at(corpus), filters, name or "", style, form=form))


def show(
    place: Annotated[str, typer.Argument(metavar="PATH|GLOB|NAME", help="A document.")],
    corpus: CorpusOption = None,
    as_json: JsonOption = False,
    no_server: NoServerOption = False,  # noqa: ARG001 - `thin_client` looks at it
) -> int:
    """Show a document as it was read: its metadata, and its passages with their places."""
    name, form = None if "/" in place else place, "json" if as_json else "text"
    style = console.style(sys.stdout)
    return _write(show_written(corpus_at(corpus), resolve_place(place), name, style, form=form))
