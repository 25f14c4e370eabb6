"""How long property tests go on: a few examples each time, many with
`--hypothesis-profile=torture`, as `make torture` runs them.
"""

from __future__ import annotations

from hypothesis import settings

TORTURE = 1000  # examples of the profile in conftest
IS_TORTURE = settings().max_examples >= TORTURE


def examples(usual: int, most: int = TORTURE) -> int:
    """How many examples a test takes: the usual, or the most of a torture."""
    return most if IS_TORTURE else usual
