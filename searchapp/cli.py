"""The command line: parse, call the corpus, print what `render` made of it, turn errors into exit codes.

Answers go to stdout; progress, notes and errors to stderr. The only module that prints or exits. Heavy modules are imported by
the command that needs them, so that `--help` is fast and a query meets neither torch nor SQLAlchemy.
"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from searchapp import __version__, layout, render, settings
from searchapp.errors import BadFilter, SearchappError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import TextIO

    from searchapp.corpus import Corpus
    from searchapp.layout import Look
    from searchapp.types import Evaluation, Filters, Progress

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Search your own documents by meaning, on your own machine.",
    epilog="Exit codes: 0 done · 1 nothing matched · 2 usage · 3 done, but some files could not be read · 4 failed · 5 corpus damaged, "
    "repairable · 6 data lost · 11 another ingest is running · 130 interrupted.",
)

_NOTHING, _PARTLY, _FAILED, _DAMAGED, _LOST, _INTERRUPTED = 1, 3, 4, 5, 6, 130
_PLAIN_PROGRESS_S = 5.0  # between progress lines where stderr is no terminal
_TELLING_SHARE, _TELLING_S = 0.02, 2.0  # of the work, and of time: what is left is a guess before both have passed
_TYPES = {"markdown": "md", "text": "txt", "python": "py", "htm": "html", "restructuredtext": "rst", "jpeg": "jpg", "yml": "yaml"}

ModeOption = Annotated[
    str | None,
    typer.Option("--mode", metavar="MODE", help="How to rank: cosine, keyword, hybrid or best. Default: the corpus's, or cosine."),
]
WeightOption = Annotated[
    float | None,
    typer.Option("--weight", metavar="X", help="The keyword leg's part in hybrid and best, 0 to 1. Default: the corpus's, or 0.45."),
]
CorpusOption = Annotated[Path | None, typer.Option("--corpus", metavar="DIR", help="The corpus folder.", show_default=False)]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
TimingsOption = Annotated[bool, typer.Option("--timings", help="Tell where the time went, stage by stage.")]
DeviceOption = Annotated[
    str | None, typer.Option("--device", metavar="DEVICE", help="Where to embed: cpu, cuda, or auto, a GPU where there is one.")
]
WithinOption = Annotated[list[str], typer.Option("--in", metavar="PATH|GLOB", help="Only documents at or below; repeatable.")]
TypeOption = Annotated[list[str], typer.Option("--type", metavar="TYPE", help="Only documents of a type, as pdf or md; repeatable.")]
WhereOption = Annotated[
    list[str], typer.Option("--where", metavar="KEY=VALUE", help="Only documents whose metadata say so, as author=Anna; repeatable.")
]
PlacesArgument = Annotated[list[str], typer.Argument(metavar="PATH|GLOB...", help="Documents, or folders of them.")]


def main(arguments: Sequence[str]) -> int:
    """Run a command line; returns the exit code. A traceback is shown only with `--debug`."""
    options = list(takewhile(lambda word: word != "--", arguments))
    is_debug, is_json = "--debug" in options, "--json" in options
    words = [word for word in options if word != "--debug"] + list(arguments[len(options) :])
    try:
        code = app(args=words, prog_name="searchapp", standalone_mode=False)
        sys.stdout.flush()
        return int(code or 0)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return _INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the end of the line: whatever failed becomes a message and an exit code
        if is_debug:
            traceback.print_exc()
        return _report_error(error, is_json=is_json)


# ---- commands ------------------------------------------------------------------------------------------------------


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> int:
    """Search your own documents by meaning, on your own machine."""
    if version:
        _print(f"searchapp {__version__}\n")
        raise typer.Exit
    if context.invoked_subcommand is None:
        _note(context.get_help())
        raise typer.Exit(2)
    return 0


@app.command()
def init(corpus: CorpusOption = None) -> int:
    """Make a corpus for this folder, in .searchapp/; commands below it then use it."""
    from searchapp.corpus import Corpus

    folder = corpus or settings.project_corpus(Path.cwd())
    Corpus.open(settings.load(corpus=folder)).init()
    if corpus is None:
        (folder / ".gitignore").write_text("*\n", encoding="ascii")
    _print(f"corpus ready at {folder}\n")
    return 0


@app.command()
def ingest(
    paths: Annotated[list[str] | None, typer.Argument(metavar="[PATH...]", help="Files or folders; none: refresh all known.")] = None,
    corpus: CorpusOption = None,
    model: Annotated[str | None, typer.Option("--model", metavar="M", help="The encoder: default, a local folder, or a hub name.")] = None,
    include: Annotated[list[str], typer.Option("--include", metavar="GLOB", help="Only files that match; repeatable.")] = [],  # noqa: B006
    exclude: Annotated[list[str], typer.Option("--exclude", metavar="GLOB", help="No files that match; repeatable.")] = [],  # noqa: B006
    prune: Annotated[bool, typer.Option("--prune", help="Remove documents of missing or emptied folders, too.")] = False,
    device: DeviceOption = None,
    timings: TimingsOption = False,
    as_json: JsonOption = False,
) -> int:
    """Read documents into the corpus: what is new or changed is embedded, what is gone is removed."""
    chosen = settings.load(model=model, device=device)
    with _stop_signals() as is_stopped, _progress(sys.stderr) as on_progress:
        report = _corpus(corpus).ingest(
            [Path(_named(path)) for path in paths or []],
            model=chosen.model,
            device=chosen.device,
            include=include,
            exclude=exclude,
            prune=prune,
            on_progress=on_progress,
            is_stopped=is_stopped,
        )
    stages_s = {**report.stages_s, "encoder at work, beside the rest": report.encoder_busy_s} if timings else {}
    _note_stages(stages_s, as_json=as_json)
    told = {"timings_s": render.stages_json(stages_s)} if timings else {}
    _print(render.json_text(render.report_json(report) | told) if as_json else render.report_text(report, _look(sys.stdout)))
    if report.was_interrupted:
        return _INTERRUPTED
    return _PARTLY if report.counts().get("failed") else 0


@app.command()
def query(
    texts: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TEXT...]", help="What you want to know. Several quoted texts are fused into one question."),
    ] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="How many matches.")] = 10,
    mode: ModeOption = None,
    weight: WeightOption = None,
    like: Annotated[list[str], typer.Option("--like", metavar="FILE", help="Find what is like a file; repeatable.")] = [],  # noqa: B006
    like_match: Annotated[
        list[int], typer.Option("--like-match", metavar="N", min=1, help="Find what is like match N of the last answer; repeatable.")
    ] = [],  # noqa: B006
    away: Annotated[list[str], typer.Option("--not", metavar="TEXT", help="Keep away from a meaning; repeatable.")] = [],  # noqa: B006
    within: WithinOption = [],  # noqa: B006
    type_: TypeOption = [],  # noqa: B006
    since: Annotated[str | None, typer.Option("--since", metavar="DATE", help="Only documents from this date on.")] = None,
    before: Annotated[str | None, typer.Option("--before", metavar="DATE", help="Only documents before this date.")] = None,
    where: WhereOption = [],  # noqa: B006
    min_score: Annotated[float | None, typer.Option("--min-score", metavar="X", help="Only matches of this cosine or more.")] = None,
    min_confidence: Annotated[
        float | None,
        typer.Option("--min-confidence", metavar="X", help="Only matches of this confidence or more, 0 to 1; below .5 is doubt."),
    ] = None,
    per_document: Annotated[int | None, typer.Option("--per-document", metavar="N", min=1, help="At most N matches a document.")] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Tell why: each leg, the fusion, and what every word adds to the cosine.")
    ] = False,
    copies: Annotated[bool, typer.Option("--copies", help="Show passages that nearly repeat one another, too.")] = False,
    exact: Annotated[
        bool, typer.Option("--exact", help="Look at every passage; only a corpus of millions is searched approximately otherwise.")
    ] = False,
    literal: Annotated[bool, typer.Option("--literal", help='Take "quotes", -words and title: as plain text.')] = False,
    timings: TimingsOption = False,
    corpus: CorpusOption = None,
    as_json: JsonOption = False,
    as_paths: Annotated[bool, typer.Option("--paths", help="Print the matching files only, a line each.")] = False,
) -> int:
    """Find the passages that answer a question, best first, with the place each stands in.

    Where words are looked for (every mode but cosine), "a phrase" must stand in the passage, -word must not, title:word is in the title.
    """
    from searchapp import lastanswer
    from searchapp.corpus import Corpus

    if as_json and as_paths:
        raise typer.BadParameter("an answer has one form: give --json or --paths", param_hint="--paths")
    look = _look(sys.stdout)
    _show_log()
    begun_s = _since_start_s()
    place = settings.load(corpus=corpus)
    answer = Corpus.open(place).query(
        _questions(texts or []),
        k=k,
        mode=mode,
        weight=weight,
        filters=_filters(within, type_, since, before, where),
        away=away,
        like=[_named(path) for path in like],
        like_passages=[lastanswer.recall(number, corpus=place.corpus, cache=place.cache) for number in like_match],
        min_score=min_score,
        min_confidence=min_confidence,
        per_document=per_document,
        collapse=not copies,
        is_exact=exact,
        is_literal=literal,
        has_highlights=look.width is not None and not as_json and not as_paths,
        has_shares=explain,
    )
    lastanswer.remember(answer, corpus=place.corpus, cache=place.cache)
    for note in render.answer_notes(answer):
        _note(note)
    stages_s = {"start the program": begun_s, **answer.stages_s} if timings else {}
    _note_stages(stages_s, as_json=as_json)
    if as_json:
        told = {"timings_s": render.stages_json(stages_s)} if timings else {}
        _print(render.json_text(render.answer_json(answer) | told))
    else:
        if look.width is not None or answer.mode != "cosine":
            _note(render.how_text(answer))
        _print(render.answer_paths(answer) if as_paths else render.answer_text(answer, look, is_explained=explain))
    return 0 if answer.matches else _NOTHING


@app.command()
def config(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="mode, or weight: the keyword leg's.")] = None,
    value: Annotated[str | None, typer.Argument(metavar="[VALUE]", help="None: show it.")] = None,
    unset: Annotated[bool, typer.Option("--unset", help="As by default again.")] = False,
    corpus: CorpusOption = None,
    as_json: JsonOption = False,
) -> int:
    """Show what this corpus does otherwise than by default, or change it: `config mode hybrid`."""
    opened = _corpus(corpus)
    if name is not None and (unset or value is not None):
        opened.configure(name, None if unset else value)
    found = {key: each for key, each in opened.settings().items() if name in (None, key)}
    _print(render.json_text({"settings": found}) if as_json else render.settings_text(found))
    return 0


@app.command()
def status(
    skipped: Annotated[bool, typer.Option("--skipped", help="List every file that was left out, with the reason.")] = False,
    corpus: CorpusOption = None,
    as_json: JsonOption = False,
) -> int:
    """Show what the corpus holds, which encoder made it, how fresh it is, and what was left out and why."""
    found = _corpus(corpus).status()
    if as_json:
        _print(render.json_text(render.status_json(found)))
    else:
        _print(render.unindexed_text(found.unindexed, _look(sys.stdout)) if skipped else render.status_text(found, _look(sys.stdout)))
    return 0


@app.command(name="list")
def list_(
    within: WithinOption = [],  # noqa: B006
    type_: TypeOption = [],  # noqa: B006
    where: WhereOption = [],  # noqa: B006
    corpus: CorpusOption = None,
    as_json: JsonOption = False,
) -> int:
    """List the documents."""
    rows = _corpus(corpus).documents(_filters(within, type_, where=where))
    _print(render.json_text(render.list_json(rows)) if as_json else render.list_text(rows, _look(sys.stdout)))
    return 0 if rows else _NOTHING


@app.command()
def show(
    place: Annotated[str, typer.Argument(metavar="PATH|GLOB", help="A document.")], corpus: CorpusOption = None, as_json: JsonOption = False
) -> int:
    """Show a document as it was read: its metadata, and its passages with their places."""
    row, metadata, passages = _corpus(corpus).show(_place(place))
    if as_json:
        _print(render.json_text(render.show_json(row, metadata, passages)))
    else:
        _print(render.show_text(row, metadata, passages, _look(sys.stdout)))
    return 0


@app.command()
def remove(places: PlacesArgument, corpus: CorpusOption = None, as_json: JsonOption = False) -> int:
    """Take documents out of the corpus; the files stay. The next ingest of their folder brings them back, unless it is told not to."""
    removed = _corpus(corpus).remove([_place(place) for place in places])
    if as_json:
        _print(render.json_text({"removed": [os.fsdecode(path) for path in removed]}))
    else:
        _print(f"removed {len(removed)} document{'' if len(removed) == 1 else 's'}\n")
    return 0


@app.command()
def forget(
    places: Annotated[list[str] | None, typer.Argument(metavar="[PATH|GLOB...]", help="None: what was removed before.")] = None,
    corpus: CorpusOption = None,
    as_json: JsonOption = False,
) -> int:
    """Take documents out so that no byte of their text is left in any file of the corpus, nor in the backups beside it."""
    removed, backups = _corpus(corpus).forget([_place(place) for place in places or []])
    if as_json:
        _print(render.json_text({"forgotten": [os.fsdecode(path) for path in removed], "deleted_backups": backups}))
    else:
        _print("".join(f"deleted {name}, which held the text\n" for name in backups))
        _print(f"forgot {layout.counted(len(removed), 'document')}; what was removed before is cleared away, too\n")
    return 0


@app.command()
def check(
    is_full: Annotated[bool, typer.Option("--full", help="Every byte, by its digest.")] = False,
    repair: Annotated[bool, typer.Option("--repair", help="Make it sound again, after a copy of it was made.")] = False,
    corpus: CorpusOption = None,
    as_json: JsonOption = False,
) -> int:
    """Check that the corpus is what was written; with --repair, keep what is, read the rest again, and list what is lost."""
    opened = _corpus(corpus)
    if repair:
        with _stop_signals() as is_stopped, _progress(sys.stderr) as on_progress:
            found = opened.repair(on_progress=on_progress, is_stopped=is_stopped)
        _print(render.json_text(render.salvage_json(found)) if as_json else render.salvage_text(found, _look(sys.stdout)))
        return _LOST if found and found.lost else 0
    findings = opened.check(is_full=is_full)
    _print(render.json_text(render.findings_json(findings)) if as_json else render.findings_text(findings, _look(sys.stdout)))
    if findings:
        _note("to mend it: searchapp check --repair")
    if any(finding.is_lost for finding in findings):
        return _LOST
    return _DAMAGED if findings else 0


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to; what is there is replaced.")],
    corpus: CorpusOption = None,
    as_json: JsonOption = False,
) -> int:
    """Write the corpus to one file, checksummed; ingests and queries go on meanwhile."""
    from searchapp.local import LocalBackend

    held = LocalBackend(settings.load(corpus=corpus).corpus).back_up(file)
    told = f"{layout.counted(held['documents'], 'document')} of generation {held['generation']} are in {file}\n"
    _print(render.json_text(dict(held)) if as_json else told)
    return 0


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup.")],
    corpus: CorpusOption = None,
    as_json: JsonOption = False,
) -> int:
    """Make a corpus of a backup, where there is none yet, and check all of it."""
    from searchapp.local import LocalBackend

    folder = settings.load(corpus=corpus).corpus
    held = LocalBackend(folder).restore(file)
    told = f"{layout.counted(held['documents'], 'document')} of generation {held['generation']} restored to {folder}, and checked\n"
    _print(render.json_text(dict(held)) if as_json else told)
    return 0


@app.command()
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to, as corpus.jsonl.gz; what is there is replaced.")],
    corpus: CorpusOption = None,
    as_json: JsonOption = False,
) -> int:
    """Write all documents with their vectors to one file in an open form, for another machine or another corpus."""
    from searchapp.local import LocalBackend

    documents = LocalBackend(settings.load(corpus=corpus).corpus).export(file)
    _print(render.json_text({"documents": documents}) if as_json else f"exported {layout.counted(documents, 'document')}\n")
    return 0


@app.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An export.")],
    moves: Annotated[
        list[str], typer.Option("--move", metavar="OLD=NEW", help="Paths below OLD are below NEW on this machine; repeatable.")
    ] = [],  # noqa: B006
    corpus: CorpusOption = None,
    as_json: JsonOption = False,
) -> int:
    """Take the documents of an export in, without embedding them again."""
    counts = _corpus(corpus).take_in(file, moved=_mover(moves))
    told = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count or name == "imported")
    _print(render.json_text({"counts": dict(counts)}) if as_json else f"{told}\n")
    return 0


@app.command()
def doctor(corpus: CorpusOption = None, as_json: JsonOption = False) -> int:
    """Tell on one page what the program, the machine, the model and the corpus are like, and what is wrong with any of them."""
    from searchapp.doctor import diagnose

    found = diagnose(settings.load(corpus=corpus))
    _print(render.json_text(render.diagnosis_json(found)) if as_json else render.diagnosis_text(found, _look(sys.stdout)))
    return _FAILED if found.problems else 0


@app.command()
def evaluate(
    judged: Annotated[
        Path,
        typer.Argument(
            metavar="DIR|FILE",
            help="A judged collection: corpus.jsonl, queries.jsonl, qrels/test.tsv. With --corpus, a file of your own judgements: a table "
            "(commas, semicolons or tabs) with the columns question, path and, if you like, grade, or JSON lines with these keys; "
            "paths are absolute, or relative to the file's folder.",
        ),
    ],
    modes: Annotated[list[str], typer.Option("--mode", metavar="MODE", help="A ranking mode; repeatable. Default: all.")] = [],  # noqa: B006
    weights: Annotated[
        list[float],
        typer.Option("--weight", metavar="X", min=0, max=1, help="The keyword leg's part in hybrid and best, 0 to 1; repeatable."),
    ] = [],  # noqa: B006
    corpus: Annotated[
        Path | None, typer.Option("--corpus", metavar="DIR", help="Measure on your own corpus, which is only read.", show_default=False)
    ] = None,
    run_file: Annotated[Path | None, typer.Option("--run-file", metavar="F", help="Write the top 100 in TREC form; one --mode.")] = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="F", help="Draw a bar chart, .svg or .png; takes `pip install 'searchapp[plot]'`.")
    ] = None,
    model: Annotated[str | None, typer.Option("--model", metavar="M", help="The encoder: default, a local folder, or a hub name.")] = None,
    device: DeviceOption = None,
    as_json: JsonOption = False,
) -> int:
    """Measure ranking modes on judged questions: nDCG@10, Recall@100, MRR@10, time, and whether differences may be chance."""
    from searchapp import scoreboard
    from searchapp.evaluate import compare, write_run
    from searchapp.plot import require_plot, write_plot

    if run_file is not None and (len(set(modes)) != 1 or len(set(weights)) > 1):
        raise typer.BadParameter("a run file holds one mode: give --mode once, and one --weight at most", param_hint="--run-file")
    if corpus is not None and model is not None:
        raise typer.BadParameter("a corpus has its own encoder: leave --model out", param_hint="--model")
    if plot is not None:
        require_plot(plot)
    _show_log()
    chosen = settings.load(corpus=corpus, model=model, device=device)
    results = _evaluations(judged, chosen, is_own=corpus is not None, modes=modes, weights=weights)
    if run_file is not None:
        write_run(run_file, results[0])
    if plot is not None:
        write_plot(plot, results)
    compared = compare(results)
    if as_json:
        _print(render.json_text(scoreboard.evaluation_json(results, compared)))
    else:
        _print(scoreboard.evaluation_text(results, compared, _look(sys.stdout)))
    return 0


def _evaluations(
    judged: Path, chosen: settings.Settings, *, is_own: bool, modes: Sequence[str], weights: Sequence[float]
) -> list[Evaluation]:
    """The figures of a collection, or of one's own corpus; no modes are all of them."""
    from searchapp.corpus import DEFAULT_MODEL
    from searchapp.encode import load_encoder, open_encoder
    from searchapp.evaluate import evaluate, evaluate_corpus
    from searchapp.local import LocalBackend
    from searchapp.rank import MODES

    modes = modes or MODES
    with _interruptible():
        if is_own:
            backend, cache = LocalBackend(chosen.corpus), chosen.cache
            return evaluate_corpus(
                judged, backend, lambda made_by: open_encoder(made_by, cache=cache), modes=modes, weights=weights, on_note=_note
            )
        with _progress(sys.stderr) as on_progress:
            return evaluate(
                judged,
                lambda: load_encoder(chosen.model or DEFAULT_MODEL, cache=chosen.cache, device=chosen.device),
                modes=modes,
                weights=weights,
                on_progress=on_progress,
                on_note=_note,
            )


