"""The tables of a corpus and how a database gets them; docs/corpus-format.md describes them for
readers in other languages.

The only owner of alembic. Knows nothing of locks, units of work or documents.
"""

from __future__ import annotations

import contextlib
import errno
import sqlite3
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from searchapp.backends.sqlite import blank, layout
from searchapp.errors import CorpusDamaged, CorpusUnwritable, SearchappError
from searchapp.filesystem import atomic_write

_PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "foreign_keys = ON",
    "trusted_schema = OFF",
    "cell_size_check = ON",
    "secure_delete = ON",
)
_COMPILED: dict[Any, Any] = {}  # the statements that SQLAlchemy has compiled, of all corpora

ROOM = (
    "make room, or check the permissions of the corpus folder; everything committed so far is safe"
)

FAILING = (
    "the disk may be full or failing: look into the system's log; everything committed "
    "so far is safe, and searchapp backup saves it"
)


# ---- tables --------------------------------------------------------------------------------------


class Base(DeclarativeBase):
    """The metadata that the tables below share."""


class CorpusTable(Base):
    """One row: which corpus this is and how many commits changed it."""

    __tablename__ = "corpus"
    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[str] = mapped_column(sa.Text)
    generation: Mapped[int]
    created_at_ns: Mapped[int]
    ingested_at_ns: Mapped[int | None]
    # documents that have their vectors; kept by triggers
    embedded: Mapped[int] = mapped_column(server_default="0")
    labels: Mapped[int] = mapped_column(server_default="0")  # rows of `label`; kept by triggers
    digest: Mapped[bytes]  # over layout.ACCOUNT


class EncodingTable(Base):
    """One row: the encoder that made all vectors; none before the first document."""

    __tablename__ = "encoding"
    id: Mapped[int] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(sa.Text)
    fingerprint: Mapped[str] = mapped_column(sa.Text)
    dim: Mapped[int]
    max_tokens: Mapped[int]


class RootTable(Base):
    """A folder or file that `ingest` without a path refreshes."""

    __tablename__ = "root"
    path: Mapped[bytes] = mapped_column(primary_key=True)
    include: Mapped[str] = mapped_column(sa.Text)  # JSON list
    exclude: Mapped[str] = mapped_column(sa.Text)  # JSON list


