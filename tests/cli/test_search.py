"""The program itself, as people and scripts run it: what it prints where, how it ends, and what it
leaves behind.
"""

from __future__ import annotations

import json
import math
import os
import re
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import uuid
import zipfile
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path

import psutil
import pytest

from searchapp import config
from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.cli.app import SECTIONS, Commands
from searchapp.cli.console import _progress_text
from searchapp.errors import CorpusLocked, UsageError
from searchapp.output.terminal import display_width
from searchapp.types.results import Progress
from tests.builders.program import MODULE, Program, error_of
from tests.paths import PACKAGE

pytestmark = pytest.mark.model

COMMANDS = tuple(Commands())
ESCAPE = re.compile(r"\x1b\[[0-9;]*m|\x1b\]8;;[^\x1b]*\x1b\\")
HEAVY = ("torch", "transformers", "sqlalchemy", "alembic")
NOT_OF_A_QUESTION = (
    "openvino",
    "faiss",
    "searchapp.filesystem.walk",
    "searchapp.splitter.splitter",
)
MATCH_KEYS = {
    *(
        "rank",
        "id",
        "document_id",
        "score",
        "cosine",
        "confidence",
        "legs",
        "path",
        "title",
        "type",
        "page",
        "place",
        "line_start",
        "line_end",
    ),
    *("start", "end", "heading", "text", "parts", "copies", "sentence", "shares", "highlights"),
}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Program:
    """Documents that are ingested in `corpus`; no test changes them."""
    program = Program(tmp_path_factory.mktemp("filled"), model_cache)
    docs = program.folder / "docs"
    docs.mkdir()
    (docs / "soup.md").write_text(
        "# Soups\n\n## Lentil soup\n\nPeel an onion and fry it in oil. Add the lentils and water, "
        "then boil them for forty minutes. "
        "Salt comes last, or the lentils stay hard.\n\n## Stock\n\nSimmer bones with a carrot.\n"
    )
    (docs / "boiler.txt").write_text(
        "When the heating fails, look at the pressure of the boiler first.\nBelow one bar it needs "
        "water.\n"
    )
    (docs / "broken.pdf").write_bytes(b"%PDF-1.7\nnothing that a reader could use")
    done = program.run("ingest", "docs", "--corpus", "corpus", "--json")
    assert done.returncode == 3, done.stderr
    (program.folder / "report.json").write_text(done.stdout)
    return program


@pytest.fixture
def program(tmp_path: Path, model_cache: Path) -> Program:
    """An empty folder."""
    return Program(tmp_path, model_cache)


# ---- answers -------------------------------------------------------------------------------------


def test_the_report_of_an_ingest_has_an_absolute_path_an_outcome_and_a_reason_for_every_file(
    filled: Program,
) -> None:
    report = json.loads((filled.folder / "report.json").read_text())
    assert {"generation", "took_s", "counts", "files"} <= set(report)
    assert report["counts"] == {"indexed": 2, "failed": 1}
    outcomes = {
        entry["path"]: (entry["outcome"], bool(entry["reason"])) for entry in report["files"]
    }
    docs = filled.folder / "docs"
    assert outcomes == {
        str(docs / "soup.md"): ("indexed", False),
        str(docs / "boiler.txt"): ("indexed", False),
        str(docs / "broken.pdf"): ("failed", True),
    }


def test_metadata_filter_what_answers_and_archives_are_places(program: Program) -> None:
    docs = program.folder / "docs"
    docs.mkdir()
    (docs / "ann.md").write_text(
        "---\nauthor: Ann Lee\ndate: 2023-05-04\n---\n\nThe boiler loses pressure over night.\n"
    )
    with zipfile.ZipFile(docs / "letters.zip", "w") as archive:
        archive.writestr("2024/bo.md", "---\nauthor: Bo\n---\n\nThe boiler was mended in spring.\n")
        archive.writestr("2024/.env", "BOILER=1")
    done = program.run("ingest", "docs", "--json", "--corpus", "corpus")
    assert done.returncode == 0, done.stderr
    outcomes = {
        entry["path"].rpartition("/docs/")[2]: (entry["outcome"], entry["reason"])
        for entry in json.loads(done.stdout)["files"]
    }
    assert outcomes == {
        "ann.md": ("indexed", ""),
        "letters.zip": ("indexed", "1 of 2 files in it were read"),
        "letters.zip!/2024/.env": ("skipped", "secret"),
        "letters.zip!/2024/bo.md": ("indexed", ""),
    }
    by = {
        ("--where", "author=ann lee"): ["ann.md"],
        ("--where", "AUTHOR=*o"): ["letters.zip!/2024/bo.md"],
        ("--in", "docs/letters.zip"): ["letters.zip!/2024/bo.md"],
        ("--before", "2024"): ["ann.md"],
        ("--where", "author=Cy"): [],
    }
    for option, names in by.items():
        matches = program.json("query", "boiler", "--corpus", "corpus", *option)["matches"]
        assert [match["path"].rpartition("/docs/")[2] for match in matches] == names, option
    [match] = program.json("query", "boiler", "--corpus", "corpus", "--in", "docs/letters.zip")[
        "matches"
    ]
    assert match["place"] == {"member": "2024/bo.md", "line_start": 5, "line_end": 5}
    assert [
        row["path"].rpartition("/")[2]
        for row in program.json("list", "--corpus", "corpus", "--where", "author=Bo")["documents"]
    ] == ["bo.md"]
    listed = program.run("status", "--skipped", "--corpus", "corpus").stdout
    assert listed == f"skipped\t{docs}/letters.zip!/2024/.env\tsecret\n"
    assert (
        error_of(
            program.run("query", "boiler", "--corpus", "corpus", "--where", "author", "--json")
        )["code"]
        == "bad_filter"
    )


