"""Which command lines ask a living server, and that its answers have the same bytes."""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from subprocess import Popen

import pytest

from searchapp import config
from searchapp.cli.app import Commands
from searchapp.cli.everyday import written
from searchapp.cli.thin_client import parsed
from searchapp.corpus import Corpus
from searchapp.errors import UsageError
from searchapp.search.query_options import ON_COMMAND_LINE
from searchapp.testing import HashEncoder, MemoryBackend
from tests.builders.program import Program

TIMES = re.compile(r'("took_ms": |, )[\d.,]+( ms)?')


@pytest.mark.parametrize(
    "line",
    [
        "ingest docs", "status", "query", "query -", "query a --timings", "query a --no-server",
        "query a --like f.txt", "query a -k", "query a -k x", "query a -k 1 -k 2", "query a --mode --json",
        "query a --unknown", "query a --paths --json", "query a --null", "query a --debug", "query a --min-score 1e3",
        "list a b", "list --mode cosine", "show", "show a b", "--help", "query --help", "",
    ],
)  # fmt: skip
def test_what_is_not_for_a_server_is_left_to_the_program(line: str) -> None:
    assert parsed(line.split()) is None


def test_a_question_is_taken_apart_as_the_program_does() -> None:
    asked = parsed(
        [
            "how are tides made",
            "-k",
            "3",
            "--type=pdf",
            "--type",
            "md",
            "--json",
            "--copies",
            "--corpus",
            "c",
        ]
    )
    assert asked is not None
    assert (asked.command, asked.words, asked.corpus) == ("query", ["how are tides made"], "c")
    assert asked.options == {"-k": 3, "--type": ["pdf", "md"], "--copies": True}
    assert asked.forms == {"json"}


def test_paths_are_made_absolute_where_the_program_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    query, listed, shown = (
        parsed(line.split()) for line in ("query a --in docs", "list docs/x", "show docs/x")
    )
    assert query is not None
    assert query.options["--in"] == [f"{tmp_path}/docs"]
    assert listed is not None
    assert (listed.words, listed.options["--in"]) == ([], [f"{tmp_path}/docs/x"])
    assert shown is not None
    assert shown.words == ["", f"{tmp_path}/docs/x"]


def test_words_behind_two_dashes_are_words() -> None:
    asked = parsed(["query", "--", "-k", "x"])
    assert asked is not None
    assert asked.words == ["-k", "x"]


def test_every_flag_of_the_table_is_known() -> None:
    for flag, option in ON_COMMAND_LINE.items():
        if flag != "--like":
            value = {"flag": [], "text": ["/v"], "integer": ["1"], "number": ["0.5"]}[option.kind]
            assert parsed(["query", "word", flag, *value]), flag


def test_the_command_line_has_the_options_of_the_table_and_says_of_them_what_it_says() -> None:
    query = Commands()["query"]
    options = {opt: parameter for parameter in query.params for opt in parameter.opts}
    for flag, option in ON_COMMAND_LINE.items():
        assert options[flag].help == option.help
        assert options[flag].multiple == option.is_repeatable
    own = {"--timings", "--corpus", "--json", "--paths", "--null", "-0", "--no-server", "texts"}
    assert set(options) == {*ON_COMMAND_LINE, *own}


def test_a_server_reads_no_file_that_a_request_names() -> None:
    asked = {"command": "query", "words": ["a"], "options": {"--like": ["/etc/passwd"]}}
    with pytest.raises(UsageError, match="reads no file"):
        written(Corpus(MemoryBackend(), encoder=HashEncoder()), config.load(), asked)


# ---- with a server -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def served(
    tmp_path_factory: pytest.TempPathFactory, model_cache: Path
) -> Iterator[tuple[Program, Popen[str]]]:
    folder = tmp_path_factory.mktemp("served")
    docs = folder / "docs"
    docs.mkdir()
    for number in range(30):
        text = f"# Note {number}\n\nThe lamp of quay {number} is lit at dusk and put out by keeper {number % 7}.\n"
        (docs / f"{number}.md").write_text(text)
    (docs / "odd\nname.md").write_text("A lamp with an odd name.")
    program = Program(folder, model_cache, extra={"SEARCHAPP_CORPUS": str(folder / "corpus")})
    assert program.run("ingest", "docs").returncode == 0
    with program.start("serve", "--port", "0", "--json") as server:
        assert server.stdout is not None
        assert json.loads(server.stdout.readline())["url"].startswith("http://127.0.0.1:")
        yield program, server
        server.send_signal(signal.SIGTERM)
        assert server.wait(20) == 0


