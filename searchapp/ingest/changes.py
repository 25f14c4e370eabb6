"""Survey: the files on the disk beside what the corpus remembers of them: which need not be read,
and which are gone.

A container (an archive, a mail) is one file on the disk; its members have paths below its own,
`mails.zip!/1.eml`, and stand and fall with it. Reads the disk's folders, but no file, and changes
nothing.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from searchapp.errors import PathMissing
from searchapp.extract.registry import WITH_SECRETS, has_members, is_current
from searchapp.filesystem import walk
from searchapp.filesystem.ignore_rules import SECRET
from searchapp.ingest.retries import is_waiting
from searchapp.splitter.version import SPLITTER_VERSION
from searchapp.types.documents import (
    KnownFile,
    Root,
    Source,
    Unindexed,
    above,
    containers_of,
    is_in_any,
)

if TYPE_CHECKING:
    from searchapp.types.documents import Document

REMOVED = "removed from this corpus; naming it to ingest takes it in again"
# a file changed this shortly before it was read may have changed again without a trace
_RACY_NS = 2 * 10**9

# of a file: "touched" where its size is as it was, and its bytes decide; a new one is "changed"
Change: TypeAlias = Literal["none", "touched", "changed"]


@dataclass(frozen=True, slots=True)
class Remembered:
    """A path that the corpus knows: a document, or a file that was read and is none. Of a document
    whose file has changed since and was refused, `refusal` is that.
    """

    source: Source
    document: KnownFile | None
    refusal: Unindexed | None

    @property
    def is_sound(self) -> bool:
        """Whether reading it again would give nothing else; it would where it is to be read again,
        which a hash of no time says.
        """
        if not self.source.hashed_at_ns:
            return False
        if self.document is None:
            return is_current(self.source.extractor)
        has_made = (
            is_current(self.source.extractor, self.document.type)
            and self.source.splitter == SPLITTER_VERSION
        )
        return has_made and not self.document.is_stale

    def is_to_change(self, *, with_secrets: bool) -> bool:
        """Whether it is a secret that was let through and is not wanted any more, or was left out
        and is wanted now.
        """
        if with_secrets:
            return is_secret(self.refusal)
        return self.source.extractor.endswith(WITH_SECRETS)


class Survey:
    """What one run finds on the disk, and what the corpus knows; `scan` first, then ask."""

    def __init__(
        self,
        known: Mapping[bytes, KnownFile],
        unindexed: Mapping[bytes, Unindexed],
        find_same: Callable[[bytes], Iterable[KnownFile]],
        excluded: Iterable[bytes] = (),
        progress: walk.WalkProgress | None = None,
        *,
        retry: bool = False,
        guard: Callable[[Callable[[], Any], Callable[[], Any]], Any] = lambda work, _: work(),
    ) -> None:
        """Of what the corpus knows, what is below the roots of the run; `find_same` finds documents
        anywhere by content hash; `excluded` are the files and folders that were removed for good.
        With `retry` what failed is to be read again. `guard` makes the looks at the disk.
        """
        if retry:
            unindexed = {path: _to_be_read(entry) for path, entry in unindexed.items()}
        self._excluded = frozenset(excluded)
        self._guard = guard
        self._unanswered: set[bytes] = set()  # folders on a disk that does not answer
        self.files: dict[bytes, walk.FoundFile] = {}
        self.left_out: list[Unindexed] = []
        self.missing: list[Root] = []
        self.known = known
        self.progress = progress or walk.WalkProgress()  # of the walks
        self._find_same = find_same
        self._by_content: dict[bytes, list[KnownFile]] = {}  # as far as it was asked for
        self._remembered = {
            path: Remembered(file.source, file, unindexed.get(path) if file.is_stale else None)
            for path, file in known.items()
        }
        refused = (
            file
            for file in unindexed.values()
            if file.source is not None and file.path not in known
        )
        self._remembered |= {
            file.path: Remembered(file.source, None, file)
            for file in refused
            if file.source is not None
        }
        self._files_on_disk: dict[bytes, bool] = {}
        self._container: dict[bytes, bytes] = {}  # the file on the disk, by member
        self._members: dict[bytes, list[bytes]] = {}
        for path in self._remembered:
            self._place_in_container(path)
        self._kept_out: dict[bytes, list[Unindexed]] = {}  # members removed for good, by file
        for path in self._excluded:
            if (file := self._container_on_disk(path)) is not None:
                files = unindexed[path].files if path in unindexed else 1
                self._container[path] = file
                self._kept_out.setdefault(file, []).append(kept_out(path, files))
        self._refusals = self._index_refusals(unindexed.values())

    def scan(self, root: Root) -> None:
        """Walk a root: what is there to read, and what is left out; not all of it where the walk
        was stopped.
        """
        found = partial(
            walk.walk,
            root.path,
            include=root.include,
            exclude=root.exclude,
            progress=self.progress,
            guard=self._guard,
        )
        try:
            entries = self._guard(found, lambda: iter([walk.unanswered(root.path)]))
        except PathMissing:
            self.missing.append(root)
            return
        removed_files: Counter[bytes] = Counter()  # how many, by what was removed
        for entry in entries:
            if removed := self.exclusion_of(entry.path):
                removed_files[removed] += 1 if isinstance(entry, walk.FoundFile) else entry.files
            elif isinstance(entry, walk.FoundFile):
                file = self._as_remembered(entry)
                self.files[file.path] = file
            else:
                self.left_out.append(entry)
                if entry.is_passing:
                    self._unanswered.add(entry.path)
        self.left_out += [kept_out(path, files) for path, files in removed_files.items()]

    def _as_remembered(self, file: walk.FoundFile) -> walk.FoundFile:
        """A file with what is remembered of it where that is equal: of a million files, what is
        equal is kept once.
        """
        remembered = self._remembered.get(file.path)
        if remembered is None or remembered.source.identity != file.identity:
            return file
        source = remembered.source
        return walk.FoundFile(source.path, source.identity, file.with_secrets)

    def exclusion_of(self, path: bytes) -> bytes | None:
        """The path at or above this one that was removed for good, None where there is none."""
        return next((place for place in above(path) if place in self._excluded), None)

    def add_member(self, path: bytes, container: bytes) -> None:
        """Record that a path leads into a container."""
        if path not in self._container:
            self._container[path] = container
            self._members.setdefault(container, []).append(path)

    def file_of(self, path: bytes) -> bytes:
        """The file on the disk that a path leads to: the container of a member, else the path
        itself.
        """
        return self._container.get(path, path)

    def has_members(self, path: bytes) -> bool:
        """Whether anything is remembered within a file."""
        return bool(self._members.get(path))

    def change_of(self, file: walk.FoundFile) -> Change:
        """How a file, with all that it holds, differs from what the corpus remembers of it."""
        if file.path not in self._remembered:
            return "changed"
        change: Change = "none"
        for _, remembered in self.all_in(file.path):
            is_of_that_size = remembered.source.identity.size == file.identity.size
            is_wanted = not remembered.is_to_change(with_secrets=file.with_secrets)
            if not (is_of_that_size and is_wanted and remembered.is_sound):
                return "changed"
            if remembered.source.identity != file.identity or not is_settled(remembered.source):
                change = "touched"
        return change

    def is_waiting(self, path: bytes) -> bool:
        """Whether a file, or anything in it, came to nothing before for want of time or memory."""
        return path in self._remembered and any(
            refusal is not None and is_waiting(refusal) for _, refusal in self.remembered_in(path)
        )

    def remembered_in(self, path: bytes) -> Iterator[tuple[bytes, Unindexed | None]]:
        """A file and its members as the corpus remembers them, each with why it is no document,
        None for those that are.
        """
        for place, remembered in self.all_in(path):
            yield place, remembered.refusal

    def kept_out_in(self, path: bytes) -> Sequence[Unindexed]:
        """What was removed for good of what a file holds, as entries of what is left out."""
        return self._kept_out.get(path, ())

    def refusals_like(self, file: walk.FoundFile) -> dict[bytes, Unindexed]:
        """What was refused of such a file's size and ending, by content hash: the same bytes need
        not be tried again.
        """
        refusals = self._refusals.get(kind_of(file.path, file.identity.size), {})
        if not file.with_secrets:
            return refusals
        return {digest: entry for digest, entry in refusals.items() if not is_secret(entry)}

    def with_content(self, source: Source) -> list[KnownFile]:
        """The documents of the same bytes that no path has claimed yet."""
        if source.content_hash not in self._by_content:
            self._by_content[source.content_hash] = list(self._find_same(source.content_hash))
            for known in self._by_content[source.content_hash]:
                self._place_in_container(known.source.path)
        return self._by_content[source.content_hash]

    def claim(self, known: KnownFile) -> None:
        """Record that a document has found its new place."""
        same = self._by_content.get(known.source.content_hash, [])
        same[:] = (other for other in same if other.document_id != known.document_id)

    def unseen_files(self) -> dict[tuple[int, bytes], dict[bytes, list[bytes]]]:
        """The paths of files that are remembered and were not seen on the disk, by size and ending,
        and by content hash: those that hold no others, and would still be read in the same way.
        """
        unseen: dict[tuple[int, bytes], dict[bytes, list[bytes]]] = {}
        for path, remembered in self._remembered.items():
            source = remembered.source
            is_alone = path not in self._container and not self.has_members(path)
            is_archive = remembered.refusal and remembered.refusal.outcome == "indexed"
            has_secret = any(
                remembered.is_to_change(with_secrets=with_secrets) for with_secrets in (True, False)
            )
            is_known = remembered.is_sound and not has_secret
            if path not in self.files and is_alone and not is_archive and is_known:
                of_kind = unseen.setdefault(kind_of(path, source.identity.size), {})
                of_kind.setdefault(source.content_hash, []).append(path)
        return unseen

    def is_gone(self, path: bytes) -> bool:
        """Whether nothing is at a path any more; of a member, whether its container is gone.

        What cannot be looked at (no permission, a failing disk) may still be there.
        """
        if self._unanswered and is_in_any(path, self._unanswered):
            return False
        try:
            os.lstat(self.file_of(path))
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError:
            return False
        return False

    def _place_in_container(self, path: bytes) -> None:
        if (container := self._container_on_disk(path)) is not None:
            self.add_member(path, container)

    def _container_on_disk(self, path: bytes) -> bytes | None:
        """The file on the disk that holds a member; None where the path is that of no member."""
        return next(filter(self._may_be_container, containers_of(path)), None)

    def _may_be_container(self, path: bytes) -> bool:
        """Whether a path is that of a file that holds files: one on the disk, or one that was; not
        of a folder beside it, "name!".
        """
        remembered = self._remembered.get(path)
        if (
            remembered is not None
            and remembered.document is not None
            and not has_members(remembered.document.type)
        ):
            return False
        if path not in self._files_on_disk:
            self._files_on_disk[path] = os.path.isfile(path) and not os.path.lexists(path + b"!")  # noqa: PTH113
        return self._files_on_disk[path] or remembered is not None

    def all_in(self, path: bytes) -> Iterator[tuple[bytes, Remembered]]:
        """A file and its members as the corpus remembers them."""
        for place in (path, *self._members.get(path, ())):
            yield place, self._remembered[place]

    def _index_refusals(
        self, unindexed: Iterable[Unindexed]
    ) -> dict[tuple[int, bytes], dict[bytes, Unindexed]]:
        """Whole files that were refused, also those of which an earlier version is kept."""
        index: dict[tuple[int, bytes], dict[bytes, Unindexed]] = {}
        for entry in unindexed:
            source, is_whole = (
                entry.source,
                entry.path not in self._container and entry.path not in self._members,
            )
            if (
                source is not None
                and entry.outcome != "indexed"
                and source.hashed_at_ns
                and is_whole
                and is_current(source.extractor)
            ):
                index.setdefault(kind_of(entry.path, source.identity.size), {})[
                    source.content_hash
                ] = entry
        return index


def is_secret(refusal: Unindexed | None) -> bool:
    """Whether something was left out for the secrets in it."""
    return refusal is not None and refusal.reason.startswith(SECRET)


def _to_be_read(entry: Unindexed) -> Unindexed:
    """What failed, as if it had been read at no time."""
    if entry.outcome != "failed" or entry.source is None:
        return entry
    return replace(entry, source=replace(entry.source, hashed_at_ns=0))


def kept_out(path: bytes, files: int) -> Unindexed:
    """The entry of a file, folder or member that was removed for good, with so many files in it."""
    return Unindexed(path, "skipped", REMOVED, files=files)


def is_same(known: KnownFile, source: Source, document: Document) -> bool:
    """Whether a document that was read is the one that is known: the same bytes, read and split in
    the same way.
    """
    old = known.source
    same_bytes = old.content_hash == source.content_hash and known.type == document.type
    return same_bytes and (old.extractor, old.splitter) == (source.extractor, source.splitter)


def outermost(roots: Iterable[Root]) -> list[Root]:
    """The roots without those that lie at or below another, by path; of equal ones the first."""
    outer: dict[bytes, Root] = {}
    for root in sorted(roots, key=lambda root: root.path):
        if not is_in_any(root.path, outer):
            outer[root.path] = root
    return list(outer.values())


def places_of(roots: Iterable[Root], remembered: Iterable[Root]) -> list[bytes]:
    """The paths of a run's roots, and of remembered ones that are gone: files may have moved."""
    gone = [root for root in remembered if not os.path.lexists(root.path)]
    return [root.path for root in outermost([*roots, *gone])]


def is_settled(source: Source) -> bool:
    """Whether a file was read so long after its last change that a later one would show."""
    moments_ns = (source.identity.mtime_ns, source.identity.ctime_ns)
    return all(abs(source.hashed_at_ns - moment_ns) > _RACY_NS for moment_ns in moments_ns)


def kind_of(path: bytes, size: int) -> tuple[int, bytes]:
    """What decides with the bytes how a file is read: its ending, or its name where it has none."""
    ending = os.path.splitext(path)[1]  # noqa: PTH122 - pathlib cannot hold a path that is bytes
    return size, (ending or os.path.basename(path)).lower()  # noqa: PTH119
