"""Source code becomes its definitions: the lines of each, and the path of names above them."""

from __future__ import annotations

import re
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from searchapp.extract.file_types import CODE_TYPES
from searchapp.extract.text import code
from searchapp.extract.text.code import read
from searchapp.extract.text.grammars import GRAMMARS
from searchapp.types.documents import Document
from tests.builders.code import SOURCES, long_class

OPENINGS = {  # the prose that opens each source; the rest have none
    **dict.fromkeys(
        ("cpp", "cs", "dart", "java", "js", "kt", "proto", "scala", "swift", "ts"), "// Orders."
    ),
    **dict.fromkeys(("ex", "jl", "pl", "ps1", "r", "rb", "tcl", "tf"), "# Orders."),
    **dict.fromkeys(("hs", "lua", "sql"), "-- Orders."),
    "awk": "# Sums.",
    "c": "/* Orders. */",
    "go": "// Package shop sells.",
    "make": "# Builds.",
    "py": '#!/usr/bin/env python\n# Licence: free.\n"""Orders."""',
    "rs": "//! Orders.",
    "sh": "#!/bin/sh\n# Orders.",
}
CUTS = {  # the heading, or "", and the first line of each block after the opening
    "awk": [("function total", "function total(a) {"), ("", "END { print total(1) }")],
    "c": [
        ("", "#include <stdio.h>"),
        ("struct order", "/* One order. */"),
        ("typedef invoice", "typedef struct {"),
        ("total()", "/* What it costs. */"),
    ],
    "cpp": [
        ("", "#include <vector>"),
        ("namespace shop", "namespace shop {"),
        ("Order::count()", "int Order::count() {"),
    ],
    "cs": [
        ("", "using System;"),
        ("namespace Shop", "namespace Shop {"),
        ("record Item", "record Item(string Name) {"),
    ],
    "dart": [("", "import 'dart:io';"), ("class Order", "/// One order.")],
    "docker": [
        ("FROM build", "FROM python:3 AS build"),
        ("FROM build", "COPY . /app"),
        ("FROM scratch", "FROM scratch"),
    ],
    "ex": [("defmodule Shop.Order", "defmodule Shop.Order do")],
    "go": [
        ("", "package shop"),
        ("", 'import "fmt"'),
        ("type Order", "// Order is one order."),
        ("type Payer", "type Payer interface {"),
        ("func (o *Order) Total", "// Total is what it costs."),
        ("func main", "func main() {"),
    ],
    "hs": [
        ("module Shop", "module Shop where"),
        ("", "import Data.List"),
        ("data Order", "data Order = Order { items :: [Int] }"),
        ("total", "total :: Order -> Int"),
    ],
    "java": [
        ("", "package shop;"),
        ("", "import java.util.List;"),
        ("class Order", "/** One order. */"),
        ("@interface Entity", "@interface Entity {"),
    ],
    "jl": [
        ("", "using Dates"),
        ("struct Order", "struct Order"),
        ("function total", '"""What it costs."""'),
    ],
    "js": [
        ("", 'import fs from "fs";'),
        ("class Order", "/** One order. */"),
        ("total()", "// What it costs."),
        ("function all", "function* all() {"),
        ("exports.first()", "exports.first = function (order) {"),
        ("", "run();"),
    ],
    "kt": [
        ("", "package shop"),
        ("class Order", "/** One order. */"),
        ("object Shop", "object Shop {"),
        ("fun first", "fun String.first(): Int {"),
    ],
    "lua": [
        ("", "local M = {}"),
        ("function M.total", "-- What it costs."),
        ("first()", "local first = function(o)"),
        ("", "return M"),
    ],
    "make": [
        ("", "CC := gcc"),
        ("all", "all: build test"),
        ("build", "# Compiles."),
        ("test", "test:"),
    ],
    "php": [
        ("", "<?php"),
        ("", "namespace Shop;"),
        ("class Order", "/** One order. */"),
        ("function first", "function first($order) {"),
    ],
    "pl": [
        ("", "use strict;"),
        ("package Shop", "package Shop;"),
        ("sub total", "# What it costs."),
    ],
    "proto": [
        ("", 'syntax = "proto3";'),
        ("message Order", "// One order."),
        ("service Shop", "service Shop {"),
    ],
    "ps1": [("function Get-Total", "function Get-Total {"), ("class Order", "class Order {")],
    "py": [
        ("", "import os"),
        ("class Order", "# One order."),
        ("def first", "async def first(order):"),
        ("", 'if __name__ == "__main__":'),
    ],
    "r": [
        ("", "library(stats)"),
        ("total", "# What it costs."),
        ("first", "first = function(o) 1"),
    ],
    "rb": [
        ("", 'require "set"'),
        ("class Order", "# One order."),
        ("module Shop", "module Shop"),
        ("def self.first", "def self.first(order)"),
    ],
    "rs": [
        ("", "use std::fmt;"),
        ("struct Order", "/// One order."),
        ("impl fmt::Display for Order", "impl fmt::Display for Order {"),
        ("impl Order", "impl Order {"),
        ("macro_rules! order", "macro_rules! order {"),
        ("fn main", "pub async fn main() {"),
    ],
    "scala": [
        ("", "package shop"),
        ("class Order", "/** One order. */"),
        ("object Shop", "object Shop {"),
        ("def first", "def first(order: Order) = {"),
    ],
    "sh": [
        ("", "set -e"),
        ("total()", "# What it costs."),
        ("function first", "function first {"),
        ("", "total"),
    ],
    "sql": [
        ("CREATE TABLE orders", "CREATE TABLE IF NOT EXISTS orders ("),
        ("insert into orders", "insert into orders values (1, 2);"),
        ("CREATE VIEW paid", "-- All of them."),
        ("", "SELECT *"),
        ("create function total", "create or replace function total(o int) returns int as $$"),
    ],
    "swift": [
        ("", "import Foundation"),
        ("struct Order", "/// One order."),
        ("extension Order", "extension Order {"),
        ("func first", "func first() {"),
    ],
    "tcl": [("proc total", "proc total {order} {")],
    "tf": [
        ('resource "aws_bucket" "orders"', 'resource "aws_bucket" "orders" {'),
        ('variable "region"', 'variable "region" {'),
    ],
    "ts": [
        ("", 'import { Item } from "./item";'),
        ("interface Order", "/** One order. */"),
        ("type Total", "export type Total = {"),
        ("class Shop", "@Component({})"),
        ("total()", "export const total = (order: Order): number => {"),
        ("namespace Tax", "namespace Tax {"),
    ],
}
LONG_CLASSES = {  # the names of a class and of its first method
    "cs": ("class Order", "total()"),
    "java": ("class Order", "total()"),
    "js": ("class Order", "total()"),
    "kt": ("class Order", "fun total"),
    "php": ("class Order", "function total"),
    "py": ("class Order", "def total"),
    "rb": ("class Order", "def total"),
    "rs": ("impl Order", "fn total"),
    "scala": ("class Order", "def total"),
    "swift": ("class Order", "func total"),
    "ts": ("class Order", "total()"),
}


