"""The command line: parse, call the library, print what `output` made of it, turn errors into exit
codes.

Answers go to stdout; progress, notes and errors to stderr. The only room that prints or exits. A
command's module is imported when that command is asked for, and heavy modules by the command that
needs them, so that a query meets nothing of the others.
"""

from __future__ import annotations

import difflib
import os
import re
import shlex
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from itertools import takewhile
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from searchapp import __version__, config
from searchapp.cli import console
from searchapp.cli.console import Exit
from searchapp.errors import SearchappError, UsageError

# Each command in the order of the help, with its module there and what it does: a function of the
# command's name, or a Typer with commands of its own; a name that Python needs for itself has an
# underscore behind it.
SECTIONS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "Search": {
        "ingest": ("search", "Read documents into the corpus; again: what is new or changed."),
        "query": ("search", "Find the passages that answer a question, best first."),
        "open": ("opening", "Open a match of the last answer at its place."),
        "list": ("search", "List the documents."),
        "show": ("search", "Show a document as it was read, passage by passage."),
        "serve": ("serve", "Serve the corpus: a page for people, an API for programs."),
        "status": ("search", "Show what the corpus holds, and what was left out."),
        "init": ("search", "Make a corpus for this folder, in .searchapp/."),
        "config": ("search", "Show or change what this corpus does by default."),
        "evaluate": ("evaluate", "Measure ranking modes on judged questions."),
    },
    "Upkeep": {
        "remove": ("maintenance", "Take documents out of the corpus; the files stay."),
        "forget": ("maintenance", "Take documents out, leaving no byte of them behind."),
        "check": ("maintenance", "Check that the corpus is what was written, or --repair it."),
        "backup": ("maintenance", "Write the corpus to one file, checksummed."),
        "restore": ("maintenance", "Make a corpus of a backup."),
        "export": ("maintenance", "Write documents and vectors to one file in an open form."),
        "import": ("maintenance", "Take the documents of an export in."),
        "doctor": ("maintenance", "Tell on one page what all is like, and what is wrong."),
    },
    "Embeddings": {
        "embed": ("embed", "Show or write the vectors of text, words or documents."),
        "similar": ("embed", "Show how near texts are, or find duplicates."),
        "words": ("embed", "Group the places of a word by its senses."),
    },
    "Understanding": {
        "classify": ("classify", "Label documents and texts, by hand or by examples."),
        "explain": ("analyze", "Show why two texts are as near as they are."),
        "predict": ("analyze", "Show which words a model expects in a gap."),
        "map": ("map", "Draw the corpus as a map, one page for a browser."),
    },
    "Models": {
        "model": ("model", "List, show and verify models, and have the corpus use another."),
        "tune": ("finetune", "Teach a model your own questions and words."),
    },
}

_DASHED = re.compile(r"-[^\W\d_][^\W_].*")  # a word with a minus, and no option

_MISTYPED = 0.75  # of 1, the likeness of a word to a command that is meant by it

STYLE: dict[str, Any] = {  # of every Typer; its arguments have no common type
    "add_completion": False,
    "pretty_exceptions_enable": False,
    "rich_markup_mode": None,
    "context_settings": {"help_option_names": ["-h", "--help"]},
}


def main(arguments: Sequence[str]) -> int:
    """Run a command line; returns the exit code. A traceback is shown only with `--debug`."""
    options = list(takewhile(lambda word: word != "--", arguments))
    is_debug, is_json = "--debug" in options, "--json" in options
    words = [word for word in options if word != "--debug"] + list(arguments[len(options) :])
    if words and " " in words[0].strip():
        words.insert(0, "query")  # a question without a command
    try:
        code = app(args=words, prog_name="searchapp", standalone_mode=False)
        sys.stdout.flush()
        if note := config.cache_note():
            console.note(note)
        return int(code or 0)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.DONE
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the end of the line: whatever failed becomes a message and an exit code
        if is_debug:
            traceback.print_exc()
        return _report_error(error, words, is_json=is_json)


