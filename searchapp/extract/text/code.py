"""Source code: the source text itself, cut where its functions, classes and modules begin.

The languages of `_GRAMMARS` are parsed; all others are cut at blank lines before a line that starts
in the first column, and get their names from the lines that `_HEADS` knows. Text that a grammar
does not understand is cut like that too, so that every line lies in exactly one block whatever the
file holds. Parsing a hostile file stops at a limit, walking a tree needs no recursion.
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
from searchapp.extract.text.plain import decode
from searchapp.types.documents import Block, Document

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tree_sitter import Node, Tree

    from searchapp.types.documents import Span

_LONG = 40  # lines: a class, a module or an anonymous wrapper above it is cut into what it defines
_DEEPEST = 8  # names in a heading path
_LONGEST_NAME = 120  # characters
# of parsing: a good file takes half a second a megabyte, some broken ones take the square of their
# length
_MAX_SECONDS = 15
_MAX_BYTES = 2**30  # of memory in use while parsing


@dataclass(frozen=True, slots=True)
class _Grammar:
    """A language: the package of its grammar, the function in it, and the nodes that define
    something.
    """

    package: str
    containers: str  # node types, cut into what they define where they are long
    others: str  # node types that stay whole
    function: str = "language"


_ASSIGNMENT = "assignment_expression"
_C = "struct_specifier union_specifier enum_specifier"
_JS = (
    "function_declaration generator_function_declaration method_definition field_definition "
    "variable_declarator " + _ASSIGNMENT
)
_TS = (
    "abstract_class_declaration interface_declaration enum_declaration internal_module "
    "module class_declaration"
)
_TYPES = "class_declaration interface_declaration enum_declaration record_declaration"
_GRAMMARS = {
    "py": _Grammar("python", "class_definition", "function_definition"),
    "c": _Grammar("c", "", f"{_C} type_definition function_definition"),
    "cpp": _Grammar(
        "cpp", f"{_C} class_specifier namespace_definition", "type_definition function_definition"
    ),
    "cs": _Grammar(
        "c_sharp",
        f"{_TYPES} struct_declaration namespace_declaration",
        "method_declaration constructor_declaration delegate_declaration",
    ),
    "go": _Grammar("go", "", "function_declaration method_declaration type_spec"),
    "java": _Grammar(
        "java",
        f"{_TYPES} annotation_type_declaration",
        "method_declaration constructor_declaration",
    ),
    "js": _Grammar("javascript", "class_declaration", _JS),
    "kt": _Grammar(
        "kotlin",
        "class_declaration object_declaration companion_object",
        "function_declaration secondary_constructor",
    ),
    "lua": _Grammar("lua", "", "function_declaration assignment_statement"),
    "php": _Grammar(
        "php",
        "class_declaration interface_declaration trait_declaration enum_declaration "
        "namespace_definition",
        f"function_definition method_declaration {_ASSIGNMENT}",
        function="language_php",
    ),
    "rb": _Grammar("ruby", "class module", "method singleton_method"),
    "rs": _Grammar(
        "rust",
        "impl_item trait_item mod_item",
        "function_item struct_item enum_item union_item macro_definition",
    ),
    "scala": _Grammar(
        "scala",
        "class_definition object_definition trait_definition enum_definition extension_definition",
        "function_definition given_definition",
    ),
    "sh": _Grammar("bash", "", "function_definition"),
    "swift": _Grammar(
        "swift",
        "class_declaration protocol_declaration",
        "function_declaration init_declaration deinit_declaration",
    ),
    "ts": _Grammar(
        "typescript",
        _TS,
        f"type_alias_declaration public_field_definition {_JS}",
        function="language_typescript",
    ),
    "tsx": _Grammar(
        "typescript",
        _TS,
        f"type_alias_declaration public_field_definition {_JS}",
        function="language_tsx",
    ),
}
_SAME = {"hpp": "cpp", "cu": "cpp"}
_CPP = re.compile(r"^[ \t]*(?:class|namespace|template)\b", re.MULTILINE)
# the second word of "class EXPORTED Order final : Base {", which no grammar knows
_EXPORT_MACRO = re.compile(
    rb"\b(class|struct|union)([ "
    rb"\t]+[A-Z][A-Z0-9_]*(?:\([^()\n]*\))?)(?=\s+[A-Za-z_]\w*(?:\s+final)?\s*(?::(?!:)|\{))"
)

_WRAPPERS = frozenset(  # what begins a definition that stands inside it
    str.split(
        "decorated_definition export_statement template_declaration lexical_declaration "
        "variable_declaration "
        "expression_statement type_declaration ambient_declaration"
    )
)
_ABOVE = frozenset(
    {"decorator", "attribute_item", "attribute_list", "annotation", "marker_annotation"}
)  # like comments: of what is below
_FUNCTIONS = frozenset(
    str.split(
        "arrow_function function_expression generator_function class function_definition "
        "anonymous_function"
    )
)
_ASSIGNED = frozenset(
    "variable_declarator field_definition public_field_definition assignment_statement "
    f"{_ASSIGNMENT}".split()
)
# the fields that name a node, and what stands between them; all others have a name or a declarator
_NAMED_BY = {
    "impl_item": ("trait type", " for "),
    "method_declaration": ("receiver name", " "),
    "singleton_method": ("object name", "."),
    "extension_definition": ("parameters", ""),
}
_KEYWORDS = frozenset(
    str.split(
        "class struct union enum interface trait impl protocol extension actor record object "
        "namespace module mod type typedef "
        "delegate def func fun fn function given constructor deinit macro_rules! @interface"
    )
)

_NAME = r"[\w.:$-]+"
_C_LIKE = re.compile(
    rf"(?:\w+ )*?(class|interface|enum|mixin|extension|trait|struct|message|service|type|object|function|fn) ({_NAME})"
)
_LISP = re.compile(r"\((def[\w-]*) ([^\s()]+)")
_ERLANG = re.compile(r"([a-z]\w*)\(.*->")
_FUNCTIONAL = re.compile(
    r"(let rec|let|module|type|class|data|newtype|instance) (\w[\w.']*)|([a-z_][\w']*)(?= +::)"
)
# the first line of a definition in the languages without a grammar; its groups, joined, are the
# heading
_HEADS = {
    "awk": re.compile(rf"(function) ({_NAME})"),
    "clj": _LISP,
    "dart": _C_LIKE,
    "docker": re.compile(r"(FROM) +(?:\S+ +AS +)?(\S+)", re.IGNORECASE),
    "el": _LISP,
    "erl": _ERLANG,
    "ex": re.compile(rf"(defmodule|defprotocol|defimpl) ({_NAME})"),
    "groovy": re.compile(rf"(?:\w+ )*?(class|interface|enum|trait|def) ({_NAME})"),
    "hs": _FUNCTIONAL,
    "jl": re.compile(rf"(?:mutable )?(function|struct|module|macro|abstract type) ({_NAME})"),
    "lisp": _LISP,
    "make": re.compile(r"(?!\.[A-Z])([\w./%$(){}-][^:=#]*+):(?![:=])"),
    "ml": _FUNCTIONAL,
    "nim": re.compile(rf"(proc|func|method|iterator|template|macro|type) ({_NAME})"),
    "pl": re.compile(rf"(sub|package) ({_NAME})"),
    "proto": _C_LIKE,
    "ps1": re.compile(rf"(function|filter|class|enum|workflow) ({_NAME})", re.IGNORECASE),
    "r": re.compile(r"([\w.]+) *(?:<-|=) *function\b"),
    "sql": re.compile(
        r"(create|alter|drop)(?: or replace| global| local| temp| temporary| unique| materialized| "
        r"recursive)* (\w+)"
        r'(?: concurrently)?(?: if (?:not )?exists)? ([\w."`\[\]]+)'
        r"|(insert into|delete from|update|truncate table|comment on) "
        r"([\w.\"`\[\]]+)|(?:select|with|grant|merge|copy)\b",
        re.IGNORECASE,
    ),
    "tcl": re.compile(r"(proc|namespace eval) ([\w:]+)"),
    "tf": re.compile(
        r'(resource|data|module|variable|output|provider|locals|terraform)((?: "[^"]*")*) *\{'
    ),
    "vb": re.compile(
        rf"(?:\w+ )*?(class|module|sub|function|structure|interface|enum|namespace) ({_NAME})",
        re.IGNORECASE,
    ),
    "zig": re.compile(
        rf"(?:pub |export |inline )*(fn|const) ({_NAME})(?=\(| = (?:packed |extern "
        rf")?(?:struct|enum|union))"
    ),
}
_SECTIONS = frozenset({"docker"})  # types whose definitions last until the next one
_STATEMENT_END = {
    "sql": re.compile(r".*;\s*(?:--.*)?$|\s*(?:go|/)\s*$", re.IGNORECASE)
}  # a line that must come before a cut
_COMMENT = re.compile(r"(#(?!\[)|//|--|;|%|/?\*|\(\*|\{-|\"\"\")")
_CLOSING = re.compile(r"[)\]}]|end\b|else\b")
# a line that only closes what is above it: "}", "end", "})(jQuery);", "} // namespace a", "#endif"
_CLOSER = re.compile(
    r"\s*+(?:[)\]};,]++|end\b|#\s*+(?:endif|else)\b)(?:[)\]};,]|(?:\.call)?\([\w, "
    r".]*+\))*+\s*+(?:(?://|/\*|--|#).*|\w+;?)?$"
)

_Names = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Syntax:
    """A source in UTF-8, its rows the lines of `line_spans`, and its tree."""

    source: bytes
    tree: Tree
    grammar: _Grammar


@dataclass(frozen=True, slots=True)
class _Definition:
    """A node that defines something: its lines as indices, the last one exclusive, and the names
    down to its own.
    """

    first: int
    last: int
    start_byte: int
    end_byte: int
    names: _Names


def read(data: bytes, document_type: str) -> Document:
    """Source code by definitions, their names in the heading path; the comment that opens the file
    is prose.
    """
    text = decode(data)
    lines = line_spans(text)
    syntax = _syntax(text, _SAME.get(document_type, document_type))
    blocks = (
        _by_lines(text, lines, document_type) if syntax is None else _by_tree(text, lines, syntax)
    )
    return Document(text, document_type, blocks=tuple(blocks))


# ---- parsing -------------------------------------------------------------------------------------


def _syntax(text: str, language: str) -> _Syntax | None:
    """The syntax of a text; None where there is no grammar or parsing takes too much."""
    if language == "h":
        language = "cpp" if _CPP.search(text) else "c"
    if language not in _GRAMMARS:
        return None
    source = re.sub(rb"\r(?!\n)", b"\n", text.encode("utf-8", "replace"))
    if language in {"c", "cpp"}:
        source = _EXPORT_MACRO.sub(lambda match: match[1] + b" " * len(match[2]), source)
    syntax = _parsed(source, _GRAMMARS[language])
    if language == "ts" and syntax is not None and syntax.tree.root_node.has_error:
        other = _parsed(source, _GRAMMARS["tsx"])
        if other is not None and _errors(other) < _errors(syntax):
            return other
    return syntax


def _parsed(source: bytes, grammar: _Grammar) -> _Syntax | None:
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
                for chunk in _chunks(text, lines, first, last)
            )


def _owners(definitions: Iterator[_Definition], count: int) -> list[_Definition | None]:
    """The innermost definition of each line; a line that several share belongs to the first, or to
    what is around them.
    """
    owners: list[_Definition | None] = [None] * count
    above: list[_Definition] = []
    for each in definitions:
        first = each.first
        while above and above[-1].end_byte <= each.start_byte:
            before = above.pop()
            if before.last > first:
                first = before.last
                if before.last - before.first == 1:
                    owners[before.first] = above[-1] if above else None
        if above:
            first = max(first, above[-1].first + 1)
        last = max(each.last, first)
        owners[first:last] = [each] * (last - first)
        above.append(replace(each, first=first, last=last))
    return owners


def _runs(
    text: str, lines: Sequence[Span], owners: Sequence[_Definition | None], first: int
) -> Iterator[tuple[_Names, int, int]]:
    """Runs of lines of one owner that hold text, as its names and line indices; lines that only
    close something join what they close.
    """
    runs: list[tuple[_Names, int, int]] = []
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
                each.type for each in child.children
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
    stack: list[tuple[Node, int, _Names]] = [
        (syntax.tree.root_node, 0, ())
    ]  # a node, the line where it begins with what is above it, the names around it
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
        is_wrapper = node.type in _WRAPPERS
        if is_wrapper or node.end_point.row > node.start_point.row:
            inner = [
                (
                    child,
                    first if is_wrapper or child.start_byte == node.start_byte else begin,
                    names,
                )
                for child, begin in _with_above(node.children)
                if child.type in kinds
                or child.type in _WRAPPERS
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
    return node.type.endswith("comment") or node.type in _ABOVE


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
    if node.type in _ASSIGNED:
        return line_count > 1 and _assigned(node).type in _FUNCTIONS
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
    name = joint.join(map(" ".join, texts))[:_LONGEST_NAME]
    keyword = "type" if node.type == "type_spec" else _keyword(node, fields[0].start_byte)
    return f"{keyword} {name}" if keyword else f"{name}()"


def _name(node: Node) -> tuple[list[Node], str] | None:
    """The nodes that name a definition, and what stands between them; None where it has no name."""
    if node.type in _ASSIGNED:
        return [
            node.child_by_field_name("name")
            or node.child_by_field_name("property")
            or node.children[0]
        ], ""
    fields, joint = _NAMED_BY.get(node.type, ("name", ""))
    found = [each for each in map(node.child_by_field_name, fields.split()) if each is not None]
    if found:
        return found, joint
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
    return next((word for word in reversed(words) if word in _KEYWORDS), "")


# ---- by lines ------------------------------------------------------------------------------------


def _by_lines(text: str, lines: Sequence[Span], document_type: str) -> Iterator[Block]:
    """Runs of lines from the first column on, under the name that the first line after comments
    gives them.
    """
    head = _HEADS.get(document_type)
    names: _Names = ()
    for number, (first, last) in enumerate(_chunks(text, lines, 0, len(lines), document_type)):
        found = _named(text, lines, first, last, head) if head else ()
        names = found or (names if document_type in _SECTIONS else ())
        is_opening = number == 0 and all(
            _is_comment(text[slice(*line)]) for line in lines[first:last]
        )
        yield Block(*span_of(text, lines, first, last), "prose" if is_opening else "code", names)


def _chunks(
    text: str, lines: Sequence[Span], first: int, last: int, document_type: str = ""
) -> Iterator[tuple[int, int]]:
    """Runs of lines that begin in the first column after a blank line or like a definition, each
    with what is indented below it.
    """
    head, statement_end = _HEADS.get(document_type), _STATEMENT_END.get(document_type)
    start = comments = None  # where the run begins, and the comments right above this line
    is_after_blank = is_at_end = True
    end = first
    for index in range(first, last):
        line = text[slice(*lines[index])]
        if not line.strip():
            is_after_blank, comments = True, None
            continue
        match = head.match(line) if head else None
        begin = comments if match and comments is not None else index
        may_begin = (
            (is_after_blank or match)
            and (is_at_end or (match and match[1]))
            and not line[0].isspace()
            and not _CLOSING.match(line)
        )
        if start is not None and may_begin and begin > start:
            yield start, min(begin, end)
            start = begin
        start = begin if start is None else start
        if _is_comment(line):
            comments = index if comments is None else comments
        else:
            comments = None
            is_at_end = statement_end is None or statement_end.match(line) is not None
        is_after_blank, end = False, index + 1
    if start is not None:
        yield start, end


def _is_comment(line: str) -> bool:
    return _COMMENT.match(line.lstrip()) is not None


def _named(
    text: str, lines: Sequence[Span], first: int, last: int, head: re.Pattern[str]
) -> _Names:
    """The name of a run: what its first line that is no comment defines."""
    for index in range(first, last):
        line = text[slice(*lines[index])]
        match = head.match(line)
        if match:
            name = " ".join(" ".join(filter(None, match.groups())).split())
            return (name[:_LONGEST_NAME],) if name else ()
        if line.strip() and not _is_comment(line):
            break
    return ()


def _span(text: str, lines: Sequence[Span], first: int, last: int) -> Span:
    """The span of lines without blank ones at either end."""
    while not text[slice(*lines[first])].strip():
        first += 1
    return span_of(text, lines, first, last)


def _has_text(text: str, lines: Sequence[Span], first: int, last: int) -> bool:
    return any(text[slice(*line)].strip() for line in lines[first:last])
