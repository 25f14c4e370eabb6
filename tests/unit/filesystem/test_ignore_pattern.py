"""What one line of a .gitignore says of a path, and how long it takes."""

from __future__ import annotations

import shutil
import time

import pytest

from searchapp.filesystem.ignore_pattern import last_match, parse_pattern, parse_patterns
from tests.torture import ignoring


def matches(line: str, path: str) -> bool:
    pattern = parse_pattern(line)
    assert pattern is not None
    return pattern.matches(path.removesuffix("/"), folder=path.endswith("/"))


@pytest.mark.parametrize(
    ("line", "matched", "others"),
    [
        ("a.md", ["a.md", "x/a.md"], ["a.mdx", "xa.md", "a.md/b"]),
        ("/a.md", ["a.md"], ["x/a.md"]),
        ("x/a.md", ["x/a.md"], ["y/x/a.md"]),
        ("a/", ["a/", "x/a/"], ["a", "x/a"]),
        ("*.md", [".md", "a.md", "x/a.md"], ["a.mdx", "a.md/b"]),
        ("x/*", ["x/a"], ["x/a/b", "x"]),
        ("**/a", ["a", "x/a", "x/y/a"], ["xa", "a/b"]),
        ("x/**", ["x/a", "x/a/b"], ["x", "xa"]),
        ("x/**/a", ["x/a", "x/y/a", "x/y/z/a"], ["xa", "x/ya"]),
        ("x/**/a/**/b/*.md", ["x/1/a/2/b/c.md", "x/a/b/b/.md"], ["x/a/b", "x/b/a/c.md"]),
        ("x**y", ["xy", "xay"], ["x/y"]),
        ("x/a**b", ["x/ab", "x/a-b"], ["x/a/b"]),
        ("?", ["a", "x/\u00e9"], ["ab", "x/ab"]),
        ("[a-c]", ["b"], ["d", "-", "B"]),
        ("[!a-c]", ["d", "\u00e9"], ["b"]),
        ("[]a]", ["]", "a"], ["[]a]"]),
        ("[[:digit:][:upper:]_]", ["1", "A", "_"], ["a", ":", "d"]),
        ("x/[a/]b", ["x/ab"], ["x//b"]),
        ("\\*.md", ["*.md"], ["a.md"]),
        ("\\#a", ["#a"], ["\\#a"]),
        ("a  ", ["a"], ["a  "]),
        ("a\\ ", ["a "], ["a"]),
    ],
)
def test_a_pattern_speaks_of_these_paths_and_not_of_those(
    line: str, matched: list[str], others: list[str]
) -> None:
    assert [path for path in matched + others if matches(line, path)] == matched


@pytest.mark.parametrize("line", ["", "  ", "# a", "!", "/", "[", "[a", "[[:nothing:]]", "a\\"])
def test_a_line_that_can_match_nothing_is_no_pattern(line: str) -> None:
    assert parse_pattern(line) is None


def test_the_last_pattern_that_matches_decides() -> None:
    patterns = parse_patterns("\ufeff*.md\r\n!keep.md\n")
    answers = [last_match(patterns, path, folder=False) for path in ("a.md", "keep.md", "a.txt")]
    assert answers == [True, False, None]


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("*a*a*a*a*a*a*a*a*a*a*b", "a" * 255),
        ("*?*?*?*?*?*?*?*?*?*?*?*b", "a" * 255),
        ("x/" + "*[a-z]" * 40 + "b", "x/" + "a" * 255),
        ("**/a" * 40 + "/b", "a/" * 2000 + "a"),
        ("**/*a*a*a*a*a*b/**/*a*a*a*a*a*b" * 2, "/".join(["a" * 60] * 60)),
    ],
)
def test_no_pattern_takes_longer_than_pattern_times_path(line: str, path: str) -> None:
    began_s = time.process_time()
    assert not matches(line, path)
    assert time.process_time() - began_s < 0.5  # where each star is tried again: years


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_patterns_by_chance_mean_what_they_mean_to_git() -> None:
    compared = ignoring.Compared()
    ignoring.run(300, seed=1, compared=compared)
    assert compared.differences == []
    assert compared.ignored > 1000  # they do match