# ---- arguments -----------------------------------------------------------------------------------------------------


def _corpus(folder: Path | None) -> Corpus:
    from searchapp.corpus import Corpus

    _show_log()
    return Corpus.open(settings.load(corpus=folder))


def _show_log() -> None:
    """Let the library's own log reach stderr: the rare things that take time or went otherwise than expected."""
    log = logging.getLogger("searchapp")
    if not log.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(message)s"))
        log.addHandler(handler)
        log.setLevel(logging.INFO)


def _filters(
    within: Sequence[str], types: Sequence[str], since: str | None = None, before: str | None = None, where: Sequence[str] = ()
) -> Filters:
    from searchapp.types import Filters

    since_ns, before_ns = _moment(since, "--since"), _moment(before, "--before")
    if since_ns is not None and before_ns is not None and since_ns >= before_ns:
        raise BadFilter(f"nothing is from {since} on and before {before}", hint="--since is the earlier date, --before the later one")
    return Filters(
        within=tuple(_place(place) for place in within),
        types=tuple(_type(name) for name in types),
        where=tuple(_condition(text) for text in where),
        since_ns=since_ns,
        before_ns=before_ns,
    )


def _questions(texts: Sequence[str]) -> list[str]:
    """The questions among the words of a command line: single words alone are one question that was not quoted."""
    return list(texts) if any(" " in text.strip() for text in texts) else [" ".join(texts)] if texts else []