def outline(document: Document) -> list[tuple[str, tuple[str, ...], str]]:
    return [
        (block.kind, block.headings, document.text[block.start : block.end])
        for block in document.blocks
    ]


def paths(document: Document) -> list[tuple[str, ...]]:
    return [block.headings for block in document.blocks]


def outline_of(source: str, document_type: str) -> list[tuple[str, tuple[str, ...], str]]:
    return outline(read(source.encode(), document_type))


def assert_every_line_is_in_one_block(document: Document) -> None:
    end = 0
    for block in document.blocks:
        assert end <= block.start < block.end
        assert not document.text[end : block.start].strip()
        assert document.text[block.start : block.end].strip()
        end = block.end
    assert not document.text[end:].strip()


# ---- definitions ---------------------------------------------------------------------------------


@pytest.mark.parametrize("document_type", SOURCES)
def test_a_source_is_cut_at_its_definitions_with_the_comments_above_them(
    document_type: str,
) -> None:
    document = read(SOURCES[document_type].encode(), document_type)
    assert document.text == SOURCES[document_type]
    assert (document.has_lines, document.title, document.type) == (True, "", document_type)
    opening = [("prose", (), OPENINGS[document_type])] if document_type in OPENINGS else []
    found = outline(document)
    assert found[: len(opening)] == opening
    assert [
        (kind, " > ".join(path), text.split("\n")[0]) for kind, path, text in found[len(opening) :]
    ] == [("code", heading, line) for heading, line in CUTS[document_type]]
    assert_every_line_is_in_one_block(document)