def test_an_answer_in_json_has_exactly_the_keys_that_are_promised(filled: Program) -> None:
    answer = filled.json("query", "how long do lentils cook?", "--corpus", "corpus")
    assert set(answer) == {
        "query",
        "mode",
        "legs",
        "generation",
        "pending",
        "stale",
        "approximate",
        "took_ms",
        "matches",
        "notes",
    }
    assert (answer["query"], answer["mode"], answer["legs"]) == (
        "how long do lentils cook?",
        "cosine",
        ["cosine"],
    )
    assert (answer["pending"], answer["stale"], answer["approximate"], answer["notes"]) == (
        0,
        0,
        False,
        [],
    )
    first = answer["matches"][0]
    assert all(set(match) == MATCH_KEYS for match in answer["matches"])
    assert (first["rank"], first["path"], first["heading"]) == (
        1,
        str(filled.folder / "docs/soup.md"),
        "Lentil soup",
    )
    assert (first["line_start"], first["line_end"], first["page"], first["highlights"]) == (
        5,
        5,
        None,
        [],
    )
    assert first["legs"] == {"cosine": {"score": first["score"], "rank": 1}}
    source = (filled.folder / "docs/soup.md").read_text()
    assert source[first["start"] : first["end"]] == first["text"]


def test_plain_output_is_a_line_a_match_and_paths_are_a_line_a_file(filled: Program) -> None:
    plain = filled.run("query", "soup", "--corpus", "corpus")
    assert [line.split("\t")[0] for line in plain.stdout.splitlines()] == ["1", "2", "3"]
    assert "\x1b" not in plain.stdout
    paths = filled.run("query", "soup", "--corpus", "corpus", "--paths")
    assert paths.stdout == f"{filled.folder}/docs/soup.md\n{filled.folder}/docs/boiler.txt\n"
    assert plain.stderr == paths.stderr == ""
    null = filled.run("query", "soup", "--corpus", "corpus", "--paths", "-0")
    assert null.stdout == paths.stdout.replace("\n", "\0")


@pytest.mark.parametrize(
    ("words", "count"),
    [
        (["-k", "1"], 1),
        (["--per-document", "1"], 2),
        (["--type", "text"], 1),
        (["--in", "docs/soup.md"], 2),
        (["--in", "*.txt"], 1),
        (["--since", "2100"], 0),
    ],
)
def test_the_options_of_a_query_reach_it(filled: Program, words: list[str], count: int) -> None:
    done = filled.run("query", "soup", "--corpus", "corpus", "--json", *words)
    assert len(json.loads(done.stdout)["matches"]) == count
    assert done.returncode == (0 if count else 1)


def test_a_document_of_a_day_is_found_by_that_day_in_every_time_zone(program: Program) -> None:
    (program.folder / "note.md").write_text(
        "---\ndate: 2024-05-31\n---\nThe minutes of the meeting.\n"
    )
    assert program.run("ingest", "note.md", "--corpus", "corpus").returncode == 0
    day = ["--since", "2024-05-31", "--before", "2024-06-01"]
    for zone in ("UTC", "America/New_York", "Asia/Tokyo"):
        done = program.run(
            "query", "minutes", "--corpus", "corpus", "--paths", *day, env={"TZ": zone}
        )
        assert done.stdout == f"{program.folder}/note.md\n", zone


