"""Source code: the source text itself, cut where its functions, classes and modules begin.

The languages of `GRAMMARS` are parsed; `code_lines` cuts all others, and text that a grammar does
not understand, so that every line lies in exactly one block whatever the file holds. Parsing a
hostile file stops at a limit, and walking a tree needs no recursion.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, replace
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from searchapp.extract.lines import line_spans, span_of
from searchapp.extract.text.code_lines import LONGEST_NAME, Names, blocks_by_lines, line_chunks
from searchapp.extract.text.grammars import (
    ABOVE,
    ASSIGNED,
    CPP_ONLY,
    EXPORT_MACRO,
    FUNCTIONS,
    GRAMMARS,
    KEYWORDS,
    NAMED_BY,
    SAME_GRAMMAR,
    WRAPPERS,
    Grammar,
)
from searchapp.extract.text.plain import read_source
from searchapp.types.documents import Block, Document

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tree_sitter import Node, Tree

    from searchapp.types.documents import Span

_LONG = 40  # lines: a class, a module or an anonymous wrapper above it is cut into what it defines
_DEEPEST = 8  # names in a heading path
# of parsing: a good file takes half a second a megabyte, some broken ones take the square of their
# length
_MAX_SECONDS = 15
_MAX_BYTES = 2**30  # of memory in use while parsing


# a line that only closes what is above it: "}", "end", "})(jQuery);", "} // namespace a", "#endif"
_CLOSER = re.compile(
    r"\s*+(?:[)\]};,]++|end\b|#\s*+(?:endif|else)\b)(?:[)\]};,]|(?:\.call)?\([\w, "
    r".]*+\))*+\s*+(?:(?://|/\*|--|#).*|\w+;?)?$"
)


@dataclass(frozen=True, slots=True)
class _Syntax:
    """A source in UTF-8, its rows the lines of `line_spans`, and its tree."""

    source: bytes
    tree: Tree
    grammar: Grammar


@dataclass(frozen=True, slots=True)
class _Definition:
    """A node that defines something: its lines as indices, the last one exclusive, and the names
    down to its own.
    """

    first: int
    last: int
    start_byte: int
    end_byte: int
    names: Names


def read(data: bytes, document_type: str) -> Document:
    """Source code by definitions, their names in the heading path; the comment that opens the file
    is prose.
    """
    return read_source(data, document_type, _read)


def _read(text: str, document_type: str) -> Document:
    lines = line_spans(text)
    syntax = _syntax(text, SAME_GRAMMAR.get(document_type, document_type))
    blocks = (
        blocks_by_lines(text, lines, document_type)
        if syntax is None
        else _by_tree(text, lines, syntax)
    )
    return Document(text, document_type, blocks=tuple(blocks))


# ---- parsing -------------------------------------------------------------------------------------


def _syntax(text: str, language: str) -> _Syntax | None:
    """The syntax of a text; None where there is no grammar or parsing takes too much."""
    if language == "h":
        language = "cpp" if CPP_ONLY.search(text) else "c"
    if language not in GRAMMARS:
        return None
    source = re.sub(rb"\r(?!\n)", b"\n", text.encode("utf-8", "replace"))
    if language in {"c", "cpp"}:
        source = EXPORT_MACRO.sub(lambda match: match[1] + b" " * len(match[2]), source)
    syntax = _parsed(source, GRAMMARS[language])
    if language == "ts" and syntax is not None and syntax.tree.root_node.has_error:
        other = _parsed(source, GRAMMARS["tsx"])
        if other is not None and _errors(other) < _errors(syntax):
            return other
    return syntax


def _parsed(source: bytes, grammar: Grammar) -> _Syntax | None:
    from tree_sitter import Language, Parser

    language = Language(
        getattr(import_module(f"tree_sitter_{grammar.package}"), grammar.function)()
    )
    rest = memoryview(source)  # its slices copy nothing and live as long as the source
    deadline = time.monotonic() + _MAX_SECONDS
    calls = 0

    def is_too_much(_offset: int, _has_error: bool) -> bool:
        nonlocal calls
        calls += 1
        return calls % 32 == 0 and (time.monotonic() > deadline or _memory_bytes() > _MAX_BYTES)

    try:
        tree = Parser(language).parse(
            lambda offset, _: rest[offset:], progress_callback=is_too_much
        )
    except ValueError:  # the callback ended it
        return None
    return _Syntax(source, tree, grammar)


def _memory_bytes() -> int:
    """The memory that this process holds, 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_bytes().split()[1]) * 4096
    except (OSError, ValueError):
        return 0