@pytest.mark.parametrize("document_type", LONG_CLASSES)
def test_a_long_class_is_cut_into_its_methods_and_the_closing_line_stays_with_the_last(
    document_type: str,
) -> None:
    source = long_class(document_type)
    outer, inner = LONG_CLASSES[document_type]
    blocks = [(path, text) for _, path, text in outline_of(source, document_type) if path]
    assert [path for path, _ in blocks] == [
        (outer,),
        (outer, inner),
        (outer, inner.replace("total", "first")),
    ]
    assert blocks[0][1].count("\n") == 0
    assert [text.split("\n")[0].strip(" #/") for _, text in blocks[1:]] == ["total", "first"]
    assert blocks[2][1] == source[source.index(blocks[2][1][:20]) :].rstrip()


def test_a_class_of_forty_lines_stays_whole() -> None:
    methods = "".join(
        f"    def f{number}(self):\n        return {number}\n\n" for number in range(13)
    )
    assert paths(read(f"class C:\n{methods}".encode(), "py")) == [("class C",)]
    assert len(paths(read(f"class C:\n    x = 1\n    y = 2\n\n{methods}".encode(), "py"))) == 14


def test_what_stands_between_the_methods_of_a_long_class_is_under_the_class() -> None:
    body = "        run()\n" * 20
    source = f"class C:\n    def f(self):\n{body}\n    x = 1\n\n    def g(self):\n{body}\ny = 2\n"
    assert [(path, text.split("\n")[0]) for _, path, text in outline_of(source, "py")] == [
        (("class C",), "class C:"),
        (("class C", "def f"), "    def f(self):"),
        (("class C",), "    x = 1"),
        (("class C", "def g"), "    def g(self):"),
        ((), "y = 2"),
    ]


def test_a_long_anonymous_wrapper_is_cut_into_what_it_defines() -> None:
    functions = "".join(
        f"  function f{number}() {{\n    return 1;\n  }}\n\n" for number in range(12)
    )
    assert paths(read(f"(function () {{\n{functions}}})();\n".encode(), "js")) == [
        (),
        *((f"function f{number}",) for number in range(12)),
    ]


def test_functions_in_functions_stay_where_they_are() -> None:
    source = "function f() {\n" + "  function g() {\n    return 1;\n  }\n" * 20 + "}\n"
    assert paths(read(source.encode(), "js")) == [("function f",)]


def test_decorators_and_attributes_belong_to_what_they_decorate() -> None:
    assert outline_of(
        "import os\n\n# why\n@cache\n@other(\n    1\n)\ndef f():\n    return 1\n", "py"
    )[1] == (
        "code",
        ("def f",),
        "# why\n@cache\n@other(\n    1\n)\ndef f():\n    return 1",
    )
    assert outline_of("use a;\n\n// not about f\n\n/// f\n#[test]\n#[cfg(a)]\nfn f() {\n}\n", "rs")[
        1:
    ] == [
        ("code", (), "// not about f"),
        ("code", ("fn f",), "/// f\n#[test]\n#[cfg(a)]\nfn f() {\n}"),
    ]


