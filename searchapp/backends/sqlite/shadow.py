"""The other encodings of a corpus: made by another model, each in a folder inside the corpus's,
half built or kept from before.

Such a folder is a corpus of its own, complete in itself, of which the corpus knows nothing: it
answers from its current encoding alone, so that the others may be incomplete, or be deleted, at any
time. They are found and deleted here; `maintenance.reembed` builds them.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from searchapp.backends.sqlite import layout, leftovers
from searchapp.backends.sqlite.lock import Lock
from searchapp.backends.sqlite.reader import SqliteReader
from searchapp.errors import CorpusDamaged, CorpusError, EncoderError
from searchapp.filesystem import atomic_write
from searchapp.types.encodings import CorpusEncodings, OtherEncoding


def folder_of(corpus: Path, fingerprint: str) -> Path:
    """Where the encoding of a model is, while it is not the current one."""
    return corpus / f"{layout.ENCODING}{fingerprint[:16]}"


def folders(corpus: Path) -> list[Path]:
    """The folders of all other encodings, and what a kill has left of such; by name."""
    return sorted(path for path in corpus.glob(f"{layout.ENCODING}*") if path.is_dir())


def others(corpus: Path) -> list[OtherEncoding]:
    """What each other encoding holds, by name of its folder."""
    return [
        _described(folder) for folder in folders(corpus) if not leftovers.is_leftover(folder.name)
    ]


def encodings(corpus: Path) -> CorpusEncodings:
    """The encoder of the corpus, where it can be read, and its other encodings; none at all where
    it cannot.
    """
    try:
        with SqliteReader(corpus) as reader:
            return CorpusEncodings(reader.encoder, others(corpus))
    except CorpusError:
        return CorpusEncodings()


def new_folder(folder: Path) -> Path:
    """An empty folder to copy an encoding into, before `put` gives it its name."""
    work = folder.with_name(folder.name + layout.NEW_ENCODING)
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
    gone = folder.with_name(folder.name.removesuffix(layout.GONE_ENCODING) + layout.GONE_ENCODING)
    if folder.exists() and folder != gone:
        shutil.rmtree(gone, ignore_errors=True)
        folder.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def drop(corpus: Path, model: str) -> list[OtherEncoding]:
    """Delete the other encodings by a model, or in a folder of that name; returns them.

    Raises EncoderError where there is none, and CorpusLocked while it is being built.
    """
    names = {model, str(Path(model).expanduser().resolve())}
    matching = [
        other
        for other in others(corpus)
        if other.name == model or (other.encoder and other.encoder.model in names)
    ]
    if not matching:
        raise EncoderError(
            f"the corpus holds no other encoding by {model}",
            hint="see: searchapp model list, and searchapp status",
        )
    for folder in (Path(other.place) for other in matching):
        try:
            lock = Lock(folder)
        except CorpusDamaged:  # without a database: nobody can be building it
            delete(folder)
            continue
        try:
            delete(folder)
        finally:
            lock.release()
    return matching


def _described(folder: Path) -> OtherEncoding:
    size = sum(path.lstat().st_size for path in folder.glob("*") if path.is_file())
    try:
        with SqliteReader(folder) as reader:
            documents, _, pending, _ = reader.counts()
            encoder, ready = reader.encoder, documents - pending
    except CorpusError:
        encoder, ready = None, 0
    return OtherEncoding(folder.name, str(folder), encoder, ready, size)
