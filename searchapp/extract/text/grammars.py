"""What is known of each programming language: its grammar, and the lines that begin a definition.

These are only tables; a new language is a line in `GRAMMARS`, or in `DEFINITION_HEADS` where there
is no grammar for it. How a text is cut with them is decided in `code` and `code_lines`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Grammar:
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
GRAMMARS = {
    "py": Grammar("python", "class_definition", "function_definition"),
    "c": Grammar("c", "", f"{_C} type_definition function_definition"),
    "cpp": Grammar(
        "cpp", f"{_C} class_specifier namespace_definition", "type_definition function_definition"
    ),
    "cs": Grammar(
        "c_sharp",
        f"{_TYPES} struct_declaration namespace_declaration",
        "method_declaration constructor_declaration delegate_declaration",
    ),
    "go": Grammar("go", "", "function_declaration method_declaration type_spec"),
    "java": Grammar(
        "java",
        f"{_TYPES} annotation_type_declaration",
        "method_declaration constructor_declaration",
    ),
    "js": Grammar("javascript", "class_declaration", _JS),
    "kt": Grammar(
        "kotlin",
        "class_declaration object_declaration companion_object",
        "function_declaration secondary_constructor",
    ),
    "lua": Grammar("lua", "", "function_declaration assignment_statement"),
    "php": Grammar(
        "php",
        "class_declaration interface_declaration trait_declaration enum_declaration "
        "namespace_definition",
        f"function_definition method_declaration {_ASSIGNMENT}",
        function="language_php",
    ),
    "rb": Grammar("ruby", "class module", "method singleton_method"),
    "rs": Grammar(
        "rust",
        "impl_item trait_item mod_item",
        "function_item struct_item enum_item union_item macro_definition",
    ),
    "scala": Grammar(
        "scala",
        "class_definition object_definition trait_definition enum_definition extension_definition",
        "function_definition given_definition",
    ),
    "sh": Grammar("bash", "", "function_definition"),
    "swift": Grammar(
        "swift",
        "class_declaration protocol_declaration",
        "function_declaration init_declaration deinit_declaration",
    ),
    "ts": Grammar(
        "typescript",
        _TS,
        f"type_alias_declaration public_field_definition {_JS}",
        function="language_typescript",
    ),
    "tsx": Grammar(
        "typescript",
        _TS,
        f"type_alias_declaration public_field_definition {_JS}",
        function="language_tsx",
    ),
}
SAME_GRAMMAR = {"hpp": "cpp", "cu": "cpp"}
CPP_ONLY = re.compile(r"^[ \t]*(?:class|namespace|template)\b", re.MULTILINE)
# the second word of "class EXPORTED Order final : Base {", which no grammar knows
EXPORT_MACRO = re.compile(
    rb"\b(class|struct|union)([ "
    rb"\t]+[A-Z][A-Z0-9_]*(?:\([^()\n]*\))?)(?=\s+[A-Za-z_]\w*(?:\s+final)?\s*(?::(?!:)|\{))"
)
WRAPPERS = frozenset(  # what begins a definition that stands inside it
    str.split(
        "decorated_definition export_statement template_declaration lexical_declaration "
        "variable_declaration "
        "expression_statement type_declaration ambient_declaration"
    )
)
ABOVE = frozenset(
    {"decorator", "attribute_item", "attribute_list", "annotation", "marker_annotation"}
)  # like comments: of what is below
FUNCTIONS = frozenset(
    str.split(
        "arrow_function function_expression generator_function class function_definition "
        "anonymous_function"
    )
)
ASSIGNED = frozenset(
    "variable_declarator field_definition public_field_definition assignment_statement "
    f"{_ASSIGNMENT}".split()
)
# the fields that name a node, and what stands between them; all others have a name or a declarator
NAMED_BY = {
    "impl_item": ("trait type", " for "),
    "method_declaration": ("receiver name", " "),
    "singleton_method": ("object name", "."),
    "extension_definition": ("parameters", ""),
}
KEYWORDS = frozenset(
    str.split(
        "class struct union enum interface trait impl protocol extension actor record object "
        "namespace module mod type typedef "
        "delegate def func fun fn function given constructor deinit macro_rules! @interface"
    )
)
_NAME = r"[\w.:$-]+"
_C_LIKE = re.compile(
    r"(?:\w+ )*?(class|interface|enum|mixin|extension|trait|struct|message|service|type|object|"
    rf"function|fn) ({_NAME})"
)
_LISP = re.compile(r"\((def[\w-]*) ([^\s()]+)")
_ERLANG = re.compile(r"([a-z]\w*)\(.*->")
_FUNCTIONAL = re.compile(
    r"(let rec|let|module|type|class|data|newtype|instance) (\w[\w.']*)|([a-z_][\w']*)(?= +::)"
)
# the first line of a definition in the languages without a grammar; its groups, joined, are the
# heading
DEFINITION_HEADS = {
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
SECTIONS = frozenset({"docker"})  # types whose definitions last until the next one
# a line that must come before a cut
STATEMENT_END = {"sql": re.compile(r".*;\s*(?:--.*)?$|\s*(?:go|/)\s*$", re.IGNORECASE)}