def test_a_comment_that_opens_a_file_right_above_a_definition_belongs_to_it() -> None:
    assert outline_of("// Licence.\n\n// f\nint f() {\n  return 1;\n}\n", "c") == [
        ("prose", (), "// Licence."),
        ("code", ("f()",), "// f\nint f() {\n  return 1;\n}"),
    ]


def test_bare_declarations_stay_together() -> None:
    assert outline_of("struct a;\nint f(void);\ntypedef int b;\nstruct a g(int x);\n", "c") == [
        ("code", (), "struct a;\nint f(void);\ntypedef int b;\nstruct a g(int x);")
    ]
    assert outline_of("mod a;\npub struct B;\n", "rs") == [("code", (), "mod a;\npub struct B;")]


def test_definitions_under_a_condition_of_the_preprocessor_are_found() -> None:
    assert outline_of(
        "#ifdef A\nint f(void)\n{\n}\n#else\nint g(void)\n{\n}\n#endif /* A */\n", "c"
    ) == [
        ("code", (), "#ifdef A"),
        ("code", ("f()",), "int f(void)\n{\n}\n#else"),
        ("code", ("g()",), "int g(void)\n{\n}\n#endif /* A */"),
    ]


def test_a_header_is_read_as_the_language_that_it_is_in() -> None:
    assert outline_of("class Order {\n  int total() { return 1; }\n};\n", "h") == [
        ("code", ("class Order",), "class Order {\n  int total() { return 1; }\n};")
    ]
    assert outline_of("int f(int class) {\n  return class;\n}\n", "h")[0][1] == ("f()",)


def test_a_class_with_an_export_macro_is_a_class() -> None:
    assert outline_of("class API_EXPORT Order final : public Base {\n  int x;\n};\n", "cpp") == [
        ("code", ("class Order",), "class API_EXPORT Order final : public Base {\n  int x;\n};")
    ]


def test_typescript_with_markup_is_understood() -> None:
    source = (
        "export function A(): Element {\n  return <div "
        "className='a'>{b}</div>;\n}\n\nconst b = <T,>(x: T) => {\n  return x;\n};\n"
    )
    assert [path for _, path, _ in outline_of(source, "ts")] == [("function A",), ("b()",)]
    casts = "function f() {\n  return <string>x;\n}\n"
    assert [path for _, path, _ in outline_of(casts, "ts")] == [("function f",)]


def test_old_python_is_cut_at_its_definitions() -> None:
    assert outline_of("print 'old'\n\ndef f(a, (b, c)):\n    print a\n\n    exec b\n", "py") == [
        ("code", (), "print 'old'"),
        ("code", ("def f",), "def f(a, (b, c)):\n    print a\n\n    exec b"),
    ]


def test_broken_code_keeps_the_definitions_that_are_whole() -> None:
    source = "int f(void) {\n  return 1;\n}\n\nint g( {{{ ;\n\nint h(void) {\n  return 1;\n}\n"
    document = read(source.encode(), "c")
    assert paths(document)[0] == ("f()",)
    assert_every_line_is_in_one_block(document)


def test_a_language_without_a_grammar_is_cut_where_a_line_starts_in_the_first_column() -> None:
    source = "a {\n  x\n\n  y\n\n}\n\nb {\n}\n"
    assert outline_of(source, "css") == [
        ("code", (), "a {\n  x\n\n  y\n\n}"),
        ("code", (), "b {\n}"),
    ]


def test_lines_end_in_every_way_and_letters_take_any_number_of_bytes() -> None:
    source = "# é\n\nx = '𝒳'\n\ndef größe():\n    return 1\n"
    for end in ("\n", "\r\n", "\r"):
        document = read(source.replace("\n", end).encode(), "py")
        assert document.text == source.replace("\n", end)
        assert [(path, text) for _, path, text in outline(document)] == [
            ((), "# é"),
            ((), "x = '𝒳'"),
            (("def größe",), f"def größe():{end}    return 1"),
        ]


