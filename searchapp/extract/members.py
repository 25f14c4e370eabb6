"""What holds files: archives and mails give members, each read as a file of its own.

Whatever a container says of itself, what comes out of it is counted: an `Allowance` serves one file
on disk with all that is nested in it.
"""

from __future__ import annotations

from dataclasses import dataclass

from searchapp.errors import FileFailed, FileSkipped

# the name that stands for the members of a mail where not all could be taken out
UNTAKEN = "attachments"
MAX_DEPTH = 4  # containers in containers
MAX_MEMBERS = 100_000  # mails in a mailbox, say
MAX_BYTES = 2**30  # of all members together
MAX_MEMBER_BYTES = 200 * 2**20


@dataclass(frozen=True, slots=True)
class Member:
    """A file in a container: its path in there, with `/`, and its bytes, or why they were not taken
    out.
    """

    name: str
    data: bytes = b""
    refusal: FileSkipped | FileFailed | None = None


class Allowance:
    """What the members of one file may still come to, nested ones included."""

    def __init__(self, *, members: int = MAX_MEMBERS, total_bytes: int = MAX_BYTES) -> None:
        self._members = members
        self._bytes = total_bytes

    def take_member(self) -> None:
        """Count a member. Raises FileFailed for one too many."""
        self._members -= 1
        if self._members < 0:
            raise FileFailed(f"holds more than {MAX_MEMBERS:,} files")

    def take_bytes(self, count: int) -> None:
        """Count unpacked bytes. Raises FileFailed where they are too many."""
        self._bytes -= count
        if self._bytes < 0:
            raise FileFailed(f"unpacks to more than {MAX_BYTES >> 20:,} MiB")
