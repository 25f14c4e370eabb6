"""Small sources in many languages: each opens with a comment, imports something, and defines a few
things.
"""

from __future__ import annotations

SOURCES: dict[str, str] = {
    "awk": "# Sums.\n\nfunction total(a) {\n  return a\n}\n\nEND { print total(1) }\n",
    "c": """/* Orders. */

#include <stdio.h>

/* One order. */
struct order {
    int items;
};

typedef struct {
    int paid;
} invoice;

/* What it costs. */
static char *total(const struct order *o)
{
    return 0;
}
""",
    "cpp": """// Orders.

#include <vector>

namespace shop {

/// One order.
class EXPORTED Order final : public Base {
  public:
    int total() const { return 1; }
};

template <class T>
T &first(std::vector<T> &all) {
    return all[0];
}

}  // namespace shop

int Order::count() {
    return 2;
}
""",
    "cs": """// Orders.

using System;

namespace Shop {
    /// <summary>One order.</summary>
    [Serializable]
    public class Order {
        public int Total() {
            return 1;
        }
    }
}

record Item(string Name) {
    public int Price() => 1;
}
""",
    "dart": "// Orders.\n\nimport 'dart:io';\n\n/// One order.\nclass Order {\n  int total() => "
    "1;\n}\n",
    "docker": "FROM python:3 AS build\nRUN make\n\nCOPY . /app\nFROM scratch\nCOPY --from=build "
    "/app /app\n",
    "ex": "# Orders.\n\ndefmodule Shop.Order do\n  def total(order) do\n    1\n  end\nend\n",
    "go": """// Package shop sells.
package shop

import "fmt"

// Order is one order.
type Order struct {
\titems []int
}

type Payer interface {
\tPay() error
}

// Total is what it costs.
func (o *Order) Total() int {
\treturn 1
}

func main() {
\tfmt.Println(1)
}
""",
    "hs": """-- Orders.

module Shop where

import Data.List

data Order = Order { items :: [Int] }

total :: Order -> Int
total o = 1
""",
    "java": """// Orders.

package shop;

import java.util.List;

/** One order. */
@Entity
public class Order {
    int total() {
        return 1;
    }
}

@interface Entity {
    String value();
}
""",
    "jl": '# Orders.\n\nusing Dates\n\nstruct Order\n  items\nend\n\n"""What it '
    'costs."""\nfunction total(o)\n  1\nend\n',
    "js": """// Orders.

import fs from "fs";

/** One order. */
export class Order {
    total() {
        return 1;
    }
}

// What it costs.
export const total = async (order) => {
    return 1;
};

function* all() {
    yield 1;
}

exports.first = function (order) {
    return 1;
};

run();
""",
    "kt": """// Orders.

package shop

/** One order. */
data class Order(val items: List<Int>) {
    fun total(): Int {
        return 1
    }
}

object Shop {
    val name = "shop"
}

fun String.first(): Int {
    return 1
}
""",
    "lua": """-- Orders.

local M = {}

-- What it costs.
function M.total(o)
  return 1
end

local first = function(o)
  return 1
end

return M
""",
    "make": "# Builds.\n\nCC := gcc\n\nall: build test\n\n# Compiles.\nbuild: a.c\n\t$(CC) "
    "a.c\ntest:\n\t./test\n",
    "php": """<?php
// Orders.

namespace Shop;

/** One order. */
final class Order {
    public function total() {
        return 1;
    }
}

function first($order) {
    return 1;
}
""",
    "pl": "# Orders.\n\nuse strict;\n\npackage Shop;\n\n# What it costs.\nsub total {\n  return "
    "1;\n}\n",
    "proto": '// Orders.\n\nsyntax = "proto3";\n\n// One order.\nmessage Order {\n  int32 total = '
    "1;\n}\n\nservice Shop {\n}\n",
    "ps1": "# Orders.\n\nfunction Get-Total {\n  1\n}\n\nclass Order {\n}\n",
    "py": '''#!/usr/bin/env python
# Licence: free.
"""Orders."""

import os


# One order.
@dataclass
class Order:
    items: int

    def total(self) -> int:
        return 1


async def first(order):
    return 1


if __name__ == "__main__":
    first(1)
''',
    "r": "# Orders.\n\nlibrary(stats)\n\n# What it costs.\ntotal <- function(order) {\n  "
    "1\n}\n\nfirst = function(o) 1\n",
    "rb": """# Orders.

require "set"

# One order.
class Order < Base
  def total
    1
  end
end

module Shop
  NAME = "shop"
end

def self.first(order)
  1
end
""",
    "rs": """//! Orders.

use std::fmt;

/// One order.
#[derive(Debug)]
pub struct Order {
    items: i32,
}

impl fmt::Display for Order {
    fn fmt(&self) -> i32 {
        1
    }
}

impl Order {
    pub fn total(&self) -> i32 {
        1
    }
}

macro_rules! order {
    () => {};
}

pub async fn main() {
    run();
}
""",
    "scala": """// Orders.

package shop

/** One order. */
case class Order(items: Int) {
  def total = 1
}

object Shop {
  val name = "shop"
}

def first(order: Order) = {
  1
}
""",
    "sh": "#!/bin/sh\n# Orders.\n\nset -e\n\n# What it costs.\ntotal() {\n  echo 1\n}\n\nfunction "
    "first {\n  echo 2\n}\n\ntotal\n",
    "sql": """-- Orders.

CREATE TABLE IF NOT EXISTS orders (
  id int,

  total int
);
insert into orders values (1, 2);

-- All of them.
CREATE VIEW paid AS

SELECT * FROM orders;

SELECT *
FROM paid;
create or replace function total(o int) returns int as $$
  select 1;
$$;
""",
    "swift": """// Orders.

import Foundation

/// One order.
struct Order {
    func total() -> Int {
        return 1
    }
}

extension Order {
    var paid: Bool { true }
}

func first() {
    run()
}
""",
    "tf": '# Orders.\n\nresource "aws_bucket" "orders" {\n  name = "orders"\n}\n\nvariable '
    '"region" {\n}\n',
    "ts": """// Orders.

import { Item } from "./item";

/** One order. */
export interface Order {
    items: Item[];
}

export type Total = {
    sum: number;
};

@Component({})
export abstract class Shop {
    abstract name: string;
}

export const total = (order: Order): number => {
    return 1;
};

namespace Tax {
    const rate = 1;
}
""",
    "tcl": "# Orders.\n\nproc total {order} {\n  return 1\n}\n",
}