def test_several_definitions_on_a_line_are_one_block_without_a_name() -> None:
    source = "function a() {} function b() {} var c = 1;\n"
    assert outline_of(source, "js") == [("code", (), source.rstrip())]
    assert outline_of("function a() {\n} function b() {\n}\n", "js") == [
        ("code", ("function a",), "function a() {\n} function b() {\n}"),
    ]


# ---- hostile files -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "document_type", ["c", "cpp", "js", "java", "py", "rs", "rb", "php", "go", "sh"]
)
@pytest.mark.parametrize(
    ("piece", "depth"),
    [("{", 10_000), ("(", 10_000), ("{\n", 10_000), ("class A {\n", 300), ("f(\n", 300)],
)
def test_deep_nesting_loses_nothing(document_type: str, piece: str, depth: int) -> None:
    assert_every_line_is_in_one_block(read((piece * depth + "x").encode(), document_type))


def test_a_heading_path_has_at_most_eight_names() -> None:
    source = "".join(f"namespace n{number} {{\n" for number in range(100)) + "}\n" * 100
    assert paths(read(source.encode(), "cpp"))[-1] == tuple(
        f"namespace n{number}" for number in range(8)
    )


def test_a_minified_file_is_one_block() -> None:
    source = "function a(){return 1}var b=()=>{c(1)};" * 5_000
    assert outline_of(source, "js") == [("code", (), source)]


def test_a_file_whose_parsing_takes_too_much_is_cut_by_lines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = (
        "int f() {\n  return 1;\n}\n\nint g() {\n  return 1;\n}\n" + "int x = ((((1))));\n" * 2_000
    )
    monkeypatch.setattr(code, "_MAX_SECONDS", -1)
    assert paths(read(source.encode(), "c")) == [(), ()]


def test_the_lines_of_a_large_file_are_looked_at_once() -> None:
    source = "\n".join(f"}}}}}}}} # {number}\n" for number in range(20_000))
    assert_every_line_is_in_one_block(read(source.encode(), "sql"))
    assert_every_line_is_in_one_block(
        read(("}" * 200_000 + "x;;y\n" + "a " * 100_000).encode(), "make")
    )


ALPHABET = "aé𝒳1 \n\r\t\f{}()[]<>;:#/*\"'`=.,\\$@-%&|!?"
PIECES = re.findall(r"\w+|\s+|.", "".join(SOURCES.values()))


@pytest.mark.slow
@pytest.mark.parametrize("document_type", sorted(CODE_TYPES))
@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
@given(
    text=st.one_of(
        st.text(ALPHABET, max_size=40), st.lists(st.sampled_from(PIECES), max_size=60).map("".join)
    )
)
def test_every_line_of_any_text_is_in_one_block(document_type: str, text: str) -> None:
    document = read(text.encode("utf-8", "replace"), document_type)
    assert_every_line_is_in_one_block(document)


@pytest.mark.parametrize("document_type", sorted(set(SOURCES) & CODE_TYPES))
def test_a_source_that_ends_anywhere_loses_no_line(document_type: str) -> None:
    source = SOURCES[document_type]
    for end in range(0, len(source), 41):
        assert_every_line_is_in_one_block(read(source[:end].encode(), document_type))


def test_only_the_grammar_that_a_file_needs_is_imported() -> None:
    assert {grammar.package for grammar in GRAMMARS.values()} >= {"c", "cpp"}
    for name in [name for name in sys.modules if name.startswith("tree_sitter_")]:
        del sys.modules[name]
    read(b"x = 1\n", "lua")
    assert [name for name in sys.modules if re.fullmatch(r"tree_sitter_[a-z_]+", name)] == [
        "tree_sitter_lua"
    ]
