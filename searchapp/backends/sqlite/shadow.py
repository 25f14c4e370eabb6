"""The other encodings of a corpus: made by another model, each in a folder inside the corpus's,
half built or kept from before.

Such a folder is a corpus of its own, complete in itself, of which the corpus knows nothing: it
answers from its current encoding alone, so that the others may be incomplete, or be deleted, at any
time. Where they are and what they hold, looked at and deleted here; `reencode` builds them.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from searchapp.backends.sqlite.lock import Lock
from searchapp.backends.sqlite.reader import SqliteReader
from searchapp.errors import CorpusDamaged, CorpusError, EncoderError
from searchapp.filesystem import atomic_write

if TYPE_CHECKING:
    from searchapp.types.results import FileOutcome
    from searchapp.types.vectors import EncoderIdentity

_PREFIX = "encoding-"
_NEW, _GONE = (
    ".new",
    ".gone",
)  # ends of the names of what is being copied, or deleted; a kill leaves them


@dataclass(frozen=True, slots=True)
class OtherEncoding:
    """An encoding beside the current one."""

    folder: Path
    encoder: EncoderIdentity | None  # None where it cannot be read
    documents: int  # that have their vectors
    size: int  # bytes


@dataclass(frozen=True, slots=True)
class Reencoded:
    """What became of a corpus that was to use another model."""

    before: EncoderIdentity
    after: EncoderIdentity
    generation: int
    documents: int  # of the new encoding; those that are ready, where it is not in place yet
    passages: int
    took_s: float
    embedded: int = 0  # passages
    taken_over: int = (
        0  # documents whose files could not be read: they were split anew from the stored text
    )
    joined: int = 0  # documents that the corpus did not have before
    left: tuple[
        FileOutcome, ...
    ] = ()  # documents that the corpus had before, by the rules of every ingest
    is_in_place: bool = False  # False: it was interrupted, and nothing has changed
    is_former_kept: bool = False
    notes: tuple[str, ...] = ()


def folder_of(corpus: Path, fingerprint: str) -> Path:
    """Where the encoding of a model is, while it is not the current one."""
    return corpus / f"{_PREFIX}{fingerprint[:16]}"


def folders(corpus: Path) -> list[Path]:
    """The folders of all other encodings, and what a kill has left of such; by name."""
    return sorted(path for path in corpus.glob(f"{_PREFIX}*") if path.is_dir())


def others(corpus: Path) -> list[OtherEncoding]:
    """What each other encoding holds, by name of its folder."""
    return [_looked_at(folder) for folder in folders(corpus) if not _is_leftover(folder)]


def new_folder(folder: Path) -> Path:
    """An empty folder to copy an encoding into, before `put` gives it its name."""
    work = folder.with_name(folder.name + _NEW)
    shutil.rmtree(work, ignore_errors=True)
    atomic_write.make_folder(work)
    return work


def put(work: Path, folder: Path) -> None:
    """Give a folder that is complete its name, durably, in place of what has it."""
    delete(folder)
    atomic_write.sync(work)
    work.rename(folder)
    atomic_write.sync(folder.parent)


def delete(folder: Path) -> None:
    """Delete an encoding, so that no half of one is ever found under its name."""
    gone = folder.with_name(folder.name.removesuffix(_GONE) + _GONE)
    if folder.exists() and folder != gone:
        shutil.rmtree(gone, ignore_errors=True)
        folder.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def drop(corpus: Path, model: str) -> list[Path]:
    """Delete the other encodings by a model, or in a folder of that name; returns their folders.

    Raises EncoderError where there is none, and CorpusLocked while it is being built.
    """
    names = {model, str(Path(model).expanduser().resolve())}
    found = [
        each.folder
        for each in others(corpus)
        if each.folder.name == model or (each.encoder and each.encoder.model in names)
    ]
    if not found:
        raise EncoderError(
            f"the corpus holds no other encoding by {model}",
            hint="see: searchapp model list, and searchapp status",
        )
    for folder in found:
        try:
            lock = Lock(folder)
        except CorpusDamaged:  # without a database: nobody can be building it
            delete(folder)
            continue
        try:
            delete(folder)
        finally:
            lock.release()
    return found


def sweep(corpus: Path) -> None:
    """Delete what a kill has left of encodings that were being copied or deleted; call it under the
    corpus's lock.
    """
    for folder in folders(corpus):
        if _is_leftover(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _looked_at(folder: Path) -> OtherEncoding:
    size = sum(path.lstat().st_size for path in folder.glob("*") if path.is_file())
    try:
        with SqliteReader(folder) as snapshot:
            documents, _, pending, _ = snapshot.counts()
            return OtherEncoding(folder, snapshot.encoder, documents - pending, size)
    except CorpusError:
        return OtherEncoding(folder, None, 0, size)


def _is_leftover(folder: Path) -> bool:
    return folder.name.endswith((_NEW, _GONE))