def test_documents_are_listed_shown_and_counted(filled: Program) -> None:
    listing = filled.json("list", "--corpus", "corpus")["documents"]
    assert [
        (Path(row["path"]).name, row["type"], row["passages"], row["pending"]) for row in listing
    ] == [
        ("boiler.txt", "txt", 1, False),
        ("soup.md", "md", 2, False),
    ]
    shown = filled.json("show", "docs/soup.md", "--corpus", "corpus")
    assert (shown["document"]["title"], len(shown["passages"])) == ("Soups", 2)
    status = filled.json("status", "--corpus", "corpus")
    assert (status["documents"], status["passages"], status["pending"]) == (2, 3, 0)
    assert (status["encoder"]["model"], status["encoder"]["dim"]) == ("default", 384)
    assert [Path(entry["path"]).name for entry in status["unindexed"]] == ["broken.pdf"]


def test_bytes_that_are_no_text_are_answered_and_names_come_back_as_bytes(program: Program) -> None:
    name = os.fsencode(program.folder) + b"/na\xffme.txt"
    with open(name, "w") as file:  # noqa: PTH123 - pathlib cannot hold it
        file.write("lentils")
    assert program.run("ingest", os.fsdecode(name), "--corpus", "corpus").returncode == 0
    done = subprocess.run(
        [*MODULE, "query", b"lentils \xff", "--paths", "--corpus", "corpus"],
        cwd=program.folder, env=program.environment(), capture_output=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, name + b"\n")


# ---- how it ends ---------------------------------------------------------------------------------


