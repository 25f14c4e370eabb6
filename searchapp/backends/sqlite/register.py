"""What a corpus remembers beside documents: roots, what was removed for good, settings, and files
that are not indexed.

Knows nothing of documents, vectors or keywords.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import islice, zip_longest
from typing import Any

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

_ROWS_AT_ONCE = 10_000  # that a statement inserts


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
            if self._is_recorded(scope, after):
                continue
            self._change(sa.delete(UnindexedTable).where(is_within_sql(UnindexedTable.path, scope)))
            left = iter(after.values())
            while rows := [unindexed_values(file) for file in islice(left, _ROWS_AT_ONCE)]:
                self._change(insert(UnindexedTable).on_conflict_do_nothing(), rows)

    def _is_recorded(self, scope: bytes, files: Mapping[bytes, Unindexed]) -> bool:
        """Whether just this is recorded below a path, compared row by row: it may be a million."""
        below = is_within_sql(UnindexedTable.path, scope)
        statement = sa.select(UnindexedTable.__table__).where(below).order_by(UnindexedTable.path)
        with self._connection.execute(statement) as stored:
            return all(
                row and path and row._asdict() == unindexed_values(files[path])
                for row, path in zip_longest(stored, sorted(files))
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


def _root(row: Any) -> Root:
    return Root(row.path, tuple(json.loads(row.include)), tuple(json.loads(row.exclude)))