def _report_error(error: Exception, words: Sequence[str], *, is_json: bool) -> int:
    from searchapp.output.errors import error_json, error_text
    from searchapp.output.serialization import json_text

    if isinstance(error, typer.TyperException):  # a mistake in the command's words
        failure: SearchappError = UsageError(error.format_message(), hint=_usage_hint(words))
    elif isinstance(error, SearchappError):
        failure = error
    else:
        failure = SearchappError(
            f"{type(error).__name__}: {error}", hint="run again with --debug for the details"
        )
        failure.code = "internal"
    message = (
        json_text(error_json(failure))
        if is_json
        else error_text(failure, console.style(sys.stderr))
    )
    console.note(message.rstrip(), is_whole=True)
    return failure.exit_code


def _usage_hint(words: Sequence[str]) -> str:
    """What helps with a mistake in the words of a command line."""
    if words and not words[0].startswith("-") and words[0] not in Commands():
        if difflib.get_close_matches(words[0], Commands(), n=1, cutoff=_MISTYPED):
            return "see --help"
        return f"to ask a question: searchapp query {shlex.join(words)}; for the commands, --help"
    dashed = [word for word in words if _DASHED.fullmatch(word)]
    if words[:1] == ["query"] and dashed:
        return (
            "a word to be left out goes behind --, beside what is asked for: searchapp query "
            f"[OPTIONS] -- WORDS {shlex.join(dashed)}"
        )
    return "see --help"


# ---- commands, each imported when it is asked for ------------------------------------------------


class Commands(Mapping[str, Any]):
    """All commands by name; one is imported and built when it is looked at."""

    def __getitem__(self, name: str) -> Any:  # a command of typer's, whose class has no public name
        module = next(
            (commands[name][0] for commands in SECTIONS.values() if name in commands), None
        )
        if module is None:
            raise KeyError(name)
        room = import_module(f"searchapp.cli.{module}")
        command = getattr(room, f"{name}_", None) or getattr(room, name)
        if isinstance(command, typer.Typer):
            return typer.main.get_command(command)
        alone = typer.Typer(**STYLE)
        alone.command(name)(command)
        return typer.main.get_command(alone)

    def __iter__(self) -> Iterator[str]:
        return (name for commands in SECTIONS.values() for name in commands)

    def __len__(self) -> int:
        return sum(len(commands) for commands in SECTIONS.values())


class Program(TyperGroup):
    """The program's commands, of which a run builds only its own; its help has them by section."""

    def __init__(self, **attributes: Any) -> None:  # passed on
        super().__init__(**attributes | {"commands": {}})
        self.commands = Commands()  # type: ignore[assignment]  # nothing is ever added to it

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - click's context
        """The names of all commands, in the order of the help."""
        return list(self.commands)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:  # typer's own classes
        """Complete the name of a command from the table, without building any of them."""
        from typer._click.shell_completion import CompletionItem

        options = super(TyperGroup, self).shell_complete(ctx, incomplete)
        return options + [
            CompletionItem(name, help=summary)
            for commands in SECTIONS.values()
            for name, (_, summary) in commands.items()
            if name.startswith(incomplete)
        ]

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - click's context and formatter
        """Writes the commands with what each does, section by section."""
        widest = max(len(name) for name in self.commands)
        for section, commands in SECTIONS.items():
            with formatter.section(section):
                formatter.write_dl(
                    [(name.ljust(widest), summary) for name, (_, summary) in commands.items()]
                )


app = typer.Typer(
    cls=Program,
    help="Search your own documents by meaning, on your own machine.",
    epilog="Exit codes: 0 done · 1 nothing matched · 2 usage · 3 done, but some files could not be "
    "read · 4 failed · 5 corpus damaged, "
    "repairable · 6 data lost · 11 another ingest is running · 130 interrupted.",
    **STYLE | {"add_completion": True},  # of the program, not of each command
)


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> int:
    """Search your own documents by meaning, on your own machine."""
    if version:
        console.write(f"searchapp {__version__}\n")
        raise typer.Exit
    if context.invoked_subcommand is None:
        console.note(context.get_help(), is_whole=True)
        raise typer.Exit(Exit.USAGE)
    return Exit.DONE