def test_nothing_that_matches_is_exit_1_with_the_same_json(filled: Program) -> None:
    done = filled.run("query", "soup", "--corpus", "corpus", "--min-score", "0.999", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["matches"] == []


@pytest.mark.parametrize(
    ("words", "code", "exit_code"),
    [
        (["nonsense"], "usage", 2),
        (["query"], "empty_query", 2),
        (["query", "x", "--nonsense"], "usage", 2),
        (["query", "x", "-k", "0"], "usage", 2),
        (["query", "x", "-k", "many"], "usage", 2),
        (["query", "  "], "empty_query", 2),
        (["query", "x", "--mode", "magic"], "unknown_mode", 2),
        (["query", "x", "--since", "soon"], "bad_filter", 2),
        (["query", "x", "--since", "2024", "--before", "2023"], "bad_filter", 2),
        (["query", "x", "--min-score", "nan"], "bad_filter", 2),
        (["query", "x", "--min-score", "5"], "bad_filter", 2),
        (["query", "x", "--weight", "1.5"], "bad_setting", 2),
        (["query", "--like-match", "1"], "bad_filter", 2),
        (["config", "colour", "red"], "bad_setting", 2),
        (["config", "mode", "magic"], "bad_setting", 2),
        (["config", "weight", "nan"], "bad_setting", 2),
        (["query", "x", "--in", ""], "bad_filter", 2),
        (["remove", ""], "bad_filter", 2),
        (["ingest", ""], "bad_filter", 2),
        (["query", "x", "--type", ""], "bad_filter", 2),
        (["query", "x", "--paths"], "usage", 2),
        (["query", "x"], "corpus_missing", 4),
        (["status"], "corpus_missing", 4),
        (["show", "x"], "corpus_missing", 4),
        (["check"], "corpus_missing", 4),
        (["ingest", "none"], "path_missing", 4),
        (["evaluate", "."], "collection", 4),
        (["evaluate", ".", "--mode", "cosine", "--mode", "magic", "--run-file", "f"], "usage", 2),
    ],
)
def test_every_error_is_json_on_stderr_where_json_was_asked_for(
    program: Program, words: list[str], code: str, exit_code: int
) -> None:
    where = [] if words[0] in ("nonsense", "evaluate") else ["--corpus", "none"]
    done = program.run(*words, *where, "--json")
    assert done.returncode == exit_code
    error = error_of(done)
    assert error["code"] == code
    assert error["message"]
    assert error["hint"]
    assert not (program.folder / "none").exists()


def test_an_error_is_two_lines_for_people_and_a_traceback_only_for_those_who_ask(
    program: Program,
) -> None:
    done = program.run("query", "x", "--corpus", "none")
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == ["error", "hint"]
    done = program.run("query", "x", "--corpus", "none", "--debug")
    assert done.stderr.startswith("Traceback")
    assert done.returncode == 4


def test_single_words_are_one_question_and_quoted_texts_are_several(filled: Program) -> None:
    assert filled.json("query", "cook", "lentils", "--corpus", "corpus")["query"] == "cook lentils"
    assert (
        filled.json("query", "cook lentils", "boiler", "--corpus", "corpus")["query"]
        == "cook lentils + boiler"
    )


def test_timings_tell_where_the_time_went_stage_by_stage(filled: Program) -> None:
    answer = filled.json("query", "lentils", "--mode", "hybrid", "--timings", "--corpus", "corpus")
    stages = answer["timings_s"]
    assert {
        "start the program",
        "open the corpus",
        "encode the question",
        "keyword leg",
        "cosine leg",
        "rank",
    } <= stages.keys()
    assert (
        sum(took_s for name, took_s in stages.items() if name != "start the program")
        <= answer["took_ms"] / 1000 + 0.01
    )
    assert "timings_s" not in filled.json("query", "lentils", "--corpus", "corpus")
    told = filled.run("query", "lentils", "--timings", "--corpus", "corpus")
    assert re.search(r"^ *[\d.,]+ ms  encode the question$", told.stderr, re.MULTILINE)
    report = filled.json("ingest", "--timings", "--corpus", "corpus")
    assert {"look at the disk", "publish"} <= report["timings_s"].keys()


def test_a_corpus_can_have_another_mode_by_default(filled: Program) -> None:
    assert filled.run("config", "mode", "keyword", "--corpus", "corpus").stdout == "mode keyword\n"
    try:
        answer = filled.json("query", "lentils", "--corpus", "corpus")
        assert (answer["mode"], answer["legs"], answer["matches"][0]["cosine"]) == (
            "keyword",
            ["keyword"],
            None,
        )
        assert filled.json("query", "lentils", "--corpus", "corpus", "--mode", "hybrid")[
            "legs"
        ] == ["cosine", "keyword"]
    finally:
        assert (
            filled.run("config", "mode", "--unset", "--corpus", "corpus").stdout
            == "all as by default\n"
        )


def test_a_match_of_the_last_answer_leads_to_others_like_it(filled: Program) -> None:
    first = filled.json("query", "soup", "--corpus", "corpus")["matches"][0]
    alike = filled.json("query", "--like-match", "1", "--corpus", "corpus")
    assert alike["matches"]
    assert first["path"] not in {match["path"] for match in alike["matches"]}


@pytest.mark.parametrize(
    ("took_s", "left_s", "told"),
    [
        (2.0, 98.0, "1/2 files, 10 passages, 5/s, about 1 min 38 s left"),
        (10.0, 10.0, "1/2 files, 10 passages, 1/s, about 10 s left"),
        (1.0, 9.0, "1/2 files, 10 passages, 10/s"),
        (10.0, 990.0, "1/2 files, 10 passages, 1/s"),
        (10.0, math.inf, "1/2 files, 10 passages, 1/s"),
    ],
)
def test_what_is_left_is_said_once_two_percent_and_two_seconds_are_behind(
    took_s: float, left_s: float, told: str
) -> None:
    assert _progress_text(Progress(1, 2, 10, took_s, left_s)) == told


def test_without_a_command_the_help_goes_to_stderr_and_it_is_a_usage_error(
    program: Program,
) -> None:
    done = program.run()
    assert (done.returncode, done.stdout) == (2, "")
    assert "Usage: searchapp" in done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_mentions_each_of_its_options(program: Program, command: str) -> None:
    done = program.run(command, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    if "Commands:" in done.stdout:
        return  # each has a help of its own
    module = next(commands[command][0] for commands in SECTIONS.values() if command in commands)
    source = (PACKAGE / "cli" / f"{module}.py").read_text()
    body = re.search(rf"\ndef {command}_?\((.*?)\) -> int:", source, re.DOTALL)
    assert body is not None
    aliases = {
        "CorpusOption": "--corpus",
        "JsonOption": "--json",
        "WithinOption": "--in",
        "TypeOption": "--type",
    }
    options = set(re.findall(r'"(--?[a-z-]+)"', body[1])) | {
        option for alias, option in aliases.items() if alias in body[1]
    }
    assert options <= set(re.findall(r"--?[a-z-]+", done.stdout))


def test_the_help_and_the_version_are_answers(program: Program) -> None:
    done = program.run("--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert all(re.search(rf"^  {command}\b", done.stdout, re.MULTILINE) for command in COMMANDS)
    assert re.fullmatch(r"searchapp \d+\.\d+\.\d+\n", program.run("--version").stdout)


@pytest.mark.parametrize("words", [["list"], ["query", "soup"], ["query", "soup", "--json"]])
def test_a_broken_pipe_is_success(filled: Program, words: list[str]) -> None:
    process = filled.start(*words, "--corpus", "corpus")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    with process.stderr:
        assert process.stderr.read() == ""
    assert process.wait(60) == 0


def test_a_full_disk_under_stdout_is_a_failure(filled: Program) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*MODULE, "list", "--corpus", "corpus"],
            cwd=filled.folder, env=filled.environment(), stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 4
    assert "No space left" in done.stderr


@pytest.mark.damages_corpus
def test_damage_that_a_source_can_repair_is_exit_5_and_what_is_lost_is_exit_6(
    filled: Program, program: Program
) -> None:
    shutil.copytree(filled.folder / "corpus", program.folder / "corpus")
    with closing(sqlite3.connect(program.folder / "corpus/corpus.db")) as database, database:
        database.execute("UPDATE document_text SET text = replace(text, 'bones', 'stone')")
    done = program.run("check", "--full", "--corpus", "corpus", "--json")
    assert done.returncode == 5
    assert [Path(finding["path"]).name for finding in json.loads(done.stdout)["findings"]] == [
        "soup.md"
    ]
    (filled.folder / "docs/soup.md").rename(filled.folder / "away.md")
    try:
        assert program.run("check", "--full", "--corpus", "corpus").returncode == 6
    finally:
        (filled.folder / "away.md").rename(filled.folder / "docs/soup.md")


@pytest.mark.damages_corpus
@pytest.mark.parametrize("words", [["query", "soup"], ["list"], ["status"], ["ingest"]])
def test_a_database_that_is_none_is_damage_with_a_cure(program: Program, words: list[str]) -> None:
    (program.folder / "corpus").mkdir(mode=0o700)
    (program.folder / "corpus/corpus.db").write_bytes(b"not a database at all" * 1000)
    done = program.run(*words, "--corpus", "corpus", "--json")
    assert done.returncode == 5
    assert error_of(done)["code"] == "corpus_damaged"


def test_a_sound_corpus_checks_clean(filled: Program) -> None:
    done = filled.run("check", "--full", "--corpus", "corpus")
    assert (done.returncode, done.stdout) == (0, "no damage found\n")


# ---- one writer, and signals ---------------------------------------------------------------------


def test_a_second_ingest_is_refused_at_once_naming_the_first(program: Program) -> None:
    (program.folder / "docs").mkdir()
    with closing(SqliteBackend(program.folder / "corpus").writer()):
        began = time.monotonic()
        done = program.run("ingest", "docs", "--corpus", "corpus", "--json")
        took_s = time.monotonic() - began
    assert done.returncode == 11
    error = error_of(done)
    assert error["code"] == "corpus_locked"
    assert str(os.getpid()) in error["message"]
    assert took_s < 5  # half a second where nothing else runs; to wait for the lock would be 30


def test_the_lock_is_refused_within_a_tenth_of_a_second_and_a_stale_one_blocks_nobody(
    tmp_path: Path,
) -> None:
    backend = SqliteBackend(tmp_path / "corpus")
    with closing(backend.writer()):
        took_s = []
        for _ in range(5):
            began = time.perf_counter()
            with pytest.raises(CorpusLocked, match=str(os.getpid())):
                backend.writer()
            took_s.append(time.perf_counter() - began)
    assert min(took_s) < 0.1
    (tmp_path / "corpus/lock").write_text("4194304\n")  # of a process that is no more
    backend.writer().close()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_during_an_ingest_finishes_the_commit_prints_the_report_and_leaves_nothing_running(
    program: Program, number: signal.Signals
) -> None:
    docs = program.folder / "docs"
    docs.mkdir()
    for i in range(400):
        (docs / f"{i:03}.txt").write_text(
            "\n\n".join(
                f"Note {i}.{j}: the harbour master of berth {i * j} counts {'boats ' * 90}."
                for j in range(6)
            )
        )
    mark = uuid.uuid4().hex
    process = program.start("ingest", "docs", "--corpus", "corpus", "--json", env={"MARK": mark})
    await_documents(program.folder / "corpus/corpus.db", process)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    report = json.loads(stdout)
    assert report["interrupted"] is True
    indexed = {entry["path"] for entry in report["files"] if entry["outcome"] == "indexed"}
    listing = program.json("list", "--corpus", "corpus")["documents"]
    assert {row["path"] for row in listing} == indexed
    pending = sum(row["pending"] for row in listing)
    assert 0 < len(indexed) < 400 or pending  # texts come first: all may be stored already
    assert pending < len(indexed)
    assert (f"{pending} document" in " ".join(report["notes"])) == (pending > 0)
    assert processes_with(mark) == []


def worked_by_children_s() -> float:
    """The processor time of the processes that have ended."""
    return sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_the_disk_is_looked_at_ends_the_ingest_within_a_second(
    program: Program, number: signal.Signals
) -> None:
    for i in range(40):
        folder = program.folder / f"docs/{i}"
        folder.mkdir(parents=True)
        for j in range(500):
            (folder / f"{j}.md").touch()
    rules = "\n".join(f"[a-m]*{i}*{i}*{i}.txt" for i in range(400))  # which make the look slow
    (program.folder / "docs/.gitignore").write_text(rules)
    process = program.start("ingest", "docs", "--corpus", "corpus", "--json")
    while not (program.folder / "corpus/corpus.db").exists():
        assert process.poll() is None
        time.sleep(0.05)
    time.sleep(1)
    worked_s = sum(psutil.Process(process.pid).cpu_times()[:2]) + worked_by_children_s()
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=10)  # other work may keep it from the processor
    assert worked_by_children_s() - worked_s < 1
    assert process.returncode == 130, stderr
    report = json.loads(stdout)
    assert report["interrupted"] is True
    assert {entry["outcome"] for entry in report["files"]} == {"skipped"}  # the .gitignore
    assert "the look at the disk was cut short" in report["notes"][0]


@pytest.mark.slow
def test_ctrl_c_while_the_model_is_converted_is_an_interruption_too(program: Program) -> None:
    (program.folder / "docs").mkdir()
    (program.folder / "docs/a.md").write_text("text")
    mark = uuid.uuid4().hex
    env = {"MARK": mark, "SEARCHAPP_CACHE": str(program.folder / "cache")}
    process = program.start("ingest", "docs", "--corpus", "corpus", "--json", env=env)
    while not any("searchapp.encoders.torch_engine" in command for command in processes_with(mark)):
        assert process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert json.loads(stdout)["interrupted"] is True
    assert processes_with(mark) == []


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_evaluation_that_is_interrupted_clears_its_corpus_away(
    program: Program, number: signal.Signals
) -> None:
    folder, temporary = program.folder / "big", program.folder / "temporary"
    (folder / "qrels").mkdir(parents=True)
    temporary.mkdir()
    rows = (f'{{"_id": "d{i}", "text": "Note {i}: {"boats " * 200}"}}\n' for i in range(3000))
    (folder / "corpus.jsonl").write_text("".join(rows))
    (folder / "queries.jsonl").write_text('{"_id": "q1", "text": "boats"}\n')
    (folder / "qrels/test.tsv").write_text("q1\td1\t1\n")
    process = program.start("evaluate", "big", env={"TMPDIR": str(temporary)})
    while not list(temporary.glob(".searchapp-*/corpus/corpus.db")):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert list(temporary.glob(".searchapp-*")) == []


def await_documents(database: Path, process: subprocess.Popen[str]) -> None:
    """Wait until the first vectors are committed."""
    for _ in range(1200):
        assert process.poll() is None, "the ingest ended too soon"
        with (
            suppress(sqlite3.Error),
            closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as reader,
        ):
            if reader.execute("SELECT count(*) FROM vectors").fetchone()[0]:
                return
        time.sleep(0.05)
    raise AssertionError("no document was committed within a minute")


def processes_with(mark: str) -> list[str]:
    """The command lines of all processes that were given the mark in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark.encode() in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_text())
    return found


# ---- what is imported ----------------------------------------------------------------------------

SPY = """
import sys
from searchapp.cli.app import main
code = main(sys.argv[1:])
sys.stdout.flush()
sys.stderr.write(" ".join(sys.modules))
sys.exit(code)
"""


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--json"],
        ["--paths"],
        ["--in", "docs", "--type", "md", "--since", "2000", "--per-document", "1"],
        ["--mode", "keyword"],
        ["--mode", "hybrid", "--weight", "0.3", "--literal", "--copies"],
        ["--mode", "best", "--explain", "--min-confidence", "0.1"],
        ["--like", "docs/boiler.txt", "--not", "rain"],
    ],
)
def test_a_query_imports_neither_torch_nor_sqlalchemy(filled: Program, words: list[str]) -> None:
    spy = Program(filled.folder, filled.cache, command=(sys.executable, "-P", "-c", SPY))
    done = spy.run("query", "soup", "--corpus", "corpus", *words)
    assert done.returncode == 0
    modules = done.stderr.split()
    assert "searchapp.corpus" in modules
    assert not set(HEAVY) & set(modules)
    if not {"best", "--like"} & set(words):  # no passage has to be encoded
        assert not set(NOT_OF_A_QUESTION) & set(modules)


def test_highlights_on_a_terminal_import_neither_torch_nor_sqlalchemy(filled: Program) -> None:
    spy = Program(filled.folder, filled.cache, command=(sys.executable, "-P", "-c", SPY))
    shown, modules = spy.on_terminal("query", "how long do lentils boil?", "--corpus", "corpus")
    assert "\x1b[1;33m" in shown
    assert "searchapp.corpus" in modules.split()
    assert not set(HEAVY) & set(modules.split())


# ---- on a terminal -------------------------------------------------------------------------------


def test_a_terminal_gets_colour_the_best_sentence_marked_and_lines_that_fit(
    filled: Program,
) -> None:
    shown, _ = filled.on_terminal(
        "query", "how long do lentils boil?", "-k", "1", "--corpus", "corpus", columns=50
    )
    marked = ESCAPE.sub("", " ".join(re.findall(r"\x1b\[1;33m(.*?)\x1b\[0m", shown)))
    assert marked == "Add the lentils and water, then boil them for forty minutes."
    assert max(display_width(ESCAPE.sub("", line)) for line in shown.splitlines()) <= 50
    assert "docs/soup.md" in shown
    assert str(filled.folder) not in shown


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colour_can_be_declined(filled: Program, env: dict[str, str]) -> None:
    shown, _ = filled.on_terminal("query", "soup", "--corpus", "corpus", env=env)
    assert "\x1b" not in shown
    asked, _ = filled.on_terminal(
        "query", "how long do lentils boil?", "-k", "1", "--corpus", "corpus", env=env
    )
    assert "«Add the lentils and water, then boil them for forty minutes.»" in " ".join(
        asked.split()
    )
    assert "docs/soup.md:5" in asked
    assert "\x1b" not in asked


def test_links_are_drawn_only_in_terminals_that_are_known_to_draw_them(filled: Program) -> None:
    link = f"\x1b]8;;file://{os.uname().nodename}{filled.folder}/docs/soup.md\x1b\\"
    known, _ = filled.on_terminal("list", "--corpus", "corpus", env={"VTE_VERSION": "7600"})
    unknown, _ = filled.on_terminal("list", "--corpus", "corpus")
    assert link in known
    assert "\x1b]8" not in unknown


# ---- where things are ----------------------------------------------------------------------------


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, whose user has no settings and no environment."""
    for name in ("SEARCHAPP_CORPUS", "SEARCHAPP_CACHE", "SEARCHAPP_MODEL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("CONFIG", "DATA", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    (tmp_path / "config/searchapp").mkdir(parents=True)
    (tmp_path / "project/deep/deeper").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "project/deep/deeper")
    return tmp_path


def test_flags_beat_the_environment_beats_the_project_beats_the_file_beats_the_default(
    places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert config.load().folder == places / "data/searchapp/corpus"
    (places / "config/searchapp/config.toml").write_text(f'corpus = "{places}/from-file"\n')
    assert config.load().folder == places / "from-file"
    (places / "project/.searchapp").mkdir()
    assert config.load().folder == places / "project/.searchapp"
    (places / "project/deep/.searchapp").mkdir()
    assert config.load().folder == places / "project/deep/.searchapp"
    monkeypatch.setenv("SEARCHAPP_CORPUS", "from-environment")
    assert config.load().folder == places / "project/deep/deeper/from-environment"
    assert config.load(corpus=places / "flag").folder == places / "flag"


def test_the_model_and_the_cache_follow_the_same_order(
    places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (config.load().model, config.load().cache) == (None, places / "cache/searchapp")
    (places / "config/searchapp/config.toml").write_text('model = "from-file"\n')
    assert config.load().model == "from-file"
    monkeypatch.setenv("SEARCHAPP_MODEL", "from-environment")
    monkeypatch.setenv("SEARCHAPP_CACHE", "/from-environment")
    assert (config.load().model, config.load().cache) == (
        "from-environment",
        Path("/from-environment"),
    )
    assert config.load(model="flag").model == "flag"


@pytest.mark.parametrize("text", ["corpsu = 'x'\n", "corpus = 3\n", "corpus = \n", "\xff"])
def test_a_mistake_in_the_file_is_no_setting(places: Path, text: str) -> None:
    (places / "config/searchapp/config.toml").write_text(text, encoding="latin-1")
    with pytest.raises(UsageError) as caught:
        config.load()
    assert caught.value.hint


def test_init_makes_a_corpus_for_a_folder_that_commands_below_it_use(program: Program) -> None:
    deep = program.folder / "project/deep"
    deep.mkdir(parents=True)
    done = program.run("init", cwd=program.folder / "project")
    assert done.stdout == f"corpus ready at {program.folder}/project/.searchapp\n"
    assert program.run("init", cwd=program.folder / "project").returncode == 0
    status = program.run("status", "--json", cwd=deep)
    assert json.loads(status.stdout)["path"] == f"{program.folder}/project/.searchapp"
    assert (program.folder / "project/.searchapp/.gitignore").read_text() == "*\n"
    assert (program.folder / "project/.searchapp").stat().st_mode & 0o777 == 0o700


def test_a_folder_of_other_things_is_refused_and_not_littered(program: Program) -> None:
    docs = program.folder / "docs"
    docs.mkdir()
    (docs / "a.md").write_text("text")
    done = program.run("ingest", "docs", "--corpus", "docs", "--json")
    assert (done.returncode, error_of(done)["code"]) == (4, "corpus")
    assert "--corpus" in error_of(done)["hint"]
    assert program.run("init", "--corpus", "docs").returncode == 4
    assert [path.name for path in docs.iterdir()] == ["a.md"]


# ---- wherever it runs ----------------------------------------------------------------------------


def answers(
    program: Program,
    *,
    prefix: tuple[str, ...] = (),
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> None:
    """Ingest a document and find it."""
    (program.folder / "docs").mkdir()
    (program.folder / "docs/a.md").write_text("Boil the lentils.")
    program.command = (*prefix, *program.command)
    corpus = str(program.folder / "corpus")
    done = program.run("ingest", str(program.folder / "docs"), "--corpus", corpus, env=env, cwd=cwd)
    assert done.returncode == 0, done.stderr
    done = program.run("query", "lentils", "--corpus", corpus, "--paths", env=env, cwd=cwd)
    assert (done.returncode, done.stdout) == (0, f"{program.folder}/docs/a.md\n"), done.stderr


def test_it_works_without_any_network(program: Program) -> None:
    if (
        shutil.which("unshare") is None
        or subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip("this machine does not let a process leave the network")
    answers(program, prefix=("unshare", "-rn"))


def test_it_works_with_a_home_that_cannot_be_written(program: Program) -> None:
    answers(program, env={"HOME": "/proc/nowhere"})


def test_it_works_without_a_home(program: Program) -> None:
    answers(program, prefix=("env", "-u", "HOME"))


@pytest.mark.slow
@pytest.mark.parametrize("home", ["/proc/nowhere", "/dev/null"])
def test_without_a_home_to_write_the_model_is_converted_among_the_temporary_files(
    program: Program, home: str
) -> None:
    temporary = program.folder / "temporary"
    temporary.mkdir()
    program.command = ("env", "-u", "SEARCHAPP_CACHE", *program.command)
    env = {"HOME": home, "TMPDIR": str(temporary)}
    answers(program, env=env)
    cache = temporary / f"searchapp-{os.geteuid()}"
    assert {"encoders", "answers"} <= {path.name for path in cache.iterdir()}
    done = program.run("query", "lentils", "--corpus", "corpus", env=env)
    assert done.stderr.count(f"are kept in {cache}") == 1
    assert "lentils" in done.stdout
    done = program.run("query", "--like-match", "1", "--corpus", "corpus", env=env)
    assert done.returncode == 1, done.stderr  # there is no other document


def test_the_console_script_is_not_led_astray_by_files_where_it_runs(program: Program) -> None:
    trap = program.folder / "trap"
    for name in ("searchapp/__init__.py", "numpy.py", "json.py", "torch.py", "searchapp.py"):
        (trap / name).parent.mkdir(parents=True, exist_ok=True)
        (trap / name).write_text("raise SystemExit('the wrong module was imported')")
    program.command = (str(Path(sys.executable).parent / "searchapp"),)
    answers(program, cwd=trap)


def test_evaluate_measures_a_collection_and_writes_its_run(program: Program) -> None:
    folder = program.folder / "tiny"
    (folder / "qrels").mkdir(parents=True)
    (folder / "corpus.jsonl").write_text(
        '{"_id": "d1", "text": "Boil the lentils."}\n{"_id": "d2", "text": "The boat sails."}\n'
    )
    (folder / "queries.jsonl").write_text('{"_id": "q1", "text": "cooking"}\n')
    (folder / "qrels/test.tsv").write_text("q1\td1\t1\n")
    result = program.json(
        "evaluate", "tiny", "--run-file", "run.txt", "--mode", "cosine", "--mode", "cosine"
    )
    (figures,) = result["evaluations"]
    assert (figures["ndcg@10"], figures["recall@100"], figures["mrr@10"], figures["queries"]) == (
        1,
        1,
        1,
        1,
    )
    assert [line.split()[2] for line in (program.folder / "run.txt").read_text().splitlines()] == [
        "d1",
        "d2",
    ]