class DocumentTable(Base):
    """One source, and what it was reduced to, but for its text and vectors."""

    __tablename__ = "document"
    __table_args__ = (
        sa.Index("document_content_hash", "content_hash"),
        {"sqlite_autoincrement": True},
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    path: Mapped[bytes] = mapped_column(unique=True)
    display: Mapped[str] = mapped_column(sa.Text)
    size: Mapped[int]
    mtime_ns: Mapped[int]
    ctime_ns: Mapped[int]
    inode: Mapped[int]
    content_hash: Mapped[bytes]
    hashed_at_ns: Mapped[int]
    is_stale: Mapped[bool]
    source_digest: Mapped[bytes]
    type: Mapped[str] = mapped_column(sa.Text)
    title: Mapped[str] = mapped_column(sa.Text)
    metadata_: Mapped[str] = mapped_column("metadata", sa.Text)  # JSON object
    dated_ns: Mapped[int]
    extractor: Mapped[str] = mapped_column(sa.Text)
    splitter: Mapped[str] = mapped_column(sa.Text)
    has_lines: Mapped[bool]
    content_digest: Mapped[bytes]
    first_passage_id: Mapped[int]
    passages: Mapped[int]
    generation: Mapped[int]


class TextTable(Base):
    """A document's text, apart so that listing documents does not read it."""

    __tablename__ = "document_text"
    document_id: Mapped[int] = mapped_column(
        sa.ForeignKey("document.id", ondelete="CASCADE"), primary_key=True
    )
    text: Mapped[str] = mapped_column(sa.Text)


class PassageTable(Base):
    """A passage; ids are consecutive within a document and never used again."""

    __tablename__ = "passage"
    __table_args__ = (
        sa.Index("passage_document_id", "document_id"),
        sa.Index("passage_text_digest", "text_digest"),
        {"sqlite_autoincrement": True},
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    document_id: Mapped[int] = mapped_column(sa.ForeignKey("document.id", ondelete="CASCADE"))
    start: Mapped[int]
    end: Mapped[int]
    place: Mapped[str] = mapped_column(sa.Text)  # JSON object
    headings: Mapped[str] = mapped_column(sa.Text)  # JSON list, title first
    text_digest: Mapped[bytes]


class VectorsTable(Base):
    """A document's vectors, float16 rows in passage order; a document without is pending."""

    __tablename__ = "vectors"
    __table_args__ = (sa.Index("vectors_generation", "generation"),)
    document_id: Mapped[int] = mapped_column(
        sa.ForeignKey("document.id", ondelete="CASCADE"), primary_key=True
    )
    first_passage_id: Mapped[int]
    passages: Mapped[int]
    generation: Mapped[int]
    digest: Mapped[bytes]
    vectors: Mapped[bytes]


class LabelTable(Base):
    """What a document is labelled, by whom, and how sure that is."""

    __tablename__ = "label"
    __table_args__ = (sa.Index("label_name", "name"),)
    document_id: Mapped[int] = mapped_column(
        sa.ForeignKey("document.id", ondelete="CASCADE"), primary_key=True
    )
    name: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    origin: Mapped[str] = mapped_column(sa.Text)
    probability: Mapped[float | None] = mapped_column(sa.REAL)
    digest: Mapped[bytes]


class TombstoneTable(Base):
    """Passages that have left since the vectors file was published, and may still stand in it."""

    __tablename__ = "tombstone"
    first_passage_id: Mapped[int] = mapped_column(primary_key=True)
    passages: Mapped[int]
    generation: Mapped[int]


class PublicationTable(Base):
    """One row: the vectors file, as it was published."""

    __tablename__ = "published"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.Text)
    generation: Mapped[int]
    digest: Mapped[bytes]
    size: Mapped[int]
    mtime_ns: Mapped[int]
    ctime_ns: Mapped[int]
    inode: Mapped[int]
    passages: Mapped[int]


class UnindexedTable(Base):
    """A file that the last ingest saw and that is no document; with what it was, where
    it was read.
    """

    __tablename__ = "unindexed"
    path: Mapped[bytes] = mapped_column(primary_key=True)
    outcome: Mapped[str] = mapped_column(sa.Text)
    reason: Mapped[str] = mapped_column(sa.Text)
    files: Mapped[int]
    size: Mapped[int | None]
    mtime_ns: Mapped[int | None]
    ctime_ns: Mapped[int | None]
    inode: Mapped[int | None]
    content_hash: Mapped[bytes | None]
    hashed_at_ns: Mapped[int | None]
    extractor: Mapped[str | None] = mapped_column(sa.Text)


class TallyTable(Base):
    """How many documents there are of one kind; kept by triggers, so that nobody need count."""

    __tablename__ = "tally"
    type: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    extractor: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    splitter: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    documents: Mapped[int]
    passages: Mapped[int]
    stale: Mapped[int]
    ids: Mapped[int]  # the sum of their ids


class BackgroundTable(Base):
    """One row: what the corpus was like as a whole when its vectors file was published."""

    __tablename__ = "background"
    id: Mapped[int] = mapped_column(primary_key=True)
    scale: Mapped[float] = mapped_column(sa.REAL)
    mean: Mapped[bytes]


class SettingTable(Base):
    """What this corpus does otherwise than by default."""

    __tablename__ = "setting"
    name: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    value: Mapped[str] = mapped_column(sa.Text)


class ExclusionTable(Base):
    """A file or folder that was removed from the corpus, and that no ingest takes in again unless
    it is named.
    """

    __tablename__ = "exclusion"
    path: Mapped[bytes] = mapped_column(primary_key=True)


class VocabularyTable(Base):
    """A word of the passages, for mistyped ones; derived as the keyword index is."""

    __tablename__ = "vocabulary"
    __table_args__ = ({"sqlite_with_rowid": False},)
    word: Mapped[str] = mapped_column(sa.Text, primary_key=True)  # without case and accents
    written: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    passages: Mapped[int]


class StemmedLanguageTable(Base):
    """A language in which documents stand in the keyword index by their stems."""

    __tablename__ = "stemmed_language"
    __table_args__ = ({"sqlite_with_rowid": False},)
    language: Mapped[str] = mapped_column(sa.Text, primary_key=True)  # its code


# ---- getting them --------------------------------------------------------------------------------


def is_ours(item: object, name: str | None, kind: str, reflected: bool, other: object) -> bool:  # noqa: ARG001, FBT001, RUF100
    """Whether a table is described above; the keyword index and its shadow tables are FTS5's own
    business.
    """
    return not (kind == "table" and (name or "").startswith(("keywords", "sqlite_")))


def upgrade(engine: sa.Engine) -> None:
    """Bring the database to the newest schema, in one transaction: a blank one by a script, any
    other by the migrations.
    """
    with engine.connect() as connection, connection.begin():
        if is_new := blank.is_blank(connection):
            blank.make_tables(connection)
            seal(connection)
    if not is_new:
        migrate(engine)


def migrate(engine: sa.Engine, revision: str = "head") -> None:
    """Run the migrations up to a revision, in one transaction."""
    from alembic import command
    from alembic.config import Config

    packaged = Path(str(files("searchapp"))) / "migrations"
    config = Config()
    config.set_main_option(
        "script_location",
        str(packaged if packaged.is_dir() else packaged.parents[1] / "alembic").replace("%", "%%"),
    )
    # A migration rebuilds tables, and with foreign keys on, dropping the old one would delete every
    # row that refers to it.
    with engine.connect() as connection:
        raw: Any = connection.connection.driver_connection
        raw.execute("PRAGMA foreign_keys = OFF")
        try:
            with connection.begin():
                config.attributes["connection"] = connection
                command.upgrade(config, revision)
                broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
                if broken is not None:
                    hint = (
                        "the corpus is as it was: go on with the earlier searchapp, and report this"
                    )
                    raise CorpusDamaged(
                        f"migration left a broken reference in {broken[0]}", hint=hint
                    )
                if (
                    revision == "head"
                ):  # an earlier schema lacks what a seal covers; only tests stop there
                    seal(connection)
        finally:
            raw.execute("PRAGMA foreign_keys = ON")


def connect(folder: Path) -> sa.Engine:
    """An engine with the one connection of a writer; transactions begin IMMEDIATE, so that they
    cannot fail half-way.
    """
    path = folder / layout.DATABASE
    try:
        if not path.exists():
            _make(path)
    except OSError as error:
        raise CorpusUnwritable(
            f"cannot write the corpus at {folder}: {error.strerror}", hint=ROOM
        ) from error
    except sqlite3.Error as error:
        raise translated(error, folder) from error

    def open_database() -> Any:  # SQLAlchemy describes a connection otherwise than Python does
        connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, timeout=30
        )
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        return connection

    dialect = _dialect()
    engine = sa.Engine(
        sa.StaticPool(open_database, dialect=dialect),
        dialect,
        sa.make_url("sqlite://"),
        execution_options={"compiled_cache": _COMPILED},
    )
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    event.listen(engine, "handle_error", _translate)
    return engine


