"""Which headings travel with a passage: the title and the deepest ones that fit beside it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, TypeAlias

from searchapp.types.tokens import Tokens

if TYPE_CHECKING:
    from searchapp.types.tokens import TokenIds

FindTokens: TypeAlias = Callable[[Sequence[str]], list[Tokens]]


@dataclass(frozen=True, slots=True)
class Name:
    """A title or heading as it is embedded, and its tokens."""

    text: str
    tokens: Tokens


@dataclass(frozen=True, slots=True)
class HeadingPath:
    """A heading path as it is embedded, and the tokens that it takes from each passage."""

    names: tuple[Name, ...] = ()
    tokens: int = 0  # at least; those of a title that was cut may be fewer than it leaves room for

    @property
    def headings(self) -> tuple[str, ...]:
        """The names."""
        return tuple(name.text for name in self.names)

    def ids_before(self, body: TokenIds) -> TokenIds:
        """The tokens of the path and of what stands below it."""
        return reduce(lambda ids, name: name.tokens.ids + ids, reversed(self.names), body)


HeadingPaths: TypeAlias = Mapping[tuple[str, ...], HeadingPath]  # by Block.headings


def fit_paths(
    title: str,
    headings: Iterable[tuple[str, ...]],
    tokens: Mapping[str, Tokens],
    find_tokens: FindTokens,
    limit: int,
) -> HeadingPaths:
    """The embedded form of every heading path of a document, at most `limit` tokens each; `tokens`
    are those of each name and the line break after it.
    """
    names = {name: Name(name, name_tokens) for name, name_tokens in tokens.items()}
    cut = _cut_title(names[title], find_tokens, limit) if title in names else None
    return {
        above: _fit_path(
            [names[name] for name in full_path(title, above)],
            cut,
            limit,
            titled=bool(title.strip()),
        )
        for above in set(headings)
    }


def full_path(title: str, headings: tuple[str, ...]) -> tuple[str, ...]:
    """Title first, unless the headings begin with it."""
    path = headings if headings[:1] == (title,) else (title, *headings)
    return tuple(name for name in path if name.strip())


def _cut_title(title: Name, find_tokens: FindTokens, limit: int) -> Name | None:
    """The title, cut at a token where it alone is too long; None where nothing is left of it."""
    if len(title.tokens) <= limit:
        return title
    text = title.text[: title.tokens.ends[limit - 1] if limit else 0].rstrip()
    return Name(text, *find_tokens([text + "\n"])) if text else None


def _fit_path(path: Sequence[Name], title: Name | None, limit: int, *, titled: bool) -> HeadingPath:
    """The title and the deepest headings that fit beside it."""
    kept: list[Name] = []
    room = limit
    titles = path[:1] if titled else ()
    for name in titles:
        kept += [title] if title else []
        room -= min(limit, len(name.tokens))
    for name in reversed(path[len(titles) :]):
        if len(name.tokens) > room:
            break
        kept.insert(len(titles), name)
        room -= len(name.tokens)
    return HeadingPath(tuple(kept), limit - room)
