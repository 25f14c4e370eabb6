"""The reader: one committed generation of a corpus, searched and read through the standard
library's sqlite3.

Searches the published vectors file plus the newer rows from the database, minus what has left; a
file that is missing or wrong only costs time, and is said in `notes`. Asks the database as rarely
as it can: a question takes eight statements at most, ten in a large corpus. Knows nothing of
models, ranking modes or files' contents.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from searchapp.backends.sqlite import fts, rare_phrases, vector_index
from searchapp.backends.sqlite.catalog import HIT, as_hit
from searchapp.backends.sqlite.documents import SqliteDocuments
from searchapp.backends.sqlite.filter_sql import document_condition
from searchapp.backends.sqlite.fts import AMONG, HOLDING, TOP, any_of, expression
from searchapp.search.stemming import can_be_stemmed
from searchapp.types.documents import Address, Hit
from searchapp.types.filters import FEW, MOST_LISTED, Filters
from searchapp.types.results import Occurrences

if TYPE_CHECKING:
    from searchapp.backends.sqlite.rare_phrases import RarePhrases
    from searchapp.backends.sqlite.vector_index import Bitmap, HalfVectors
    from searchapp.types.filters import Term
    from searchapp.types.vectors import Ids, Scores, Vector, Vectors

    _Row = tuple[Any, ...]  # kind, first passage, passages, vectors

_BLOCK_DOCUMENTS = 4096  # whose rows are read at a time
_MOST_PLACES = 20_000  # that are remembered, with their rows
_MOST_DIGESTS = 500  # in one statement
_BEYOND = 17  # passages by words that are asked for beyond the depth, as scores may tie at it
_INSTEAD = "searching the database instead"
_NOTHING = (np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32))

_TOP = f"""
    SELECT t.id, t.score, d.path, p.start, d.id, d.passages, {{row}}
    FROM ({TOP}) t CROSS JOIN passage p ON p.id = t.id JOIN document d ON d.id = p.document_id
    LEFT JOIN vectors v ON v.document_id = d.id"""
_PLACES = """
    SELECT p.id, d.path, p.start, d.id, d.passages, {row}
    FROM passage p JOIN document d ON d.id = p.document_id
    LEFT JOIN vectors v ON v.document_id = d.id"""
_BY_DIGEST = """
    SELECT p.text_digest, {row} FROM passage p JOIN vectors v ON v.document_id = p.document_id
    WHERE p.text_digest IN ({wanted})"""
# what a search without vectors knows of a stored row; NULL: the passage is pending
_NO_ROW, _NO_ROW_SQL = b"", "CASE WHEN v.document_id IS NULL THEN NULL ELSE x'' END"
# What a search needs to know beside the vectors file. Values: generation; filters; terms.
_LEFT = "SELECT -3, first_passage_id, passages, NULL FROM tombstone"
_NEWER = "SELECT -2, first_passage_id, passages, vectors FROM vectors WHERE generation > ?"
_RANGES = "SELECT -1, d.first_passage_id, d.passages, NULL FROM document d WHERE {where}"
_HOLDING = f"SELECT key, id, 1, NULL FROM ({HOLDING})"


class _Changes(NamedTuple):
    """What the vectors file does not know: rows of later generations, and passages that have left
    since, as ranges (first, count).
    """

    rows: HalfVectors  # (n, dim), in order of id
    ids: Ids  # (n,)
    gone: list[tuple[int, int]]


class SqliteReader(SqliteDocuments):
    """A corpus as its last commit left it, to be searched and read; implements
    `protocols.Reader`.
    """

    def __init__(self, folder: Path) -> None:
        """Open the newest generation. Raises CorpusMissing, CorpusUnreadable, CorpusDamaged,
        CorpusTooNew or OldSchema.
        """
        super().__init__(folder)
        self._read_changes: _Changes | None = None
        self._last_allowed: tuple[Filters, Bitmap] | None = None
        self._places: dict[int, tuple[Address, bytes | None]] = {}

    # -- search

    @property
    def is_approximate(self) -> bool:
        """Whether a search by cosine may miss passages, unless it is told to be exact."""
        return self._file is not None and self._file.is_approximate

    def cosine_leg(
        self, query: Vector, filters: Filters, depth: int, *, exact: bool = False
    ) -> tuple[Ids, Scores]:
        """The best passages by cosine among those that pass the filters: at most `depth`, best
        first, ties by path bytes then start.
        """
        if depth < 1 or self.encoder is None:
            return _NOTHING
        allowed = self._allowed(filters)
        if allowed is None and self._changes.gone:
            allowed = ~vector_index.bitmap(self._changes.gone, self._fact("highest_id"))
        try:
            if exact and self.is_approximate:
                ids, scores = self._scanned(query, depth, allowed)
            else:
                ids, scores = self._found(query, depth, allowed)
            order = self._ordered(ids, scores)[:depth]
            self._require_stored(ids[order])
        except vector_index.VectorsFileError as error:
            self._do_without_file(error)
            return self.cosine_leg(query, filters, depth, exact=exact)
        return ids[order], scores[order]

    def _found(self, query: Vector, depth: int, allowed: Bitmap | None) -> tuple[Ids, Scores]:
        """The best passages of the vectors file and of the rows that are not in it."""
        newer = self._changes
        ids, scores = vector_index.top(newer.rows, newer.ids, query, depth=depth, allowed=allowed)
        if self._file is not None:
            file_ids, file_scores = self._file.search(
                query, depth=depth, allowed=allowed, rows_of=self._rows_of
            )
            ids, scores = np.concatenate((ids, file_ids)), np.concatenate((scores, file_scores))
        return ids, scores

    def _require_stored(self, ids: Ids) -> None:
        """Raise VectorsFileError unless the file holds of these passages what the database does:
        its bytes may have changed since it was checked.
        """
        if self._file is None or self._file.is_approximate:
            return
        stored = self._rows_of(ids)
        is_in_file = ~np.isin(ids, self._changes.ids)
        in_file = self._file.rows(ids[is_in_file])
        if not np.array_equal(in_file.view(np.uint16), stored[is_in_file].view(np.uint16)):
            raise vector_index.VectorsFileError(vector_index.DAMAGED, hint=vector_index.REBUILT)

    def _scanned(self, query: Vector, depth: int, allowed: Bitmap | None) -> tuple[Ids, Scores]:
        """The best passages of all stored rows, looked at one by one."""
        ids, scores = _NOTHING
        for rows, row_ids in self._blocks():
            nearest = vector_index.top(rows, row_ids, query, depth=depth, allowed=allowed)
            ids, scores = np.concatenate((ids, nearest[0])), np.concatenate((scores, nearest[1]))
            best = np.argsort(-scores, kind="stable")[:depth]
            if len(best) == depth:  # ties at the cut stay
                kept = scores >= scores[best[-1]]
                ids, scores = ids[kept], scores[kept]
        return ids, scores

    def keyword_leg(
        self, terms: Sequence[Term], filters: Filters, depth: int
    ) -> tuple[Ids, Scores]:
        """The best passages by BM25 that hold any of the terms and pass the filters: at most
        `depth`, ordered as the other leg's.
        """
        if depth < 1 or not terms:
            return _NOTHING
        allowed = self._allowed(filters)
        phrases = fts.phrases(terms, self._languages)
        passages = self.counts()[1]
        rare = None
        if passages >= rare_phrases.LEAST_PASSAGES:
            rare = rare_phrases.find(self._database.all, phrases, passages)
        wanted = depth + _BEYOND
        while True:
            rows = self._best_by_words(phrases, rare, wanted, allowed)
            if len(rows) < wanted or np.float32(rows[-1][1]) < np.float32(rows[depth - 1][1]):
                break
            wanted *= 4  # a tie at the cut: its order is not FTS5's to choose
        self._remember((i, *place) for i, _, *place in rows)
        ids = np.array([row[0] for row in rows], dtype=np.int64)
        scores = np.array([row[1] for row in rows], dtype=np.float32)
        order = self._ordered(ids, scores)[:depth]
        return ids[order], scores[order]

    def _best_by_words(
        self,
        phrases: Sequence[str],
        rare: RarePhrases | None,
        wanted: int,
        allowed: Bitmap | None,
    ) -> list[_Row]:
        """Rows of the passages that hold any of the phrases and are allowed: as many of the best as
        are wanted, best first; found among those that hold rare ones where no others can be.
        """
        also = ""
        if allowed is not None:
            also, bits = "AND is_allowed(rowid)", allowed.tobytes()
            self.database.create_function(
                "is_allowed", 1, lambda i: i >> 3 < len(bits) and bits[i >> 3] >> (i & 7) & 1
            )

        def scored(also: str, *values: str) -> list[_Row]:
            statement = _TOP.format(also=also, row=self._row_sql())
            rows = self._database.all(statement, any_of(phrases), wanted, *values)
            return sorted(rows, key=lambda row: -row[1])

        if rare is not None:
            rows = scored(f"{AMONG} {also}", any_of(rare.phrases))
            if len(rows) == wanted and rows[-1][1] > rare.others:
                return rows
        return scored(also)

    def frequencies(self, terms: Sequence[Term]) -> list[int]:
        """How many passages hold each term."""
        return self.occurrences(terms, listed=0).counts

    def occurrences(
        self,
        terms: Sequence[Term],
        *,
        listed: int,
        repairable: Sequence[Term] = (),
        counts_all: bool = True,
    ) -> Occurrences:
        """How many passages hold each term; of the first terms which, at most `MOST_LISTED`; and
        which words may be meant by those that none holds.
        """
        asked = fts.asked(terms, repairable, self._languages, counts_all=counts_all)
        rows = self._database.all(fts.OCCURRENCES, counts_all, listed, MOST_LISTED + 1, FEW, asked)
        return Occurrences(
            counts=[count for _, count, *_ in rows],
            holders=[
                np.array(json.loads(ids)[:MOST_LISTED], np.int64)
                for *_, ids, _ in rows
                if ids is not None
            ],
            meant={terms[number]: tuple(json.loads(word)) for number, *_, word in rows if word},
        )

    def addresses(self, passage_ids: Ids) -> list[Address]:
        """Where each passage stands, in the order given."""
        return [address for address, _ in self._located(passage_ids)]

    def vectors_of(self, passage_ids: Ids) -> Vectors:
        """The stored vectors of the given passages, (n, dim); a row of NaN for a passage without
        one.
        """
        vectors = np.full((len(passage_ids), self.dim), np.nan, dtype=np.float32)
        located = self._located(passage_ids, with_rows=True)
        has_one = np.array([row is not None for _, row in located], dtype=bool)
        vectors[has_one] = self._as_rows(row for _, row in located)
        return vectors

    def vectors_by_digest(self, digests: Iterable[bytes]) -> dict[bytes, Vector]:
        """The stored vectors of texts, by the digest of the text exactly as embedded."""
        wanted, row = list(dict.fromkeys(digests)), self._row_sql(is_wanted=True)
        vectors: dict[bytes, Vector] = {}
        for begin in range(0, len(wanted), _MOST_DIGESTS):
            some = wanted[begin : begin + _MOST_DIGESTS]
            for digest, blob in self._database.each(
                _BY_DIGEST.format(row=row, wanted=", ".join("?" * len(some))), *some
            ):
                vectors[digest] = self._as_rows([blob])[0].astype(np.float32)
        return vectors

    def hydrate(self, passage_ids: Ids) -> list[Hit]:
        """The passages themselves, in the order given."""
        rows = self._database.of_ids(HIT, "p.id", passage_ids.tolist())
        hits = {row[0]: as_hit(row) for row in rows}
        return [hits[i] for i in passage_ids.tolist()]

    def prepare(self, filters: Filters = Filters()) -> None:  # noqa: B008 - frozen
        """Open what searching needs, so that it can happen while the encoder is opened."""
        _ = self._file
        if self._read_changes is None:
            self._read(filters)

    # -- private

    @cached_property
    def _file(self) -> vector_index.VectorsFile | None:
        if self.published is None:
            return None
        try:
            return vector_index.open_file(self.folder, self.published)
        except vector_index.VectorsFileError as error:
            self.notes.append(f"{error}: {_INSTEAD}; {error.hint}")
            return None

    def _do_without_file(self, error: vector_index.VectorsFileError) -> None:
        """Search the database from here on, and say so."""
        self.notes.append(f"{error}: {_INSTEAD}; {error.hint}")
        self.__dict__["_file"] = None
        self._read_changes = None

    @property
    def _changes(self) -> _Changes:
        if self._read_changes is None:
            self._read(Filters())
        assert self._read_changes is not None
        return self._read_changes

    @cached_property
    def _languages(self) -> tuple[str, ...]:
        """The languages in which terms are looked for by their stems, too."""
        languages = tuple(filter(can_be_stemmed, json.loads(self._fact("stemmed"))))
        fts.prepare(self.database, languages)
        return languages

    def _allowed(self, filters: Filters) -> Bitmap | None:
        """The passages that pass; None where all do."""
        if filters == Filters():
            return None
        if self._last_allowed is None or self._last_allowed[0] != filters:
            self._read(filters)
        assert self._last_allowed is not None
        return self._last_allowed[1]

    def _read(self, filters: Filters) -> None:
        """Read what passes the filters, and the changes where they were not read yet, in one
        statement.
        """
        parts: list[str] = []
        values: list[object] = []
        if self._read_changes is None:
            since = self.published.generation if self.published and self._file else -1
            if self._fact("has_tombstones"):
                parts.append(_LEFT)
            if self._fact("newest") > since:
                parts.append(_NEWER)
                values.append(since)
        if filters != Filters():
            where, bound = document_condition(filters)
            parts.append(_RANGES.format(where=where))
            values += bound
            if terms := (*filters.holding, *filters.lacking):
                parts.append(_HOLDING)
                values.append(json.dumps([expression([t], self._languages) for t in terms]))
        rows = self._database.each(" UNION ALL ".join(parts), *values) if parts else iter(())
        rows_by_kind = {kind: list(some) for kind, some in groupby(rows, itemgetter(0))}
        if self._read_changes is None:
            self._read_changes = self._as_changes(
                rows_by_kind.get(-2, []), rows_by_kind.get(-3, [])
            )
        if filters != Filters():
            self._last_allowed = (filters, self._as_allowed(filters, rows_by_kind))

    def _as_changes(self, newer: list[_Row], gone: list[_Row]) -> _Changes:
        newer.sort(key=itemgetter(1))
        ids = [np.arange(first, first + count, dtype=np.int64) for _, first, count, _ in newer]
        rows = vector_index.from_blob(b"".join(row[3] for row in newer), max(self.dim, 1))
        return _Changes(rows, np.concatenate([_NOTHING[0], *ids]), [row[1:3] for row in gone])

    def _as_allowed(self, filters: Filters, rows_by_kind: Mapping[int, list[_Row]]) -> Bitmap:
        highest = self._fact("highest_id")

        def bits(kind: int) -> Bitmap:
            return vector_index.bitmap([row[1:3] for row in rows_by_kind.get(kind, [])], highest)

        allowed = bits(-1)
        for number in range(len(filters.holding)):
            allowed &= bits(number)
        for number in range(len(filters.lacking)):
            allowed &= ~bits(len(filters.holding) + number)
        return allowed

    def _blocks(self) -> Iterator[tuple[HalfVectors, Ids]]:
        """All stored rows with their ids, some thousands at a time, in order of id."""
        statement = (
            "SELECT first_passage_id, passages, vectors FROM vectors ORDER BY first_passage_id"
        )
        stored = self._database.each(statement)
        while some := list(islice(stored, _BLOCK_DOCUMENTS)):
            ids = [np.arange(first, first + count, dtype=np.int64) for first, count, _ in some]
            yield (
                vector_index.from_blob(b"".join(blob for *_, blob in some), max(self.dim, 1)),
                np.concatenate(ids),
            )

    def _rows_of(self, passage_ids: Ids) -> HalfVectors:
        """The stored rows of passages that have one, in the order given. Raises VectorsFileError
        for one without, which only a damaged file names.
        """
        rows = [row for _, row in self._located(passage_ids, with_rows=True)]
        if None in rows:
            raise vector_index.VectorsFileError(vector_index.DAMAGED, hint=vector_index.REBUILT)
        return self._as_rows(rows)

    def _as_rows(self, rows: Iterable[bytes | None]) -> HalfVectors:
        return vector_index.from_blob(b"".join(row for row in rows if row), max(self.dim, 1))

    def _row_sql(self, *, is_wanted: bool = False) -> str:
        """The column of a passage's stored row, which a search with vectors needs, or one that is
        told to.
        """
        if not is_wanted and "_file" not in self.__dict__:
            return _NO_ROW_SQL
        width = self.dim * 2
        return f"substr(v.vectors, (p.id - v.first_passage_id) * {width} + 1, {width})"

    def _located(
        self, passage_ids: Ids, *, with_rows: bool = False
    ) -> list[tuple[Address, bytes | None]]:
        """Where each passage stands, and its stored row, None while it is pending, in the order
        given. Raises VectorsFileError for a passage that there is not, which only a damaged
        file names.
        """
        wanted = passage_ids.tolist()
        if len(self._places) > _MOST_PLACES:
            self._places.clear()
        if missing := [
            i
            for i in wanted
            if i not in self._places or (with_rows and self._places[i][1] == _NO_ROW)
        ]:
            statement = _PLACES.format(row=self._row_sql(is_wanted=with_rows))
            self._remember(self._database.of_ids(statement, "p.id", missing))
        if any(i not in self._places for i in missing):
            raise vector_index.VectorsFileError(vector_index.DAMAGED, hint=vector_index.REBUILT)
        return [self._places[i] for i in wanted]

    def _remember(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Keep where passages stand, from rows of _PLACES."""
        for passage_id, *address, row in rows:
            self._places[passage_id] = (Address(*address), row)

    def _ordered(self, ids: Ids, scores: Scores) -> Ids:
        """Positions by score, best first, ties by path bytes then start."""
        order = np.lexsort((ids, -scores))
        ranked = scores[order]
        tied = np.flatnonzero(
            np.append(ranked[1:] == ranked[:-1], False)
            | np.append(False, ranked[1:] == ranked[:-1])
        )
        if len(tied):
            self._located(ids)  # all of them at once: whoever asks for the tied asks for the rest
            places = dict(zip(order[tied].tolist(), self.addresses(ids[order[tied]]), strict=True))
            order[tied] = sorted(order[tied].tolist(), key=lambda i: (-scores[i], places[i]))
        return order