def _place(text: str) -> str:
    """A path made absolute; a glob that is no path stays as it is."""
    _named(text)
    is_glob = any(character in text for character in "*?[") and not os.path.lexists(text)
    if is_glob and not text.startswith(("./", "../", "~")):
        return text
    return os.path.abspath(os.path.expanduser(text))  # noqa: PTH100, PTH111 - pathlib fails at a user it does not know


def _named(path: str) -> str:
    """The path as it is; raises BadFilter for "", which would be the working directory."""
    if not path:
        raise BadFilter("an empty path", hint="name a file, a folder or a glob; '.' is the working directory")
    return path


def _mover(moves: Sequence[str]) -> Callable[[bytes], bytes]:
    """What gives a path of another machine its place on this one, by the first OLD=NEW that it is below."""
    pairs = []
    for text in moves:
        old, sign, new = text.partition("=")
        if not (old and sign and new):
            raise BadFilter(f"--move: {text!r} is no move", hint="write it as --move /home/anna=/home/bob")
        pairs.append((os.fsencode(old.rstrip("/")), os.fsencode(_place(new))))

    def moved(path: bytes) -> bytes:
        for old, new in pairs:
            if path == old or path.startswith(old + b"/"):
                return new + path[len(old) :]
        return path

    return moved


def _type(text: str) -> str:
    name = text.lower().lstrip(".")
    if not name:
        raise BadFilter("an empty type", hint="name one, as pdf or md; `searchapp list` shows those of the corpus")
    return _TYPES.get(name, name)