@cache
def _dialect() -> sa.Dialect:
    """How SQLAlchemy speaks to SQLite. All corpora of a process share it, and so the statements
    that it has compiled: what is compiled is kept by dialect.
    """
    engine = sa.create_engine("sqlite://")
    engine.connect().close()  # the first connection tells the dialect of the library
    return engine.dialect


def _make(path: Path) -> None:
    """Make an empty database in WAL mode that appears whole: turning one to WAL in its place could
    be cut half-way, and not be readable.
    """
    temporary = path.with_name(f".{path.name}-new")
    _clear(temporary)
    with atomic_write.created(temporary):
        pass
    with contextlib.closing(sqlite3.connect(temporary, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    atomic_write.sync(temporary)
    temporary.rename(path)
    atomic_write.sync(path.parent)
    _clear(temporary)


def _clear(temporary: Path) -> None:
    """Delete what making a database left, now or in an earlier attempt."""
    for leftover in temporary.parent.glob(f"{temporary.name}*"):
        leftover.unlink()


def seal(connection: sa.Connection) -> None:
    """Bring `corpus.digest` up to date, last in a transaction."""
    tables = (connection.exec_driver_sql(statement) for statement in layout.ACCOUNT)
    connection.execute(sa.update(CorpusTable).values(digest=layout.account_digest(tables)))


def _translate(context: sa.ExceptionContext) -> None:
    if isinstance(context.original_exception, sqlite3.Error):
        raise translated(context.original_exception, None) from context.original_exception


def translated(
    error: sqlite3.Error | OSError | UnicodeError, folder: Path | None
) -> SearchappError:
    """What an error of SQLite's or of the disk's means for the corpus, with its cure."""
    where = f" at {folder}" if folder else ""
    if is_damage(error):
        return CorpusDamaged(
            f"the corpus{where} is damaged: {error}", hint="run: searchapp check --full"
        )
    is_failing = (
        getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_IOERR
        or getattr(error, "errno", 0) == errno.EIO
    )
    return CorpusUnwritable(
        f"the corpus{where} cannot be written: {error}", hint=FAILING if is_failing else ROOM
    )


def is_damage(error: BaseException) -> bool:
    """Whether SQLite says that a database's bytes are not what they should be, if only by a message
    with a name that is no text.
    """
    return isinstance(error, UnicodeError) or getattr(error, "sqlite_errorcode", 0) & 0xFF in (
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
    )
