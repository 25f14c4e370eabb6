"""What a corpus remembers beside documents: roots, what was removed for good, settings, and files
that are not indexed.

Knows nothing of documents, vectors or keywords.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from searchapp.backends.sqlite.rows import (
    is_within_sql,
    rows_within,
    unindexed_of,
    unindexed_values,
)
from searchapp.backends.sqlite.schema import (
    ExclusionTable,
    RootTable,
    SettingTable,
    UnindexedTable,
)
from searchapp.backends.sqlite.unit_of_work import UnitOfWork
from searchapp.types.documents import Root, Unindexed, above

_Value = TypeVar("_Value")
_AT_ONCE = 500  # rows that a statement changes


class RegisterWriter(UnitOfWork):
    """A unit of work on roots, exclusions, settings and what is not indexed."""

    def roots(self) -> list[Root]:
        """The remembered roots, by path."""
        return [
            _root(row)
            for row in self._connection.execute(sa.select(RootTable).order_by(RootTable.path))
        ]

    def set_root(self, root: Root) -> None:
        """Remember a root, in place of itself and of all roots below it."""
        query = sa.select(RootTable).where(RootTable.path == root.path)
        if any(_root(row) == root for row in self._connection.execute(query)):
            return
        self._change(sa.delete(RootTable).where(is_within_sql(RootTable.path, root.path)))
        self._change(
            sa.insert(RootTable).values(
                path=root.path, include=json.dumps(root.include), exclude=json.dumps(root.exclude)
            )
        )

    def forget_roots(self, within: bytes) -> None:
        """Forget a root and all roots below it."""
        if self._connection.execute(
            sa.delete(RootTable).where(is_within_sql(RootTable.path, within))
        ).rowcount:
            self._is_changed = True

    def exclusions(self) -> list[bytes]:
        """The files and folders that were removed for good, by path."""
        return list(
            self._connection.scalars(sa.select(ExclusionTable.path).order_by(ExclusionTable.path))
        )

    def set_exclusions(self, paths: Iterable[bytes]) -> None:
        """Have ingests leave out these files and folders, in place of those before."""
        after = sorted(set(paths))
        if after != self.exclusions():
            self._change(sa.delete(ExclusionTable))
            self._change(sa.insert(ExclusionTable), [{"path": path} for path in after])

    def set_unindexed(self, scopes: Iterable[bytes], files: Iterable[Unindexed]) -> None:
        """Record what is not indexed below the given paths, in place of what was recorded there."""
        by_scope: dict[bytes, dict[bytes, Unindexed]] = {scope: {} for scope in scopes}
        for file in files:
            for scope in {*above(file.path), b"/"} & by_scope.keys():
                by_scope[scope][file.path] = file
        for scope, after in by_scope.items():
            below = sa.select(UnindexedTable.__table__).where(
                is_within_sql(UnindexedTable.path, scope)
            )
            gone = []
            for row in self._connection.execute(below):  # a million may stay as they are
                file_now = after.get(row.path)
                if file_now is not None and unindexed_values(file_now) == row._asdict():
                    del after[row.path]
                else:
                    gone.append(row.path)
            for paths in _some_at_a_time(gone):
                self._change(sa.delete(UnindexedTable).where(UnindexedTable.path.in_(paths)))
            for files_now in _some_at_a_time(after.values()):
                self._change(
                    insert(UnindexedTable).on_conflict_do_nothing(),
                    [unindexed_values(file) for file in files_now],
                )

    def unindexed(self, within: Iterable[bytes] | None = None) -> dict[bytes, Unindexed]:
        """What is recorded as not indexed, at or below the given paths where some are given, by
        path.
        """
        rows = rows_within(
            self._connection,
            sa.select(UnindexedTable.__table__),
            UnindexedTable.path,
            within,
        )
        return {row.path: unindexed_of(row) for row in rows}

    def set_setting(self, name: str, value: str | None) -> None:
        """Have the corpus do something otherwise than by default; None: as by default again."""
        stored = self._connection.scalar(
            sa.select(SettingTable.value).where(SettingTable.name == name)
        )
        if stored == value:
            return
        self._change(sa.delete(SettingTable).where(SettingTable.name == name))
        if value is not None:
            self._change(sa.insert(SettingTable).values(name=name, value=value))


def _some_at_a_time(values: Iterable[_Value]) -> Iterator[list[_Value]]:
    rest = iter(values)
    while some := list(islice(rest, _AT_ONCE)):
        yield some


def _root(row: Any) -> Root:
    return Root(row.path, tuple(json.loads(row.include)), tuple(json.loads(row.exclude)))
