"""The pages do what they say: every command and every block of Python runs, from top to bottom of a
page, and prints what is shown; every figure is that of its results file; what is generated is
current.
"""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import chdir, redirect_stdout
from pathlib import Path
from typing import NamedTuple

import pytest

from searchapp import errors
from searchapp.cli import app
from searchapp.extract.file_types import CURES, WORDS_OF
from searchapp.extract.registry import READERS
from tests.builders.program import MODULE, Program
from tests.paths import DATA, PACKAGE, ROOT
from tools import api_reference, cli_reference, figures, format_table

DOCS = ROOT / "docs"
README = ROOT / "README.md"
PAGES = [README, *sorted(DOCS.rglob("*.md"))]
HERE = "/home/ann/searchapp"  # where the pages say that they are
DATED_S = 1_796_040_000  # 2026-11-30 12:00 UTC: when the sample files were written
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
INGEST = "searchapp ingest data"  # the first command of a page on an empty corpus
_TIMES = re.compile(r"^((?:cosine|keyword|hybrid|best)(?:\s+\d\.\d{4}){3}).*$", re.MULTILINE)
_STAND_INS = {  # on the path of a page's pipes, where the program itself is not installed
    "searchapp": f'exec {shlex.join(MODULE)} "$@"',
    "fzf": "head -n 1",
    "vim": "exit 1",  # only named
}


class Block(NamedTuple):
    """A fenced block of a page: what it is written in, its text, and the line of the page where the
    text begins.
    """

    language: str
    text: str
    line: int