def _errors(syntax: _Syntax) -> int:
    """How many places of a source its grammar does not understand."""
    count = 0
    stack = [syntax.tree.root_node]
    while stack:
        node = stack.pop()
        count += node.is_error or node.is_missing
        stack.extend(child for child in node.children if child.has_error)
    return count


# ---- by a syntax tree ----------------------------------------------------------------------------


def _by_tree(text: str, lines: Sequence[Span], syntax: _Syntax) -> Iterator[Block]:
    """A block for each definition and for what stands between definitions; the comment that opens
    the file comes first.
    """
    owners = _owners(_definitions(syntax), len(lines))
    opening = _opening_end(syntax.tree.root_node)
    while opening and owners[opening - 1]:
        opening -= 1
    if _has_text(text, lines, 0, opening):
        yield Block(*_span(text, lines, 0, opening), "prose")
    for names, first, last in _runs(text, lines, owners, opening):
        if names:
            yield Block(*_span(text, lines, first, last), "code", names)
        else:
            yield from (
                Block(*span_of(text, lines, *chunk), "code")
                for chunk in line_chunks(text, lines, first, last)
            )


def _owners(definitions: Iterator[_Definition], count: int) -> list[_Definition | None]:
    """The innermost definition of each line; a line that several share belongs to the first, or to
    what is around them.
    """
    owners: list[_Definition | None] = [None] * count
    above: list[_Definition] = []
    for definition in definitions:
        first = definition.first
        while above and above[-1].end_byte <= definition.start_byte:
            before = above.pop()
            if before.last > first:
                first = before.last
                if before.last - before.first == 1:
                    owners[before.first] = above[-1] if above else None
        if above:
            first = max(first, above[-1].first + 1)
        last = max(definition.last, first)
        owners[first:last] = [definition] * (last - first)
        above.append(replace(definition, first=first, last=last))
    return owners


def _runs(
    text: str, lines: Sequence[Span], owners: Sequence[_Definition | None], first: int
) -> Iterator[tuple[Names, int, int]]:
    """Runs of lines of one owner that hold text, as its names and line indices; lines that only
    close something join what they close.
    """
    runs: list[tuple[Names, int, int]] = []
    for owner, indices in groupby(range(first, len(lines)), key=owners.__getitem__):
        run = list(indices)
        written = [index for index in run if text[slice(*lines[index])].strip()]
        if not written:
            continue
        if runs and all(_CLOSER.match(text[slice(*lines[index])]) for index in written):
            runs[-1] = (runs[-1][0], runs[-1][1], run[-1] + 1)
        else:
            runs.append((owner.names if owner else (), run[0], run[-1] + 1))
    yield from runs


def _opening_end(root: Node) -> int:
    """The index of the first line after the comments, or the docstring, that open a file."""
    end = 0
    for child in root.children:
        if child.start_point.row < end or not (_is_above(child) or child.type == "hash_bang_line"):
            is_docstring = child.type == "expression_statement" and [
                inner.type for inner in child.children
            ] == ["string"]
            return _last_line(child) + 1 if is_docstring and child.start_point.row >= end else end
        end = _last_line(child) + 1
    return end


def _definitions(syntax: _Syntax) -> Iterator[_Definition]:
    """The definitions of a file, outer before inner, in order; what stands in functions and short
    classes is left out.
    """
    containers = frozenset(syntax.grammar.containers.split())
    kinds = containers | frozenset(syntax.grammar.others.split())
    # a node, the line where it begins with what is above it, the names around it
    stack: list[tuple[Node, int, Names]] = [(syntax.tree.root_node, 0, ())]
    while stack:
        node, first, names = stack.pop()
        last = _last_line(node) + 1
        heading = (
            _heading(node, syntax.source)
            if node.type in kinds and _is_whole(node, last - first)
            else ""
        )
        if heading:
            names = (*names, heading)
            yield _Definition(first, last, node.start_byte, node.end_byte, names)
            if node.type not in containers or last - first <= _LONG or len(names) >= _DEEPEST:
                continue
        is_wrapper = node.type in WRAPPERS
        if is_wrapper or node.end_point.row > node.start_point.row:
            inner = [
                (
                    child,
                    first if is_wrapper or child.start_byte == node.start_byte else begin,
                    names,
                )
                for child, begin in _with_above(node.children)
                if child.type in kinds
                or child.type in WRAPPERS
                or child.end_point.row > child.start_point.row
            ]
            stack.extend(reversed(inner))


