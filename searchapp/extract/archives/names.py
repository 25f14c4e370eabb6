"""Safe names for what a container holds: no way out of it, no name twice, and none of a secret.

The names of mails' attachments and of archives' members both come from here. Nothing is written to
disk under them; they are only shown and recorded.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import chain
from pathlib import PurePosixPath

from searchapp.errors import FileSkipped
from searchapp.extract.secrets import are_taken, refuse_secret
from searchapp.filesystem.ignore_rules import SECRET, reason_of_name

_DRIVE = re.compile(r"[A-Za-z]:(?=/|$)")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


class MemberNames:
    """Names for the members of one container: relative, without "..", a drive or "!/", and each
    given once.
    """

    def __init__(self) -> None:
        self._given: set[str] = set()
        self._counts: Counter[str] = Counter()

    def of(self, name: str) -> str:
        """The name by which a member goes: its own, "a~2.txt" for the second "a.txt"."""
        safe = safe_name(name)
        unique = safe
        while unique in self._given:
            self._counts[safe] += 1
            path = PurePosixPath(safe)
            unique = str(path.with_name(f"{path.stem}~{self._counts[safe] + 1}{path.suffix}"))
        self._given.add(unique)
        return unique


def refusal_of_name(name: str) -> FileSkipped | None:
    """Why nothing of that name is read, by the rules that hold for files on disk; None where it may
    be.
    """
    *folders, last = name.encode().split(b"/")
    reasons = chain(
        (reason_of_name(folder, folder=True) for folder in folders),
        (reason_of_name(last, folder=False),),
    )
    for reason in filter(None, reasons):
        if reason != SECRET or not are_taken():
            return FileSkipped(reason)
        refuse_secret("by its name")
    return None


def safe_name(name: str) -> str:
    """The name without a drive, "..", "!/" and what cannot be stored."""
    path = _DRIVE.sub("", _UNSTORABLE.sub("\ufffd", name).replace("\\", "/"), count=1)
    parts = [
        f"{part}_" if part.endswith("!") else part
        for part in path.split("/")
        if part not in {"", ".", ".."}
    ]
    return "/".join(parts) or "unnamed"


def decoded_name(name: bytes) -> str:
    """UTF-8, with U+FFFD for what is not: which encoding it was, so few letters do not tell."""
    return name.decode("utf-8", "replace")
