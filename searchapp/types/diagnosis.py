"""What a backend tells of its health, for `doctor`. A protocol only; knows no backend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from searchapp.types.results import Problem

Subject: TypeAlias = Literal["engine", "corpus", "disk"]


@runtime_checkable
class Diagnosable(Protocol):
    """What a backend can also do where it knows its own health."""

    @property
    def engine(self) -> str:
        """The name of the engine, as "sqlite"."""

    @property
    def schema(self) -> str:
        """The revision of the layout that this program reads and writes."""

    def diagnose(self, subject: Subject, problems: list[Problem]) -> Iterator[tuple[str, str]]:
        """Facts by name about a subject; what is wrong is added to the problems.

        Changes nothing: an old schema is not migrated. Raises SearchappError or OSError.
        """

    def close_to_others(self) -> list[str]:
        """Have only their owner read and change the files; returns the names of those that others
        could. Raises CorpusError.
        """