def _with_above(nodes: Sequence[Node]) -> Iterator[tuple[Node, int]]:
    """Nodes, each with the index of its first line, that of the comments and attributes right above
    it.
    """
    begin = reached = -1
    for node in nodes:
        row = node.start_point.row
        begin = begin if begin >= 0 and row <= reached + 1 else row
        if _is_above(node):
            reached = _last_line(node)
        else:
            yield node, begin
            begin = -1


def _is_above(node: Node) -> bool:
    return node.type.endswith("comment") or node.type in ABOVE


def _last_line(node: Node) -> int:
    """The index of the last line of a node, without a line that it ends before."""
    row, column = node.end_point
    return row - 1 if column == 0 and row > node.start_point.row else row


def _is_whole(node: Node, line_count: int) -> bool:
    """Whether a node is a definition of some weight, not a mention or a bare declaration."""
    inner = node.child_by_field_name("type") if node.type == "type_definition" else node
    if inner is None or inner.child_by_field_name("body") is not None:
        return inner is not None
    if node.type == "type_definition":
        return False
    if node.type in ASSIGNED:
        return line_count > 1 and _assigned(node).type in FUNCTIONS
    return line_count > 1 and not node.type.endswith("_specifier")


def _assigned(node: Node) -> Node:
    """What an assignment assigns."""
    value = node.child_by_field_name("value") or node.children[-1]
    return (
        value.children[0] if value.type == "expression_list" and value.child_count == 1 else value
    )


def _heading(node: Node, source: bytes) -> str:
    """How its users call a definition: the keyword of the language and the name, or the name and
    ().
    """
    parts = _name(node)
    if not parts:
        return _keyword(node, node.end_byte)
    fields, joint = parts
    texts = (
        source[field.start_byte : field.end_byte].decode("utf-8", "replace").split()
        for field in fields
    )
    name = joint.join(map(" ".join, texts))[:LONGEST_NAME]
    keyword = "type" if node.type == "type_spec" else _keyword(node, fields[0].start_byte)
    return f"{keyword} {name}" if keyword else f"{name}()"


def _name(node: Node) -> tuple[list[Node], str] | None:
    """The nodes that name a definition, and what stands between them; None where it has no name."""
    if node.type in ASSIGNED:
        return [
            node.child_by_field_name("name")
            or node.child_by_field_name("property")
            or node.children[0]
        ], ""
    fields, joint = NAMED_BY.get(node.type, ("name", ""))
    name_nodes = [
        field for field in map(node.child_by_field_name, fields.split()) if field is not None
    ]
    if name_nodes:
        return name_nodes, joint
    declarator = node.child_by_field_name("declarator")
    while declarator is not None:
        inner = declarator.child_by_field_name("declarator")
        if inner is None and declarator.type in {
            "parenthesized_declarator",
            "reference_declarator",
            "attributed_declarator",
        }:
            inner = next(filter(lambda child: child.is_named, reversed(declarator.children)), None)
        if inner is None:
            return [declarator], ""
        declarator = inner
    return None


def _keyword(node: Node, before: int) -> str:
    """The last word of the language before the name: class, def, fn."""
    words = [
        child.type for child in node.children if not child.is_named and child.start_byte < before
    ]
    return next((word for word in reversed(words) if word in KEYWORDS), "")


def _span(text: str, lines: Sequence[Span], first: int, last: int) -> Span:
    """The span of lines without blank ones at either end."""
    while not text[slice(*lines[first])].strip():
        first += 1
    return span_of(text, lines, first, last)


def _has_text(text: str, lines: Sequence[Span], first: int, last: int) -> bool:
    return any(text[slice(*line)].strip() for line in lines[first:last])