def long_class(language: str) -> str:
    """A class of two methods of more than forty lines together, with a field and comments."""
    name, method, close = {
        "cs": ("class Order {", "    int {}() {{", "    }"),
        "java": ("class Order {", "    int {}() {{", "    }"),
        "js": ("class Order {", "    {}() {{", "    }"),
        "kt": ("class Order {", "    fun {}() {{", "    }"),
        "php": ("<?php\nclass Order {", "    function {}() {{", "    }"),
        "py": ("class Order:", "    def {}(self):", ""),
        "rb": ("class Order", "    def {}", "    end"),
        "rs": ("impl Order {", "    fn {}() {{", "    }"),
        "scala": ("class Order {", "    def {}() = {{", "    }"),
        "swift": ("class Order {", "    func {}() {{", "    }"),
        "ts": ("class Order {", "    {}(): void {{", "    }"),
    }[language]
    mark = "#" if language in {"py", "rb"} else "//"
    end = {"py": "", "rb": "end\n"}.get(language, "}\n")
    bodies = [
        f"    {mark} {each}\n{method.format(each)}\n"
        + f"        run(){'' if mark == '#' else ';'}\n" * 20
        + f"{close}\n"
        for each in ("total", "first")
    ]
    return f"{name}\n" + "\n".join(bodies) + end
