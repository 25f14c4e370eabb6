"""How long a reader may work on one thing: processor time, so that a busy machine costs no file.

A timer of the process interrupts the reader when its time is up; the parts that it has given by
then become the document. What does not let itself be interrupted, since it never comes back from a
library, is ended by a second timer a little later.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

_GRACE_TIMES = 1.25  # of the time, until the process ends
_GRACE_S = 10.0
# interrupted again, until it is noticed: what interrupts a destructor is lost
_AGAIN_S = 0.2
KILLED_BY = signal.SIGPROF
_interrupts: list[float] = []


class OutOfTime(BaseException):
    """A reader has worked as long as it may; its text says how long that is."""


def limit(work_s: float) -> None:
    """Raise OutOfTime in this process once it has worked for so many seconds from now on, and end
    it a little later if it still works. Only the main thread may call this.
    """

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        _interrupts.append(work_s)
        raise OutOfTime(said(work_s))

    signal.signal(signal.SIGVTALRM, interrupt)
    signal.signal(KILLED_BY, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_VIRTUAL, work_s, _AGAIN_S)
    signal.setitimer(signal.ITIMER_PROF, work_s * _GRACE_TIMES + _GRACE_S)


def finish() -> None:
    """Let a reader that was interrupted make what it can of what it has."""
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    signal.setitimer(signal.ITIMER_PROF, max(_GRACE_S, signal.getitimer(signal.ITIMER_PROF)[0]))


def interrupt_again() -> None:
    """Raise OutOfTime once more where a reader within another one was interrupted and has made what
    it could of what it had: the time of the outer one is up too.
    """
    is_finishing = signal.getitimer(signal.ITIMER_VIRTUAL)[0] == 0
    if is_finishing and signal.getitimer(signal.ITIMER_PROF)[0] > 0:
        signal.raise_signal(signal.SIGVTALRM)


def lift() -> None:
    """Stop the clock."""
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    signal.setitimer(signal.ITIMER_PROF, 0)


def was_interrupted() -> bool:
    """Whether any reader was ever interrupted in this process: in the middle of an import, or with
    what belongs to a library in its hands.
    """
    return bool(_interrupts)


def said(work_s: float) -> str:
    """That something took too long, in words."""
    return f"took longer than {work_s:g} s of work"
