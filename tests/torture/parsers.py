"""Our own parsers and the query language under a coverage-guided fuzzer: whatever comes in, they
answer or refuse, and say so.

    python -m tests.torture.parsers [--runs N] [--seconds S] [TARGET...]

Each target runs in a process of its own, from the sample documents as seeds. A refusal is a
SearchappError; anything else is a defect, and so is a run of more than ten seconds or two
gigabytes. Needs atheris.

What a library parses for us (xls, pdf) is left to `mutations`: there a crash costs a worker, here
it ends the fuzzer.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from searchapp.backends.sqlite.fts import TABLE, expression
from tests.torture.mutations import seeds
from tests.torture.telling import progress

_EXTRACTED = (
    "rtf",
    "doc",
    "ppt",
    "msg",
    "eml",
    "mbox",
    "md",
    "rst",
    "csv",
    "ipynb",
    "odt",
    "docx",
    "xlsx",
    "pptx",
    "hwpx",
    "vsdx",
    "xps",
    "epub",
    "srt",
    "org",
    "tex",
    "txt",
    "ics",
    "vcf",
    "dat",
    "p7m",
    "bib",
    "ass",
    "pages",
    "key",
    "numbers",
    "mobi",
    "svg",
)
_SEEDS = {
    "query": [
        b'"a phrase" -word title:lamp plain',
        '„quoted“ title:"big cat" -"no" 日本語'.encode(),
    ],
    "moment": [b"2024-05-31T10:00:00Z", b"2024-05", b"1677-01-01"],
    "judgements": [b"question,path,grade\nwhat,/x,2\n", b'{"question": "a", "path": "/x"}\n'],
    "export": [
        (
            b'{"format": "searchapp-export/1", "encoder": {}, "roots": []}\n{"documents": 0, '
            b'"blake2b": ""}\n'
        )
    ],
    "rules": [b"*.log\n!keep.log\n/build/\n[a-z]?.txt\n\\#x\n"],
    "srt": [b"1\n00:00:01,000 --> 00:00:02,000\nwords\n\n2\n"],
    "org": [b"* Head\n** Below\n#+TITLE: x\n| a | b |\n"],
    "tex": [rb"\documentclass{a}\begin{document}\section{One} words $x$ \end{document}"],
    "txt": [b"plain words", "\ufeffcaf\u00e9".encode("utf-16")],
    "csv": [b"a;b;c\n1;2;3\n"],
    "md": [b"---\ntitle: x\n---\n# Head\n\n* item\n\n```py\ncode\n```\n"],
    "rst": [b"Head\n====\n\n.. note:: words\n\n* item\n"],
}


def _query(data: bytes) -> None:
    from searchapp.search import query_parser

    asked = query_parser.parse(data.decode("utf-8", "replace"))
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        database.execute(f"CREATE VIRTUAL TABLE keywords USING {TABLE}")
        for terms in (asked.terms, *([term] for term in (*asked.holding, *asked.lacking))):
            if terms:
                database.execute(
                    "SELECT rowid FROM keywords WHERE keywords MATCH ?",
                    (expression(terms),),
                ).fetchall()


def _moment(data: bytes) -> None:
    from searchapp.types.dates import moment_ns

    with contextlib.suppress(ValueError):
        moment_ns(data.decode("utf-8", "replace"))


def _judgements(data: bytes) -> None:
    from searchapp.evaluation.qrels import own_judgements

    with _file(data, "j.csv") as file:
        own_judgements(file, {b"/x"})


def _export(data: bytes) -> None:
    import gzip

    from searchapp.backends import interchange

    with _file(gzip.compress(data, 1), "e.jsonl.gz") as file:
        interchange.header(file, moved=lambda path: path)


def _rules(data: bytes) -> None:
    from searchapp.filesystem.walk import walk

    with _file(data, ".gitignore") as file:
        (file.parent / "a.txt").touch()
        list(walk(bytes(file.parent)))


def _extract(kind: str, data: bytes) -> None:
    from searchapp.extract.entries import extract

    extract(data, f"x.{kind}")


TARGETS: dict[str, Callable[[bytes], None]] = {
    "query": _query,
    "moment": _moment,
    "judgements": _judgements,
    "export": _export,
    "rules": _rules,
    **{kind: partial(_extract, kind) for kind in _EXTRACTED},
}


@contextlib.contextmanager
def _file(data: bytes, name: str):  # type: ignore[no-untyped-def]  # noqa: ANN202, RUF100
    with tempfile.TemporaryDirectory(
        dir="/dev/shm" if Path("/dev/shm").is_dir() else None
    ) as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        yield path


def fuzz(target: str, options: list[str]) -> None:
    """Run one target until the fuzzer's options say to end; does not return."""
    import atheris

    with atheris.instrument_imports(include=["searchapp"]):
        import searchapp.backends.interchange
        import searchapp.backends.sqlite.layout
        import searchapp.evaluation.qrels
        import searchapp.extract.drawings.svg
        import searchapp.extract.ebooks.mobi
        import searchapp.extract.iwork.iwork
        import searchapp.extract.mail.mail
        import searchapp.extract.mail.outlook
        import searchapp.extract.office.doc
        import searchapp.extract.office.ppt
        import searchapp.extract.office.rtf
        import searchapp.extract.spreadsheets.rows
        import searchapp.extract.text.code
        import searchapp.extract.text.markdown
        import searchapp.extract.text.plain
        import searchapp.extract.text.rst
        import searchapp.extract.text.structured
        import searchapp.filesystem.walk
        import searchapp.search.query_parser  # noqa: F401
    from searchapp.errors import SearchappError

    def once(data: bytes) -> None:
        with contextlib.suppress(SearchappError):
            TARGETS[target](data)

    atheris.Setup([sys.argv[0], *options], once)
    atheris.Fuzz()