def _condition(text: str) -> tuple[str, str]:
    """A condition on metadata, its name and value."""
    name, sign, value = text.partition("=")
    if not (name.strip() and sign and value.strip()):
        hint = "write it as author=Anna or tags='*travel*'; `searchapp show` lists the metadata of a document"
        raise BadFilter(f"--where: {text!r} is no condition", hint=hint)
    return name.strip(), value.strip()


def _moment(text: str | None, option: str) -> int | None:
    from searchapp.records import moment_ns

    if text is None:
        return None
    try:
        return moment_ns(text)
    except ValueError as error:
        raise BadFilter(f"{option}: {text!r} is not a date", hint="write it as 2024-05-31, 2024-05 or 2024") from error


# ---- printing ------------------------------------------------------------------------------------------------------


def _print(text: str) -> None:
    """Write an answer; names that are not valid UTF-8 come out as the bytes that they are."""
    sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))


def _note(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _note_stages(stages_s: Mapping[str, float], *, as_json: bool) -> None:
    if stages_s and not as_json:
        _note(render.stages_text(stages_s, _look(sys.stderr)).rstrip("\n"))


def _since_start_s() -> float:
    """How long this process has been running, within a hundredth of a second; 0 where the system does not tell."""
    try:
        began_ticks = int(Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19])
        return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - began_ticks / os.sysconf("SC_CLK_TCK"))
    except (OSError, ValueError, AttributeError, IndexError):
        return 0.0


