"""Source code: the source text itself, cut where its top-level definitions begin.

Python is cut by its own syntax tree; every other language, and Python that does not parse, at blank lines before a line
that starts in the first column.
"""

from __future__ import annotations

import ast
import re
import warnings
from typing import TYPE_CHECKING

from searchapp.extract.lines import line_spans, paragraphs, span_of
from searchapp.extract.text import decode
from searchapp.types import Block, Document

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from searchapp.types import Span

_LONG_CLASS = 40  # lines: a class above it is cut into its methods
_CLOSING = re.compile(r"[)\]}]|end\b|else\b")
_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_Piece = tuple[int, tuple[str, ...]]  # the index of its first line, and the names of what it defines


def read(data: bytes, document_type: str) -> Document:
    """Source code by top-level definitions; a Python definition's name is in the heading path of its block."""
    text = decode(data)
    lines = line_spans(text)
    module = _python_tree(text) if document_type == "py" else None
    blocks = _chunks(text, lines) if module is None else _python_blocks(text, lines, module)
    return Document(text, document_type, blocks=tuple(blocks))


def _python_tree(text: str) -> ast.Module | None:
    """The syntax tree, None where the text is not this Python."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def _python_blocks(text: str, lines: Sequence[Span], module: ast.Module) -> Iterator[Block]:
    body, first = module.body, 0
    if ast.get_docstring(module, clean=False) is not None:
        docstring = body[0]
        first = docstring.end_lineno or docstring.lineno
        yield Block(*span_of(text, lines, docstring.lineno - 1, first), "prose")
        body = body[1:]
    pieces = list(_pieces(text, lines, body, first, ()))
    for (start, names), (end, _) in zip(pieces, [*pieces[1:], (len(lines), ())], strict=True):
        runs = list(paragraphs(text, lines, start, end))
        if runs:
            yield Block(*span_of(text, lines, runs[0][0], end), "code", names)


def _pieces(text: str, lines: Sequence[Span], body: Sequence[ast.stmt], first: int, names: tuple[str, ...]) -> Iterator[_Piece]:
    """Where each definition and each run of other statements begins, from line index `first` on."""
    reached = first
    is_open = False
    for node in body:
        if isinstance(node, _Definition):
            begin = max(_with_comments(text, lines, node), reached)
            if not is_open and _has_text(text, lines, reached, begin):
                yield reached, names
            own = (*names, f"{'class' if isinstance(node, ast.ClassDef) else 'def'} {node.name}")
            yield begin, own
            end = node.end_lineno or node.lineno
            if isinstance(node, ast.ClassDef) and end - begin > _LONG_CLASS:
                yield from _methods(text, lines, node, own)
            reached, is_open = end, False
        elif not is_open:
            yield reached, names
            is_open = True
    if not is_open and _has_text(text, lines, reached, len(lines)) and not names:
        yield reached, names


def _methods(text: str, lines: Sequence[Span], node: ast.ClassDef, names: tuple[str, ...]) -> Iterator[_Piece]:
    """The pieces inside a long class after its head."""
    heads = [each for each in node.body if isinstance(each, _Definition)]
    if heads:
        position = node.body.index(heads[0])
        yield from _pieces(text, lines, node.body[position:], _with_comments(text, lines, heads[0]), names)


def _with_comments(text: str, lines: Sequence[Span], node: _Definition) -> int:
    """The index of a definition's first line, its decorators and the comment right above it included."""
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)]) - 1
    while first and text[slice(*lines[first - 1])].lstrip().startswith("#"):
        first -= 1
    return first


def _has_text(text: str, lines: Sequence[Span], first: int, last: int) -> bool:
    return any(text[slice(*line)].strip() for line in lines[first:last])


def _chunks(text: str, lines: Sequence[Span]) -> Iterator[Block]:
    """Runs of lines that begin in the first column after a blank line, each with what is indented below it."""
    start = None
    end = 0
    for first, last in paragraphs(text, lines, 0, len(lines)):
        line = text[slice(*lines[first])]
        begins = not line[0].isspace() and not _CLOSING.match(line)
        if start is not None and begins:
            yield Block(*span_of(text, lines, start, end), "code")
        start = first if start is None or begins else start
        end = last
    if start is not None:
        yield Block(*span_of(text, lines, start, end), "code")
