"""Remember the answers that were asked for lately, and forget the others.

`functools.lru_cache` does this for functions. This class does it for values one wants to put in,
look at and drop by hand, and it limits the total *weight* of what is kept (bytes of a picture, say)
and not merely the number.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class LruCache(Generic[Key, Value]):
    """A dictionary with a weight limit; what has not been touched for longest goes first."""

    def __init__(self, limit: int, *, weigh: Callable[[Value], int] = lambda value: 1) -> None:
        self._limit = limit
        self._weigh = weigh
        self._items: OrderedDict[Key, Value] = OrderedDict()
        self._weight = 0
        self.hits = 0
        self.misses = 0

    def get(self, key: Key) -> Value | None:
        """The value, which becomes the youngest, or None."""
        if key not in self._items:
            self.misses += 1
            return None
        self.hits += 1
        self._items.move_to_end(key)
        return self._items[key]

    def put(self, key: Key, value: Value) -> None:
        """Keep a value and evict old ones until the limit holds; a value heavier than the limit is
        not kept at all.
        """
        self.drop(key)
        weight = self._weigh(value)
        if weight > self._limit:
            return
        self._items[key] = value
        self._weight += weight
        while self._weight > self._limit:
            _, oldest = self._items.popitem(last=False)
            self._weight -= self._weigh(oldest)

    def drop(self, key: Key) -> None:
        """Forget one entry, if it is there."""
        if key in self._items:
            self._weight -= self._weigh(self._items.pop(key))