def _look(stream: TextIO) -> Look:
    is_terminal = stream.isatty()
    return layout.Look(
        width=shutil.get_terminal_size().columns if is_terminal else None,
        color=settings.wants_color(stream),
        links=is_terminal and settings.terminal_has_links(),
        base=os.fsencode(Path.cwd()) if is_terminal else None,
    )


def _report_error(error: Exception, *, is_json: bool) -> int:
    if isinstance(error, typer.TyperException):  # a mistake in the command's words
        failure, code = SearchappError(error.format_message(), hint="see --help"), 2
        failure.code = "usage"
    elif isinstance(error, SearchappError):
        failure, code = error, error.exit_code
    else:
        failure, code = SearchappError(f"{type(error).__name__}: {error}", hint="run again with --debug for the details"), _FAILED
        failure.code = "internal"
    _note(render.json_text(render.error_json(failure)).rstrip() if is_json else render.error_text(failure, _look(sys.stderr)).rstrip())
    return code


@contextmanager
def _stop_signals() -> Iterator[Callable[[], bool]]:
    """Ctrl-C and SIGTERM ask the work to stop after its next commit; a second one ends it at once."""
    stop = threading.Event()

    def ask(_: int, __: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        _note("finishing the current commit; once more to stop at once")

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _interruptible() -> Iterator[None]:
    """SIGTERM ends the work as Ctrl-C does: what is temporary is cleared away."""

    def interrupt(_: int, __: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _progress(stream: TextIO) -> Iterator[Callable[[Progress], None]]:
    """A bar on a terminal; elsewhere a line now and then."""
    if stream.isatty():
        with _bar() as on_progress:
            yield on_progress
    else:
        yield _plain_progress(stream)


@contextmanager
def _bar() -> Iterator[Callable[[Progress], None]]:
    from rich import progress as bars
    from rich.console import Console

    columns = (
        bars.TextColumn("embedding"),
        bars.BarColumn(),
        bars.TextColumn("{task.fields[told]}"),
    )
    with bars.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None, told="")

        def show(state: Progress) -> None:
            bar.update(task, total=1.0 if state.share else None, completed=state.share, told=_progress_text(state))

        yield show


def _plain_progress(stream: TextIO) -> Callable[[Progress], None]:
    last = time.monotonic()

    def show(state: Progress) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < _PLAIN_PROGRESS_S:
            return
        last = now
        stream.write(f"{_progress_text(state)}\n")
        stream.flush()

    return show


def _progress_text(state: Progress) -> str:
    """How far the work is, at what rate, and how long the rest takes once enough is done to tell."""
    rate = state.passages / max(state.took_s, 0.1)
    told = f"{state.files_done}/{state.files_total} files, {state.passages} passages, {rate:.0f}/s"
    is_telling = state.share >= _TELLING_SHARE and state.took_s >= _TELLING_S
    return f"{told}, about {layout.human_duration(state.left_s)} left" if is_telling else told
