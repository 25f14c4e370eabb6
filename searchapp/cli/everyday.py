"""What the commands of every day write: `query`, `list` and `show`, each as a value.

The command itself writes it, and so does a living server for a command line that asks it: both have
the same bytes. Calls the corpus and `output`; prints nothing and knows no terminal but by its
style.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from searchapp.cli import last_answer
from searchapp.cli.console import Exit
from searchapp.errors import UsageError
from searchapp.output import answers
from searchapp.output.serialization import json_text
from searchapp.output.terminal import PLAIN, TerminalStyle, broken, style_for
from searchapp.search.query_options import ON_COMMAND_LINE, questions_among
from searchapp.types.filters import Filters

if TYPE_CHECKING:
    from searchapp.config import Settings
    from searchapp.corpus import Corpus
    from searchapp.search.query import Query
    from searchapp.types.results import Answer


class Written(NamedTuple):
    """What a command writes, and the code that it ends with."""

    text: str  # to standard output
    notes: Sequence[str] = ()  # to standard error, a line each
    exit_code: int = Exit.DONE


def answer_written(
    answer: Answer,
    style: TerminalStyle = PLAIN,
    *,
    form: str = "text",
    explained: bool = False,
    stages_s: Mapping[str, float] | None = None,
) -> Written:
    """An answer in a form, "json", "paths", "null" or "text", with its notes beside it."""
    notes = answers.answer_notes(answer)
    exit_code = Exit.DONE if answer.matches else Exit.NOTHING
    if form == "json":
        values = answers.answer_json(answer)
        if stages_s:
            from searchapp.output.reports import stages_json

            values = values | {"timings_s": stages_json(stages_s)}
        return Written(json_text(values), notes, exit_code)
    if stages_s:
        from searchapp.output.reports import stages_text

        notes.append(stages_text(stages_s, style).rstrip("\n"))
    if style.width is not None or answer.mode != "cosine":
        in_columns = form == "text" and style.width is None
        notes.append(answers.how_text(answer, in_columns=in_columns))
    if form in ("paths", "null"):
        is_quoted = style.width is not None
        text = answers.answer_paths(answer, null=form == "null", is_quoted=is_quoted)
    else:
        text = answers.answer_text(answer, style, explained=explained)
    return Written(text, notes, exit_code)


def list_written(
    corpus: Corpus,
    filters: Filters,
    name: str = "",
    style: TerminalStyle = PLAIN,
    *,
    form: str = "text",
) -> Written:
    """The documents that pass, whose file has a name, or matches it as a glob."""
    from searchapp.output.corpus import list_json, list_text

    rows = corpus.documents(filters, name)
    notes = corpus.unmatched(filters, (row.path for row in rows))
    if not notes and name and not rows:
        notes = [corpus.unnamed(name)]
    text = json_text(list_json(rows)) if form == "json" else list_text(rows, style)
    return Written(text, notes, Exit.DONE if rows else Exit.NOTHING)


def show_written(
    corpus: Corpus,
    place: str,
    name: str | None = None,
    style: TerminalStyle = PLAIN,
    *,
    form: str = "text",
) -> Written:
    """The document at a place, or else the one of a name, as it was read."""
    from searchapp.output.corpus import show_json, show_text

    row, metadata, passages = corpus.show(place, name=name)
    if form == "json":
        return Written(json_text(show_json(row, metadata, passages)))
    return Written(show_text(row, metadata, passages, style))


def parsed_question(
    texts: Sequence[str], style: TerminalStyle = PLAIN, *, form: str = "text", **options: Any
) -> Query:
    """The question of a command line; `options` as `Query.parse` takes them."""
    from searchapp.search.query import Query

    if form in ("paths", "null") and options.get("per_document") is None:
        options["per_document"] = 1  # k files, not k passages of fewer
    has_marks = form == "text" and style.width is not None
    return Query.parse(texts, highlights=has_marks, **options)


def written(corpus: Corpus, settings: Settings, asked: Mapping[str, Any]) -> Written:
    """What a command writes that `thin_client` asks a server for; no file is read for it. Raises
    what the command does, and UsageError for `--like`, which names a file.
    """
    if "--like" in asked["options"]:
        raise UsageError("a server reads no file that a command line names", hint="--no-server")
    style = style_for(**asked["style"]) if asked["style"] else PLAIN
    form, words = asked["form"], asked["words"]
    options = {ON_COMMAND_LINE[flag].keyword: value for flag, value in asked["options"].items()}
    if asked["command"] == "query":
        result = _query_written(corpus, settings, words, style, form, options)
    elif asked["command"] == "list":
        filters = Filters.parse(**options)
        result = list_written(corpus, filters, "".join(words), style, form=form)
    else:
        name, place = words
        result = show_written(corpus, place, name or None, style, form=form)
    notes = [broken(note, asked["note_columns"]) for note in result.notes]
    return result._replace(notes=notes)


def _query_written(
    corpus: Corpus,
    settings: Settings,
    words: Sequence[str],
    style: TerminalStyle,
    form: str,
    options: dict[str, Any],
) -> Written:
    recalled = [
        last_answer.recall(rank, settings.place, settings.cache)
        for rank in options.pop("like_passages", ())
    ]
    options["collapse"] = not options.pop("collapse", False)  # asked for as copies
    question = parsed_question(
        questions_among(words), style, form=form, like_passages=recalled, **options
    )
    answer = corpus.query(question)
    last_answer.remember(answer, settings.place, settings.cache)
    return answer_written(answer, style, form=form, explained=question.shares)
