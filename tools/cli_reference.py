"""Write the reference of the command line, as a page and as a manual page, from the commands' own
help: `python -m tools.cli_reference`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from typer.main import get_command

from searchapp.cli.app import SECTIONS, Commands, app

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "reference" / "cli.md"
MANUAL = ROOT / "docs" / "searchapp.1"
COLUMNS = 80

PAGE_HEAD = """\
# Command line

`searchapp COMMAND`; `searchapp COMMAND --help` prints what stands here, and `man searchapp` shows
the same as a manual page. This page is made from the program by `make reference`.

## searchapp

"""

MANUAL_FILES = [
    ("$XDG_CONFIG_HOME/searchapp/config.toml", "Defaults for corpus, model, device and mode."),
    (".searchapp/", "The corpus of a folder, made by init and found from every folder below."),
    (".searchappignore", "Files to leave out, in the language of .gitignore."),
]
MANUAL_ENVIRONMENT = [
    ("SEARCHAPP_CORPUS", "The corpus folder, where --corpus is not given."),
    ("SEARCHAPP_MODEL", "The encoder, where --model is not given."),
    ("SEARCHAPP_DEVICE", "Where to embed: cpu, cuda or auto."),
    ("SEARCHAPP_ENGINE", "What embeds passages on the processor: auto or openvino."),
    ("SEARCHAPP_CACHE", "The folder of converted models."),
    ("VISUAL, EDITOR", "The editor in which open opens the lines of texts."),
]


class Entry(NamedTuple):
    """A command as it is called, with typer's command and its context, of no public type."""

    words: str
    command: Any
    context: Any


def entries() -> Iterator[Entry]:
    """Every command in the order of the help, each followed by the commands that it has."""
    commands = Commands()
    top = _program().context
    for name in commands:
        yield from _entries(f"searchapp {name}", commands[name], top)


def _program() -> Entry:
    root: Any = get_command(app)
    settings = root.context_settings | {"terminal_width": COLUMNS}
    return Entry("searchapp", root, root.context_class(root, info_name="searchapp", **settings))


def _entries(words: str, command: Any, parent: Any) -> Iterator[Entry]:
    context = command.context_class(
        command, info_name=words.rpartition(" ")[2], parent=parent, **command.context_settings
    )
    yield Entry(words, command, context)
    for name, inner in getattr(command, "commands", {}).items():
        yield from _entries(f"{words} {name}", inner, context)


def page() -> str:
    """The reference as Markdown: the help of each command, as it is printed."""
    program = _program()
    parts = [PAGE_HEAD, _fenced(program.command.get_help(program.context))]
    for words, command, context in entries():
        level = "##" if words.count(" ") == 1 else "###"
        parts.append(f"\n{level} {words.removeprefix('searchapp ')}\n\n")
        parts.append(_fenced(command.get_help(context)))
    return "".join(parts)


def _fenced(text: str) -> str:
    body = "\n".join(line.rstrip() for line in text.strip().splitlines())
    return f"```text\n{body}\n```\n"


def manual() -> str:
    """The reference as a manual page in the macros of man(7)."""
    root = _program().command
    summary = root.help.strip().rstrip(".")
    parts = [
        '.TH SEARCHAPP 1 "" "searchapp" "User Commands"\n',
        f".SH NAME\nsearchapp \\- {_roff(summary[0].lower() + summary[1:])}\n",
        ".SH SYNOPSIS\n.B searchapp\n.I COMMAND\n[\\fIOPTIONS\\fR] [\\fIARGUMENTS\\fR]\n",
        ".SH DESCRIPTION\n",
        _roff(
            "ingest reads documents into a corpus; query finds the passages that answer a "
            "question. Nothing leaves the machine. Every command prints its own help with --help."
        ),
        "\n",
    ]
    by_name: dict[str, list[Entry]] = {}
    for entry in entries():
        by_name.setdefault(entry.words.split()[1], []).append(entry)
    for section, commands in SECTIONS.items():
        parts.append(f".SH {section.upper()}\n")
        for name in commands:
            parts.extend(_manual_entry(entry) for entry in by_name[name])
    parts.append(".SH EXIT STATUS\n")
    for code, meaning in re.findall(r"(\d+) ([^·]+?)(?: ·|\.$)", root.epilog or ""):
        parts.append(f".TP\n.B {code}\n{_roff(meaning)}\n")
    for title, rows in (("ENVIRONMENT", MANUAL_ENVIRONMENT), ("FILES", MANUAL_FILES)):
        parts.append(f".SH {title}\n")
        parts.extend(f".TP\n.B {_roff(name)}\n{_roff(use)}\n" for name, use in rows)
    return "".join(parts)


def _manual_entry(entry: Entry) -> str:
    words, command, context = entry
    usage = " ".join(command.collect_usage_pieces(context))
    lines = [f".SS {_roff(words)} {_roff(usage)}\n"]
    for number, paragraph in enumerate((command.help or "").strip().split("\n\n")):
        lines.append((".PP\n" if number else "") + _roff(" ".join(paragraph.split())) + "\n")
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is None:
            continue
        declared, use = record
        lines.append(f".TP\n.B {_roff(declared)}\n{_roff(' '.join(use.split()))}\n")
    return "".join(lines)


def _roff(text: str) -> str:
    """Text in which nothing is an escape, a request or a hyphen that may be broken."""
    safe = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", safe, flags=re.MULTILINE)


def main() -> None:
    """Write both."""
    PAGE.write_text(page(), encoding="utf-8")
    MANUAL.write_text(manual(), encoding="utf-8")


if __name__ == "__main__":
    main()
