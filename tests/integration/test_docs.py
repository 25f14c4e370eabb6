"""docs/embeddings.md does what it says: its blocks run from top to bottom, in one folder, and print
what stands behind them.
"""

from __future__ import annotations

import io
import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from contextlib import chdir, redirect_stdout
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.cli.test_search import Program, program
from tests.paths import ROOT
from tools import cli_reference

__all__ = ["program"]
PAGE = ROOT / "docs" / "embeddings.md"
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


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


def require_same(printed: str, expected: str, where: str) -> None:
    """Equal but for white space and what bf16 does to fractions; a line of … stands for
    any lines.
    """
    parts = NUMBER.split(re.sub(r"\s*^\s*…\s*$\s*", "\0", expected.strip(), flags=re.MULTILINE))
    pattern = f"({NUMBER.pattern})".join(
        re.escape(re.sub(r"\s+", " ", part)).replace("\0", ".*") for part in parts
    )
    found = re.fullmatch(pattern.replace(r"\ ", r"\s+"), printed.strip(), re.DOTALL)
    assert found, f"{where} prints\n{printed}\nand not\n{expected}"
    for given, wanted in zip(found.groups(), NUMBER.findall(expected), strict=True):
        step = max(1.01 * 10.0 ** -len(wanted.partition(".")[2]), 0.003) if "." in wanted else 0
        assert abs(float(given) - float(wanted)) <= step, (
            f"{where} prints {given}, not {wanted}:\n{printed}"
        )


@pytest.mark.parametrize(
    ("printed", "expected", "is_same"),
    [
        ("a 0.501\n", "a  0.502", True),
        ("a 0.501\n", "a 0.505", False),
        ("a 3\n", "a 2", False),
        ("a 3\n", "b 3", False),
        ("a\nb 1\nc\n", "a\n…\nc\n", True),
        ("a\nb 1\nd\n", "a\n…\nc\n", False),
        ("a\nb\n", "…\nb\n", True),
    ],
)
def test_output_is_compared_but_for_the_last_digits(
    printed: str, expected: str, is_same: bool
) -> None:
    if is_same:
        require_same(printed, expected, "here")
    else:
        with pytest.raises(AssertionError):
            require_same(printed, expected, "here")


@pytest.mark.model
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the libraries that the page shows
def test_every_block_of_the_page_prints_what_it_says(
    program: Program, model_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEARCHAPP_CACHE", str(model_cache))
    monkeypatch.setitem(sys.modules, "__main__", sys.modules[__name__])
    shutil.copytree(ROOT / "data", program.folder / "data")
    names: dict[str, object] = {}
    blocks = blocks_of(PAGE.read_text(encoding="utf-8"))
    for block, following in zip(blocks, [*blocks[1:], None], strict=True):
        where = f"{PAGE.name}, line {block.line}"
        if block.language == "python":
            printed = io.StringIO()
            with redirect_stdout(printed), chdir(program.folder):
                exec(compile("\n" * (block.line - 1) + block.text, str(PAGE), "exec"), names)
            require_same(
                printed.getvalue(),
                following.text if following and following.language == "text" else "",
                where,
            )
        elif block.language == "console":
            for command, expected in commands_of(block.text):
                name, *words = shlex.split(command)
                assert name == "searchapp", where
                answer, told = program.on_terminal(*words, columns=100, env={"NO_COLOR": "1"})
                require_same(answer or told, expected, f"{where}: {command}")
        else:
            assert block.language == "text", where
    assert sum(block.language == "python" for block in blocks) >= 8


def test_the_reference_of_the_command_line_is_what_the_program_says() -> None:
    for path, text in (
        (cli_reference.PAGE, cli_reference.page()),
        (cli_reference.MANUAL, cli_reference.manual()),
    ):
        assert path.read_text(encoding="utf-8") == text, "run `make reference`"


def test_the_manual_page_has_every_command_with_every_option() -> None:
    manual = cli_reference.MANUAL.read_text(encoding="utf-8").replace("\\-", "-")
    for words, command, _ in cli_reference.entries():
        _, _, rest = manual.partition(f".SS {words} ")
        entry = rest.partition(".SS ")[0]
        for parameter in command.params:
            assert all(option in entry for option in parameter.opts if option.startswith("-"))