@pytest.mark.model
@pytest.mark.parametrize(
    "line",
    [
        "query lamp at dusk", "query lamp at dusk --json", "query lamp --mode hybrid --explain -k 3",
        "query lamp --paths --null -k 2", "query lamp --mode keyword --in docs/1*.md", "query nothing --type pdf",
        "query lamp --not quay --min-score .1 --per-document 1", "list", "list 12", "list --type md --json", "list nosuch",
        "show 3.md", "show docs/3.md --json", "query keeper --like-match 2 --json",
    ],
)  # fmt: skip
def test_a_server_writes_what_the_program_writes(
    served: tuple[Program, Popen[str]], line: str
) -> None:
    program, _ = served
    program.run("query", "quay", "--no-server")  # the last answer of both
    by_server = program.run(*line.split())
    program.run("query", "quay", "--no-server")
    by_program = program.run(*line.split(), "--no-server")
    assert by_server.returncode == by_program.returncode
    assert TIMES.sub("", by_server.stdout) == TIMES.sub("", by_program.stdout)
    assert TIMES.sub("", by_server.stderr) == TIMES.sub("", by_program.stderr)


@pytest.mark.model
def test_a_terminal_sees_the_same_too(served: tuple[Program, Popen[str]]) -> None:
    program, _ = served
    by_server = program.on_terminal("query", "lamp at dusk", "-k", "2")
    by_program = program.on_terminal("query", "lamp at dusk", "-k", "2", "--no-server")
    assert [TIMES.sub("", text) for text in by_server] == [
        TIMES.sub("", text) for text in by_program
    ]


@pytest.mark.model
def test_an_error_is_the_programs_own(served: tuple[Program, Popen[str]]) -> None:
    program, _ = served
    done = program.run("query", "lamp", "--since", "soon")
    assert (done.returncode, "'soon' is not a date" in done.stderr) == (2, True)


@pytest.mark.model
def test_a_question_to_a_server_loads_next_to_nothing(served: tuple[Program, Popen[str]]) -> None:
    program, _ = served
    done = program.run("query", "lamp", env={"PYTHONPROFILEIMPORTTIME": "1"})
    loaded = set(re.findall(r"\| +([\w.]+)$", done.stderr, re.MULTILINE))
    assert "searchapp.cli.thin_client" in loaded
    assert loaded.isdisjoint(
        {"numpy", "typer", "starlette", "uvicorn", "jinja2", "searchapp.corpus", "http.client"}
    )


@pytest.mark.model
def test_a_server_that_is_stopped_is_not_waited_for(served: tuple[Program, Popen[str]]) -> None:
    program, server = served
    server.send_signal(signal.SIGSTOP)
    begin = time.monotonic()
    try:
        done = program.run("query", "lamp", "--null", "--paths", "-k", "1")
    finally:
        server.send_signal(signal.SIGCONT)
    assert (done.returncode, done.stdout.count("\0")) == (0, 1), done.stderr
    assert time.monotonic() - begin < 30


@pytest.mark.model
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">/dev/full"])
@pytest.mark.parametrize("option", ["", "--no-server"])
def test_an_output_that_takes_nothing_is_no_crash(
    served: tuple[Program, Popen[str]], closed: str, option: str
) -> None:
    program, _ = served
    line = f"{shlex.join(map(str, program.command))} query lamp {option} {closed}"
    done = subprocess.run(
        ["sh", "-c", line], env=program.environment(), capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr
    assert done.returncode == (0 if closed == "2>&-" else 4)


@pytest.mark.model
def test_one_corpus_has_one_server(served: tuple[Program, Popen[str]]) -> None:
    program, server = served
    done = program.run("serve", "--port", "0", "--json")
    assert done.returncode == 4
    assert f"process {server.pid}" in json.loads(done.stderr)["error"]["message"]