def blocks_of(page: str) -> list[Block]:
    return [
        Block(found[1], found[2], page[: found.start(2)].count("\n") + 1)
        for found in re.finditer(r"^```(\w+)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    ]


def commands_of(session: str) -> Iterator[tuple[str, str]]:
    """Each command of a session behind a $, and what it prints."""
    for part in re.split(r"^\$ ", session, flags=re.MULTILINE)[1:]:
        command, _, printed = part.partition("\n")
        yield command, printed


def comparable(text: str) -> str:
    """Without what differs from run to run: the generation, and how long a question took."""
    return _TIMES.sub(r"\1", re.sub(r"\bgeneration \d+", "generation N", text.strip()))


def require_same(printed: str, expected: str, where: str) -> None:
    """Equal but for white space and what bf16 does to fractions; a line of … stands for
    any lines.
    """
    printed, expected = comparable(printed), comparable(expected)
    parts = NUMBER.split(re.sub(r"\s*^\s*…\s*$\s*", "\0", expected, flags=re.MULTILINE))
    pattern = f"({NUMBER.pattern})".join(
        re.escape(re.sub(r"\s+", " ", part)).replace("\0", ".*") for part in parts
    )
    found = re.fullmatch(pattern.replace(r"\ ", r"\s+"), printed, re.DOTALL)
    assert found, f"{where} prints\n{printed}\nand not\n{expected}"
    for given, wanted in zip(found.groups(), NUMBER.findall(expected), strict=True):
        step = max(1.01 * 10.0 ** -len(wanted.partition(".")[2]), 0.003) if "." in wanted else 0
        assert abs(float(given) - float(wanted)) <= step, (
            f"{where} prints {given}, not {wanted}:\n{printed}"
        )


@pytest.mark.parametrize(
    ("printed", "expected", "same"),
    [
        ("a 0.501\n", "a  0.502", True),
        ("a 0.501\n", "a 0.505", False),
        ("a 3\n", "a 2", False),
        ("a 3\n", "b 3", False),
        ("a\nb 1\nc\n", "a\n…\nc\n", True),
        ("a\nb 1\nd\n", "a\n…\nc\n", False),
        ("a\nb\n", "…\nb\n", True),
        ("of generation 7\n", "of generation 12", True),
        ("cosine 0.8333 1.0000 0.7778 646.2 964.8", "cosine 0.8333 1.0000 0.7778 6.0 9.1", True),
        ("cosine 0.8333 1.0000 0.7778 646.2 964.8", "cosine 0.8444 1.0000 0.7778 6.0 9.1", False),
    ],
)
def test_output_is_compared_but_for_the_last_digits(
    printed: str, expected: str, same: bool
) -> None:
    if same:
        require_same(printed, expected, "here")
    else:
        with pytest.raises(AssertionError):
            require_same(printed, expected, "here")


# ---- running the pages ---------------------------------------------------------------------------


class Library(NamedTuple):
    """A clone with its sample documents, read once: what reading them printed, and the corpus as it
    was then.
    """

    program: Program
    printed: str
    pristine: Path


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Library:
    folder = tmp_path_factory.mktemp("clone")
    shutil.copytree(DATA, folder / "data")
    for path in (folder / "data").rglob("*"):
        os.utime(path, (DATED_S, DATED_S))
    stand_ins = folder / "bin"
    stand_ins.mkdir()
    for name, script in _STAND_INS.items():
        if name == "searchapp" or shutil.which(name) is None:
            (stand_ins / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
            (stand_ins / name).chmod(0o755)
    program = Program(
        folder,
        model_cache,
        extra={
            "SEARCHAPP_CORPUS": str(folder / "corpus"),
            "PATH": f"{stand_ins}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "NO_COLOR": "1",
            "EDITOR": "vim",
        },
    )
    printed, _ = program.on_terminal(*shlex.split(INGEST)[1:], columns=100)
    return Library(program, printed, shutil.copytree(folder / "corpus", folder / "pristine"))


def output_of(command: str, library: Library) -> str:
    """What a command of a page prints, on a terminal of 100 columns or at the end of its pipe."""
    program = library.program
    if " | " in re.sub(r"'[^']*'", "''", command):
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            cwd=program.folder,
            env=program.environment(),
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        return done.stdout or done.stderr
    name, *words = shlex.split(command)
    assert name == "searchapp", command
    answer, notes = program.on_terminal(*words, columns=100)
    return answer or notes


def run_session(block: Block, library: Library, where: str) -> None:
    for command, expected in commands_of(block.text):
        program, *words = shlex.split(command, comments=True)
        if program in ("git", "make", "pip", "python3") or words[:1] == ["--install-completion"]:
            assert not expected.strip(), f"{where}: {command}"
        elif program == "cat":
            (library.program.folder / words[0]).write_text(expected, encoding="utf-8")
        elif command == INGEST and expected.strip() != "102 files: 102 unchanged\n…":
            require_same(library.printed, expected, f"{where}: {command}")
        else:
            printed = output_of(command, library).replace(str(library.program.folder), HERE)
            require_same(
                re.sub(r"^(cosine|keyword|hybrid|best)\b.* ms$", "", printed, flags=re.MULTILINE),
                expected,
                f"{where}: {command}",
            )


def run_python(block: Block, following: Block | None, names: dict[str, object], page: Path) -> str:
    """Run a block and return what it should print: the block of text behind it, or its last lines of
    comment.
    """
    exec(compile("\n" * (block.line - 1) + block.text, str(page), "exec"), names)
    if following and following.language == "text":
        return following.text
    return "".join(re.findall(r"^# (.*\n)", block.text, re.MULTILINE))


@pytest.mark.model
@pytest.mark.slow
@pytest.mark.timeout(1200)  # minutes, where other work goes on
@pytest.mark.filterwarnings("ignore")  # of the libraries that a page shows
@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if re.search(r"^```(python|console)$", page.read_text(), re.MULTILINE)],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_every_block_of_a_page_prints_what_it_says(
    page: Path, library: Library, model_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = blocks_of(page.read_text(encoding="utf-8"))
    monkeypatch.setenv("SEARCHAPP_CACHE", str(model_cache))
    monkeypatch.setitem(sys.modules, "__main__", sys.modules[__name__])
    folder = library.program.folder
    shutil.rmtree(folder / "corpus", ignore_errors=True)
    shutil.copytree(library.pristine, folder / "corpus")
    names: dict[str, object] = {}
    for block, following in zip(blocks, [*blocks[1:], None], strict=True):
        where = f"{page.name}, line {block.line}"
        if block.language == "python":
            printed = io.StringIO()
            with redirect_stdout(printed), chdir(folder):
                expected = run_python(block, following, names, page)
            require_same(printed.getvalue(), expected, where)
        elif block.language == "console":
            run_session(block, library, where)


# ---- mistakes ------------------------------------------------------------------------------------

MISTAKES = re.findall(
    r"^\| `(searchapp [^|]*)` \| (.*) \|$",
    (DOCS / "how-to" / "mistakes.md").read_text(encoding="utf-8"),
    re.MULTILINE,
)


def test_there_are_twenty_everyday_mistakes_and_more() -> None:
    assert len(MISTAKES) > 20


@pytest.mark.model
@pytest.mark.slow
@pytest.mark.parametrize(("command", "said"), MISTAKES, ids=[command for command, _ in MISTAKES])
def test_a_mistake_is_answered_as_the_page_says(
    command: str,
    said: str,
    library: Library,
    model_cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = library.program.folder
    for name, place in (("CORPUS", library.pristine), ("CACHE", model_cache)):
        monkeypatch.setenv(f"SEARCHAPP_{name}", str(place))
    with chdir(folder):
        app.main(shlex.split(command)[1:])
    printed = capsys.readouterr()
    lines = (printed.err.strip() or printed.out.strip()).replace(str(folder), HERE).splitlines()
    cells = [
        f"`` {line} ``" if "`" in line else f"`{line}`"
        for line in lines
        if not re.fullmatch(r"(?:keyword|hybrid|best)\b.* ms", line)
    ]
    require_same("<br>".join(cells), said, command)


# ---- what cannot be run in a test ----------------------------------------------------------------


def spans(page: Path) -> list[str]:
    """The commands of a page, those inside its sentences too."""
    text = page.read_text(encoding="utf-8")
    inside = re.findall(
        r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    )
    return [
        *(
            command
            for block in blocks_of(text)
            if block.language == "console"
            for command, _ in commands_of(block.text)
        ),
        *inside,
    ]


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if page.name != "mistakes.md"],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_every_command_and_option_that_a_page_names_exists(page: Path) -> None:
    help_texts = {entry.words: entry.command.get_help(entry.context) for entry in ENTRIES}
    for span in spans(page):
        if not (found := re.match(r"searchapp ([a-z]+)(?: ([a-z]+))?(.*)", span.split(" | ")[0])):
            continue
        command, inner, _ = found.groups()
        name = f"searchapp {command} {inner}"
        help_text = help_texts.get(name) or help_texts[f"searchapp {command}"]
        unquoted = re.sub(r"'[^']*'|\"[^\"]*\"", "", span.split(" | ")[0])
        for option in re.findall(r"(?<![\w-])--?[a-z][a-z-]*", unquoted):
            assert re.search(rf"(?<![\w-]){option}(?![\w-])", help_text), span


ENTRIES = list(cli_reference.entries())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_installs_and_makes_exists(page: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").split()
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for span in spans(page):
        program, *words = (
            shlex.split(span, comments=True) if span.startswith(("make ", "pip ")) else [""]
        )
        if program == "make":
            assert re.search(rf"^{words[0]}:", makefile, re.MULTILINE), span
        for word in words if program == "pip" else []:
            if extras := re.fullmatch(r"\.\[(.*)\]", word):
                assert set(extras[1].split(",")) <= set(project["optional-dependencies"]), span
            assert "==" not in word or word in pins, span


# ---- what is generated ---------------------------------------------------------------------------


def test_the_reference_of_the_command_line_is_what_the_program_says() -> None:
    for path, text in (
        (cli_reference.PAGE, cli_reference.page()),
        (cli_reference.MANUAL, cli_reference.manual()),
        (api_reference.PAGE, api_reference.page()),
    ):
        assert path.read_text(encoding="utf-8") == text, "run `make reference`"


def test_the_table_of_formats_is_what_the_readers_say() -> None:
    text = format_table.PAGE.read_text(encoding="utf-8")
    assert text == format_table.page(), "run `make reference`"
    types = format_table.types_of_endings()
    unread = (
        READERS.keys() - types.values() - {"roff", "make", "docker", "tnef"}
    )  # known by what is in them
    assert not unread
    assert not {ending for ending in types if WORDS_OF.get(ending) in CURES}


def test_the_manual_page_has_every_command_with_every_option() -> None:
    manual = cli_reference.MANUAL.read_text(encoding="utf-8").replace("\\-", "-")
    for words, command, _ in ENTRIES:
        _, _, rest = manual.partition(f".SS {words} ")
        entry = rest.partition(".SS ")[0]
        for parameter in command.params:
            assert all(option in entry for option in parameter.opts if option.startswith("-"))


@pytest.mark.parametrize("name", figures.PAGES)
def test_the_figures_of_a_page_are_those_of_the_results(name: str) -> None:
    page = (ROOT / name).read_text(encoding="utf-8")
    assert figures.with_figures(page) == page, "run `make figures`"


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "docs/benchmarks.md",
        "docs/guarantees.md",
        "docs/how-to/tune.md",
        "docs/decisions/020-questions-in-numpy.md",
        "docs/decisions/021-compiled-part-of-faiss.md",
        "docs/decisions/024-batches-of-like-length.md",
        "docs/decisions/025-confinement-by-hand.md",
    ],
)
def test_no_figure_is_typed_by_hand(name: str) -> None:
    page = (ROOT / name).read_text(encoding="utf-8")
    by_hand = re.sub(
        r"<!-- figures.*?<!-- /figures -->|^```.*?^```$", "", page, flags=re.MULTILINE | re.DOTALL
    )
    typed = set(re.findall(r"\d*\.\d+|\d+ (?:µs|ms|MB|GB|%|attacks)", by_hand))
    assert typed <= {"3.11", "2.0", "5.13"}  # Python, the licence, Linux


def test_the_table_of_errors_is_the_tree_of_errors() -> None:
    def tree(error: type[errors.SearchappError]) -> Iterator[tuple[str, str]]:
        if "code" in vars(error):  # else it is one of its parent's
            yield error.code, str(error.exit_code)
        for child in error.__subclasses__():
            if child.__module__ == errors.__name__:
                yield from tree(child)

    page = (DOCS / "reference" / "exit-codes.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| .* \| (\d+) \|$", page, re.MULTILINE)
    assert rows == list(tree(errors.SearchappError))


def test_the_keys_of_the_json_page_are_explained() -> None:
    page = (DOCS / "reference" / "json.md").read_text(encoding="utf-8")
    shown = [json.loads(line) for line in re.findall(r"^\[\".*\]$", page, re.MULTILINE)][:2]
    explained = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| `.*", page, re.MULTILINE))))
    assert {key for keys in shown for key in keys} <= explained


def test_the_site_has_every_page() -> None:
    listed = re.findall(r"([\w/-]+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE)
    assert sorted(listed) == [str(page.relative_to(DOCS)) for page in PAGES if page != README]


def test_the_tests_behind_a_guarantee_exist() -> None:
    page = (DOCS / "guarantees.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)`", page))
    assert named - {path.stem for path in (ROOT / "tests").rglob("test_*.py")} == set()


def test_the_places_that_the_architecture_names_exist() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([\w./]+(?:/|\.py))`", page)) - {"web/", "mcp/", "watch/"}
    inner = {"sandbox/": "extract/sandbox", "sqlite/": "backends/sqlite", "html/": "output/html"}
    assert len(named) >= 12
    for name in named:
        path = inner.get(name, name)
        assert (ROOT / path).exists() or (PACKAGE / path).exists(), name


@pytest.mark.parametrize("name", ["README.md", "ARCHITECTURE.md"])
def test_the_first_pages_stay_short(name: str) -> None:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 120
    assert [line for line in lines if len(line) > 100] == []


def test_the_picture_asks_for_nothing_and_shows_a_question() -> None:
    picture = (DOCS / "pictures" / "answer.svg").read_text(encoding="utf-8")
    asked = re.findall(r"https?://[^\s\"]+", picture)
    assert set(asked) <= {"http://www.w3.org/2000/svg", "https://www.textualize.io"}
    assert "searchapp" in picture
