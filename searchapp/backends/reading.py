"""A reader of a backend for as long as it is needed. Rows that a damaged disk or a foreign program
has changed can end in any error at all: where a check finds damage, that is what is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from searchapp.errors import CorpusDamaged, SearchappError
from searchapp.types.protocols import Maintainable

if TYPE_CHECKING:
    from searchapp.types.protocols import Backend, Reader


@contextmanager
def reading(backend: Backend) -> Iterator[Reader]:
    """A reader, closed at the end. Raises CorpusDamaged as `naming_damage` does."""
    with naming_damage(backend), closing(backend.reader()) as reader:
        yield reader


@contextmanager
def naming_damage(backend: Backend) -> Iterator[None]:
    """Raise CorpusDamaged in place of an error that is none of searchapp's own where a check finds
    the corpus damaged; it reads all of it, and only after such an error.
    """
    try:
        yield
    except (SearchappError, OSError):
        raise
    except Exception as error:
        findings = backend.check(full=True) if isinstance(backend, Maintainable) else []
        if not findings:
            raise
        raise CorpusDamaged(
            f"the corpus is damaged: {findings[0].what}", hint="run: searchapp check --repair"
        ) from error