def run(target: str, *, runs: int, seconds: int) -> tuple[int, str]:
    """How many inputs a target was given, and what it failed with, "" where it did not."""
    with tempfile.TemporaryDirectory(prefix=f"parsers-{target}-") as folder:
        for number, data in enumerate([*_SEEDS.get(target, []), *seeds().get(target, [])]):
            (Path(folder) / f"seed{number}").write_bytes(data[:100_000])
        limits = [
            f"-runs={runs}",
            f"-max_total_time={seconds}",
            "-timeout=10",
            "-rss_limit_mb=2048",
            "-max_len=100000",
            "-print_final_stats=1",
        ]
        command = [
            sys.executable,
            "-m",
            "tests.torture.parsers",
            "--fuzz",
            target,
            *limits,
            f"-artifact_prefix={folder}/",
            folder,
        ]
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", check=False
        )
    count = re.search(r"stat::number_of_executed_units:\s*(\d+)", done.stderr)
    failure = re.search(
        r"(Uncaught Python exception.*?)(?:==\d+==|$)", done.stderr, re.DOTALL
    ) or re.search(r"(ERROR: libFuzzer.*)", done.stderr)
    return int(count[1]) if count else 0, (failure[1] if failure else done.stderr[-400:])[
        -1200:
    ] if done.returncode else ""


def main() -> None:
    """Fuzz the targets one by one, and print what came of it as JSON."""
    if sys.argv[1:2] == ["--fuzz"]:
        fuzz(sys.argv[2], sys.argv[3:])
    parser = argparse.ArgumentParser(description="Fuzz the parsers and the query language.")
    parser.add_argument("targets", nargs="*", default=list(TARGETS))
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=int, default=30)
    arguments = parser.parse_args()
    began, told, tell = time.monotonic(), {}, progress("targets", len(arguments.targets))
    for number, target in enumerate(arguments.targets, 1):
        count, failure = run(target, runs=arguments.runs, seconds=arguments.seconds)
        told[target] = {"inputs": count, "defect": failure}
        tell(number)
    print(json.dumps({"targets": told, "took_s": round(time.monotonic() - began, 1)}, indent=2))
    sys.exit(any(each["defect"] for each in told.values()))


if __name__ == "__main__":
    main()
