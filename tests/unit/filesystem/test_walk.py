"""Which files a walk finds, in which order, and why it leaves out the others; how one
file is read.
"""

# pathlib cannot hold a path that is bytes:

from __future__ import annotations

import hashlib
import os
import random
import shutil
import socket
import subprocess
from io import FileIO
from pathlib import Path

import pytest

from searchapp.errors import BadFilter, FileFailed, FileSkipped, PathMissing
from searchapp.filesystem.safe_open import FileContent, read_file, read_open_file
from searchapp.filesystem.walk import FoundFile, WalkProgress, walk
from searchapp.types.documents import FileIdentity, Unindexed

A_DEVICE = Path("/dev/zero")  # /dev/null is a plain file in some containers
needs_permissions = pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")

MIB = 2**20


def make(root: Path, *names: str, text: str = "x") -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def found(root: Path, *, include: tuple[str, ...] = (), exclude: tuple[str, ...] = ()) -> list[str]:
    """The files that a walk finds, relative to its root."""
    files = [
        item
        for item in walk(os.fsencode(root), include=include, exclude=exclude)
        if isinstance(item, FoundFile)
    ]
    return [os.fsdecode(os.path.relpath(file.path, os.fsencode(root))) for file in files]


def left_out(
    root: Path, *, include: tuple[str, ...] = (), exclude: tuple[str, ...] = ()
) -> dict[str, str]:
    """Why a walk leaves out what it leaves out, by path relative to its root."""
    items = [
        item
        for item in walk(os.fsencode(root), include=include, exclude=exclude)
        if isinstance(item, Unindexed)
    ]
    assert {item.outcome for item in items} <= {"skipped", "failed"}
    return {
        os.fsdecode(os.path.relpath(item.path, os.fsencode(root))): item.reason for item in items
    }


# ---- how far it is, and its end -------------------------------------------------------------------


def test_a_walk_tells_how_many_files_and_folders_it_has_seen(tmp_path: Path) -> None:
    make(tmp_path, "a.md", "b/c.md", "b/d/e.md", "node_modules/x/y.js", "node_modules/z.js")
    told: list[tuple[int, int]] = []
    progress = WalkProgress(lambda files, folders: told.append((files, folders)), every_s=0)
    assert len(list(walk(os.fsencode(tmp_path), progress=progress))) == 4
    # the root, b, b/d, node_modules and node_modules/x
    assert told[-1] == (5, 5) == (progress.files, progress.folders)
    assert told == sorted(told)
    assert not progress.was_stopped


def test_a_walk_tells_nothing_before_its_time_has_come(tmp_path: Path) -> None:
    make(tmp_path, "a.md", "b/c.md")
    told: list[tuple[int, int]] = []
    progress = WalkProgress(lambda files, folders: told.append((files, folders)), every_s=3600)
    assert len(list(walk(os.fsencode(tmp_path), progress=progress))) == 2
    assert told == []


@pytest.mark.parametrize("before_stop", range(14))
def test_a_walk_that_is_stopped_at_any_entry_ends_there_and_says_so(
    tmp_path: Path, before_stop: int
) -> None:
    make(tmp_path, "a.md", "b/c.md", "b/d.md", "node_modules/x.js", "node_modules/y.js")
    whole = list(walk(os.fsencode(tmp_path)))
    asked = []

    def is_stopped() -> bool:
        asked.append(1)
        return len(asked) > before_stop

    progress = WalkProgress(is_stopped=is_stopped)
    part = list(walk(os.fsencode(tmp_path), progress=progress))
    assert progress.was_stopped
    assert part == whole[: len(part)]
    assert len(asked) == before_stop + 1  # it goes no further


# ---- order, paths and roots ----------------------------------------------------------------------


def test_files_come_in_the_order_of_their_path_bytes(tmp_path: Path) -> None:
    make(tmp_path, "b.md", "a/z.md", "a.md", "a!/y.md", "a/b/c.md", "B.md")
    assert found(tmp_path) == ["B.md", "a!/y.md", "a.md", "a/b/c.md", "a/z.md", "b.md"]


def test_a_found_file_has_its_absolute_path_and_its_identity(tmp_path: Path) -> None:
    make(tmp_path, "a.md", text="four")
    path = os.fsencode(tmp_path / "a.md")
    assert list(walk(os.fsencode(tmp_path))) == [FoundFile(path, FileIdentity.of(os.stat(path)))]  # noqa: PTH116
    assert FileIdentity.of(os.stat(path)).size == 4  # noqa: PTH116


def test_a_relative_root_gives_absolute_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, "docs/a.md")
    monkeypatch.chdir(tmp_path)
    assert [item.path for item in walk(b"docs/")] == [os.fsencode(tmp_path / "docs" / "a.md")]


def test_names_may_be_invalid_utf8_or_hold_line_breaks(tmp_path: Path) -> None:
    names = [b"caf\xe9.md", b"two\nlines.md"]
    for name in names:
        with open(os.path.join(os.fsencode(tmp_path), name), "wb") as file:  # noqa: PTH118, PTH123
            file.write(b"x")
    (tmp_path / ".gitignore").write_text("*.pyc\n")
    assert [
        os.path.basename(item.path)  # noqa: PTH119
        for item in walk(os.fsencode(tmp_path))
        if isinstance(item, FoundFile)
    ] == names


def test_a_rule_file_can_name_what_is_invalid_utf8(tmp_path: Path) -> None:
    for name in (b"caf\xe9.md", b"cafe.md"):
        with open(os.path.join(os.fsencode(tmp_path), name), "wb") as file:  # noqa: PTH118, PTH123
            file.write(b"x")
    (tmp_path / ".gitignore").write_bytes(b"caf\xe9.md\n")
    assert found(tmp_path) == ["cafe.md"]


def test_a_file_named_as_the_root_is_found_whatever_its_name(tmp_path: Path) -> None:
    make(tmp_path, ".hidden/.env")
    make(tmp_path, ".gitignore", text="*\n")
    assert found(tmp_path / ".hidden" / ".env") == ["."]


def test_a_folder_named_as_the_root_is_walked_whatever_its_name(tmp_path: Path) -> None:
    make(tmp_path, ".cache/a.md", ".cache/.hidden.md")
    assert found(tmp_path / ".cache") == ["a.md"]


def test_a_link_named_as_the_root_is_followed(tmp_path: Path) -> None:
    make(tmp_path, "real/a.md")
    (tmp_path / "folder").symlink_to("real")
    (tmp_path / "file").symlink_to("real/a.md")
    assert found(tmp_path / "folder") == ["a.md"]
    assert list(walk(os.fsencode(tmp_path / "file"))) == [
        FoundFile(os.fsencode(tmp_path / "file"), FileIdentity.of(os.stat(tmp_path / "real/a.md")))  # noqa: PTH116
    ]


def test_a_missing_root_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(PathMissing, match="nowhere does not exist"):
        walk(os.fsencode(tmp_path / "nowhere"))


def test_an_empty_folder_holds_nothing(tmp_path: Path) -> None:
    assert list(walk(os.fsencode(tmp_path))) == []


@pytest.mark.slow
def test_a_tree_deeper_than_the_recursion_limit_is_walked(tmp_path: Path) -> None:
    folder = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("d", dir_fd=folder)
        below = os.open("d", os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = below
    os.close(os.open("a.md", os.O_CREAT | os.O_WRONLY, dir_fd=folder))
    os.close(folder)
    try:
        assert found(tmp_path) == ["d/" * 1500 + "a.md"]
    finally:
        subprocess.run(
            ["rm", "-rf", os.fspath(tmp_path / "d")], check=True
        )  # too deep for pytest to clear away


@pytest.mark.slow
def test_a_folder_with_a_path_too_long_for_the_system_fails_and_the_rest_goes_on(
    tmp_path: Path,
) -> None:
    folder = os.open(tmp_path, os.O_RDONLY)
    for _ in range(20):
        os.mkdir("d" * 250, dir_fd=folder)
        below = os.open("d" * 250, os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = below
    os.close(folder)
    make(tmp_path, "e.md")
    try:
        assert list(left_out(tmp_path).values()) == ["file name too long"]
        assert found(tmp_path) == ["e.md"]
    finally:
        subprocess.run(["rm", "-rf", os.fspath(tmp_path / ("d" * 250))], check=True)


# ---- built-in rules ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (".notes.md", "hidden"),
        (".env", "secret"),
        ("prod.env", "secret"),
        (".env.local", "secret"),
        ("server.PEM", "secret"),
        ("tls.key", "secret"),
        ("id_rsa", "secret"),
        ("id_ed25519", "secret"),
        (".netrc", "secret"),
        ("passwords.kdbx", "secret"),
        ("credentials", "secret"),
        ("client_secret_123.json", "secret"),
        (".bash_history", "secret"),
        ("~$report.docx", "temporary file"),
        ("notes.md~", "temporary file"),
        ("Thumbs.db", "temporary file"),
    ],
)
def test_a_file_of_such_a_name_is_left_out(tmp_path: Path, name: str, reason: str) -> None:
    make(tmp_path, name, "kept.md")
    assert left_out(tmp_path) == {name: reason}
    assert found(tmp_path) == ["kept.md"]


@pytest.mark.parametrize(
    "name",
    [
        "environment.md",
        "key.md",
        "id_rsa.pub",
        "cookies.md",
        "credentials.md",
        "a~b.md",
        "secret.md",
    ],
)
def test_a_file_with_a_harmless_name_like_those_is_found(tmp_path: Path, name: str) -> None:
    make(tmp_path, name)
    assert found(tmp_path) == [name]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (".config", "hidden"),
        (".ssh", "secret"),
        (".gnupg", "secret"),
        (".password-store", "secret"),
        (".mozilla", "secret"),
        (".git", "version control"),
        ("node_modules", "cache folder"),
        ("__pycache__", "cache folder"),
        (".searchapp", "corpus"),
    ],
)
def test_a_folder_of_such_a_name_is_one_entry_that_counts_its_files(
    tmp_path: Path, name: str, reason: str
) -> None:
    make(tmp_path, f"{name}/a", f"{name}/b/c", f"{name}/b/.d", "kept.md")
    (tmp_path / name / "link").symlink_to("..")
    assert [item for item in walk(os.fsencode(tmp_path)) if isinstance(item, Unindexed)] == [
        Unindexed(os.fsencode(tmp_path / name), "skipped", reason, files=4)
    ]
    assert found(tmp_path) == ["kept.md"]


@pytest.mark.parametrize(
    ("mark", "reason"),
    [
        ("pyvenv.cfg", "virtual environment"),
        ("conda-meta/history", "virtual environment"),
        ("key4.db", "browser profile"),
    ],
)
def test_a_folder_is_left_out_for_what_it_holds(tmp_path: Path, mark: str, reason: str) -> None:
    make(tmp_path, f"folder/{mark}", "folder/a.md")
    assert left_out(tmp_path) == {"folder": reason}


def test_a_cache_folder_is_known_by_the_signature_in_its_tag(tmp_path: Path) -> None:
    make(
        tmp_path,
        "target/CACHEDIR.TAG",
        text="Signature: 8a477f597d28d172789f06886806bc55\n# by cargo",
    )
    make(tmp_path, "other/CACHEDIR.TAG", text="no signature")
    make(tmp_path, "target/a.md", "other/a.md")
    assert left_out(tmp_path) == {"target": "cache folder"}
    assert found(tmp_path) == ["other/CACHEDIR.TAG", "other/a.md"]


@pytest.mark.damages_corpus  # what looks like a corpus here is none
def test_a_corpus_is_never_walked_not_even_as_the_root(tmp_path: Path) -> None:
    make(tmp_path, "mine/corpus.db", "mine/lock", "mine/a.md", ".searchapp/a.md", "other/lock")
    assert left_out(tmp_path) == {".searchapp": "corpus", "mine": "corpus"}
    assert found(tmp_path) == ["other/lock"]
    assert left_out(tmp_path / "mine") == {".": "corpus"}
    assert left_out(tmp_path / ".searchapp") == {".": "corpus"}


# ---- rule files ----------------------------------------------------------------------------------


def test_a_deeper_gitignore_overrides_a_higher_one_and_negation_works(tmp_path: Path) -> None:
    make(tmp_path, ".gitignore", text="*.log\n/drafts/\n")
    make(tmp_path, "sub/.gitignore", text="!keep.log\n*.tmp\n")
    make(
        tmp_path,
        "a.log",
        "a.md",
        "drafts/a.md",
        "sub/a.log",
        "sub/keep.log",
        "sub/a.tmp",
        "sub/drafts/a.md",
    )
    assert found(tmp_path) == ["a.md", "sub/drafts/a.md", "sub/keep.log"]
    reason = "ignored by .gitignore"
    assert left_out(tmp_path) == {
        ".gitignore": "hidden",
        "a.log": reason,
        "drafts": reason,
        "sub/.gitignore": "hidden",
        "sub/a.log": reason,
        "sub/a.tmp": reason,
    }


def test_nothing_below_an_ignored_folder_comes_back(tmp_path: Path) -> None:
    make(tmp_path, ".gitignore", text="drafts/\n!drafts/a.md\n")
    make(tmp_path, "drafts/a.md")
    assert found(tmp_path) == []


def test_everything_but_one_kind_can_be_ignored(tmp_path: Path) -> None:
    make(tmp_path, ".gitignore", text="*\n!*/\n!*.md\n")
    make(tmp_path, "a.md", "a.txt", "sub/sub/a.md", "sub/sub/a.txt")
    assert found(tmp_path) == ["a.md", "sub/sub/a.md"]


def test_searchappignore_is_stronger_than_any_gitignore(tmp_path: Path) -> None:
    make(tmp_path, ".searchappignore", text="!*.log\nsecret.md\n")
    make(tmp_path, "sub/.gitignore", text="*.log\n!secret.md\n*.tmp\n")
    make(tmp_path, "sub/a.log", "sub/secret.md", "sub/a.tmp")
    assert found(tmp_path) == ["sub/a.log"]
    assert left_out(tmp_path)["sub/secret.md"] == "ignored by .searchappignore"
    assert left_out(tmp_path)["sub/a.tmp"] == "ignored by .gitignore"


def test_rule_files_never_bring_back_secrets_or_hidden_files(tmp_path: Path) -> None:
    make(tmp_path, ".searchappignore", text="!*\n")
    make(tmp_path, ".env", ".hidden.md", ".git/config")
    assert found(tmp_path) == []


def test_the_rules_of_the_enclosing_repository_apply_below_it(tmp_path: Path) -> None:
    make(tmp_path, ".gitignore", text="a.md\n")
    make(
        tmp_path,
        "repository/.git/config",
        "repository/docs/sub/a.md",
        "repository/docs/sub/b.md",
        "repository/docs/sub/c.md",
    )
    make(tmp_path, "repository/.gitignore", text="/docs/sub/b.md\n")
    make(tmp_path, "repository/docs/.searchappignore", text="c.md\n")
    assert found(tmp_path / "repository" / "docs" / "sub") == ["a.md"]


def test_without_an_enclosing_repository_nothing_above_the_root_applies(tmp_path: Path) -> None:
    make(tmp_path, ".gitignore", text="*.md\n")
    make(tmp_path, "docs/a.md")
    assert found(tmp_path / "docs") == ["a.md"]


def test_a_root_that_a_rule_above_it_ignores_is_walked(tmp_path: Path) -> None:
    make(tmp_path, ".git/config", "build/a.md")
    make(tmp_path, ".gitignore", text="build/\n")
    assert found(tmp_path / "build") == ["a.md"]


def test_lines_that_mean_nothing_are_passed_over(tmp_path: Path) -> None:
    make(tmp_path, ".gitignore", text="\ufeffa.md\r\n\n# b.md\n!\n[z-a]\n[[x]\n\\\nc.md  \n")
    make(tmp_path, "a.md", "b.md", "c.md")
    assert found(tmp_path) == ["b.md"]


def test_an_overlong_rule_file_is_reported_and_does_not_apply(tmp_path: Path) -> None:
    make(tmp_path, ".gitignore", text="#" * (MIB + 1))
    make(tmp_path, "a.md")
    assert next(iter(walk(os.fsencode(tmp_path)))) == Unindexed(
        os.fsencode(tmp_path / ".gitignore"), "failed", "its rules do not apply: larger than 1 MiB"
    )
    assert found(tmp_path) == ["a.md"]


def test_a_folder_with_the_name_of_a_rule_file_is_just_hidden(tmp_path: Path) -> None:
    make(tmp_path, ".gitignore/a.md", "b.md")
    assert left_out(tmp_path) == {".gitignore": "hidden"}
    assert found(tmp_path) == ["b.md"]


PATTERNS = (
    *(
        "*",
        "!*/",
        "!*.md",
        "*.md",
        "a",
        "/a",
        "a/",
        "!a/",
        "!a",
        "*/",
        "**/",
        "/*",
        "!/b",
        "a/*",
        "!a/b",
        "a/**",
        "!a/**",
        "**/a",
    ),
    *(
        "**/b/",
        "a/**/b",
        "*/b",
        "*/**",
        "b*",
        "?",
        "[ab]",
        "[!a]",
        "[^b].md",
        "a.md",
        "!a.md",
        "/b/*.md",
        "#x",
        "\\#x",
        "c ",
        "c\\ ",
    ),
    *(
        "",
        "  ",
        "[",
        "b//a",
        "a/b/",
        "!b/",
        "/**/c",
        "**",
        "!**/c.md",
        "\\a",
        "[z-a]",
        "a\\",
        "!",
        "/",
        "*.m?",
        "[a-b]/",
        "***",
    ),
)


def grow(root: Path, choose: random.Random) -> None:
    """A small repository with files, folders and rule files by chance."""
    folders = [root]
    for _ in range(choose.randint(1, 6)):
        folder = choose.choice(folders) / choose.choice("abc")
        folder.mkdir(exist_ok=True)
        folders.append(folder)
    for _ in range(choose.randint(3, 14)):
        file = choose.choice(folders) / choose.choice(
            ["a", "b", "a.md", "b.md", "c.md", "c ", "#x", "ab"]
        )
        if not file.exists():
            file.write_text("x")
    for folder in folders:
        (folder / ".gitignore").write_text(
            "\n".join(choose.choices(PATTERNS, k=choose.randint(0, 4))) + "\n"
        )


@pytest.mark.slow
@needs_git
@pytest.mark.parametrize("seed", range(25))
def test_a_walk_finds_what_git_would_track(tmp_path: Path, seed: int) -> None:
    environment = {
        **os.environ,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "XDG_CONFIG_HOME": os.fspath(tmp_path),
    }
    root = tmp_path / "repository"
    subprocess.run(["git", "init", "-q", root], check=True, env=environment)
    grow(root, random.Random(seed))
    command = ["git", "-C", os.fspath(root), "ls-files", "-z", "--others", "--exclude-standard"]
    listed = subprocess.run(
        command, check=True, env=environment, capture_output=True, text=True
    ).stdout.split("\0")
    assert set(found(root)) == {name for name in listed if name and Path(name).name != ".gitignore"}


# ---- include and exclude -------------------------------------------------------------------------


def test_include_finds_only_what_matches_and_says_so_of_the_rest(tmp_path: Path) -> None:
    make(tmp_path, "a.md", "a.txt", "notes/b.txt", "notes/sub/c.pdf")
    assert found(tmp_path, include=("*.md", "notes/**/*.pdf")) == ["a.md", "notes/sub/c.pdf"]
    assert left_out(tmp_path, include=("*.md",))["a.txt"] == "not included"
    assert found(tmp_path, include=("notes/",)) == ["notes/b.txt", "notes/sub/c.pdf"]


def test_exclude_leaves_out_files_and_whole_folders(tmp_path: Path) -> None:
    make(tmp_path, "a.md", "a.txt", "drafts/b.md", "drafts/c.md")
    assert found(tmp_path, exclude=("*.txt", "drafts/")) == ["a.md"]
    assert left_out(tmp_path, exclude=("*.txt", "drafts/")) == {
        "a.txt": "excluded",
        "drafts": "excluded",
    }
    assert (
        sum(
            item.files
            for item in walk(os.fsencode(tmp_path), exclude=["drafts"])
            if isinstance(item, Unindexed)
        )
        == 2
    )


def test_exclude_is_stronger_than_include_and_than_a_negation_in_a_rule_file(
    tmp_path: Path,
) -> None:
    make(tmp_path, "a.md", "b.md")
    make(tmp_path, ".searchappignore", text="!a.md\n")
    assert found(tmp_path, include=("*.md",), exclude=("a.md",)) == ["b.md"]


@pytest.mark.parametrize("pattern", ["", "!", "# comment", "["])
def test_a_pattern_that_means_nothing_is_an_error_at_once(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(BadFilter):
        walk(os.fsencode(tmp_path), include=["*.md", pattern])
    with pytest.raises(BadFilter):
        walk(os.fsencode(tmp_path), exclude=[pattern])


# ---- what is not a plain file --------------------------------------------------------------------


def test_links_are_not_followed(tmp_path: Path) -> None:
    make(tmp_path, "root/a.md", "root/sub/b.md", "outside.md")
    root = tmp_path / "root"
    (root / "to_file").symlink_to("a.md")
    (root / "to_outside").symlink_to("../outside.md")
    (root / "to_folder").symlink_to("sub")
    (root / "to_nothing").symlink_to("nowhere")
    (root / "sub" / "to_root").symlink_to("..")
    (root / "loop").symlink_to("loop")
    (root / "ping").symlink_to("pong")
    (root / "pong").symlink_to("ping")
    assert found(root) == ["a.md", "sub/b.md"]
    assert left_out(root) == {
        "loop": "link in a loop",
        "ping": "link in a loop",
        "pong": "link in a loop",
        "sub/to_root": "link to a folder",
        "to_file": "link to a file inside the folder",
        "to_folder": "link to a folder",
        "to_nothing": "link to nothing",
        "to_outside": "link to a file outside the folder",
    }


def test_pipes_sockets_and_links_to_them_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "to_pipe").symlink_to("pipe")
    (tmp_path / "to_device").symlink_to(A_DEVICE)
    monkeypatch.chdir(tmp_path)  # a socket's path has to be short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        assert left_out(tmp_path) == {
            "pipe": "named pipe",
            "socket": "socket",
            "to_device": "link to a device",
            "to_pipe": "link to a named pipe",
        }
    assert left_out(tmp_path / "pipe") == {".": "named pipe"}
    assert left_out(A_DEVICE) == {".": "device"}


@needs_permissions
def test_a_folder_without_permission_fails_and_the_rest_goes_on(tmp_path: Path) -> None:
    make(tmp_path, "a/x.md", "b/x.md", "c.md")
    (tmp_path / "a").chmod(0o000)
    (tmp_path / "b").chmod(0o400)  # can be listed, but what it holds cannot be seen
    try:
        assert found(tmp_path) == ["c.md"]
        assert left_out(tmp_path) == {"a": "permission denied", "b/x.md": "permission denied"}
    finally:
        (tmp_path / "a").chmod(0o700)
        (tmp_path / "b").chmod(0o700)


@needs_permissions
def test_a_rule_file_without_permission_is_reported_and_does_not_apply(tmp_path: Path) -> None:
    make(tmp_path, ".gitignore", text="*\n")
    make(tmp_path, "a.md")
    (tmp_path / ".gitignore").chmod(0o000)
    assert left_out(tmp_path) == {".gitignore": "its rules do not apply: permission denied"}
    assert found(tmp_path) == ["a.md"]


def test_what_vanishes_during_the_walk_is_not_a_file(tmp_path: Path) -> None:
    make(tmp_path, "a.md", "b/c.md", "d.md")
    walking = walk(os.fsencode(tmp_path))
    assert os.path.basename(next(walking).path) == b"a.md"  # noqa: PTH119
    shutil.rmtree(tmp_path / "b")
    assert [item.path for item in walking] == [os.fsencode(tmp_path / "d.md")]


# ---- reading -------------------------------------------------------------------------------------


def test_a_file_is_read_with_its_identity_and_its_hash(tmp_path: Path) -> None:
    make(tmp_path, "a.md", text="hello")
    path = os.fsencode(tmp_path / "a.md")
    assert read_file(path, max_bytes=5) == FileContent(
        data=b"hello",
        identity=FileIdentity.of(os.stat(path)),  # noqa: PTH116
        content_hash=hashlib.blake2b(b"hello", digest_size=32).digest(),
    )


def test_an_empty_file_is_read_as_no_bytes(tmp_path: Path) -> None:
    make(tmp_path, "a.md", text="")
    assert read_file(os.fsencode(tmp_path / "a.md"), max_bytes=5).data == b""


def test_a_large_file_is_read_whole(tmp_path: Path) -> None:
    data = random.Random(0).randbytes(3 * MIB + 1)
    (tmp_path / "a.bin").write_bytes(data)
    assert read_file(os.fsencode(tmp_path / "a.bin"), max_bytes=4 * MIB).data == data


def test_a_file_over_the_limit_is_skipped_unread(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(50 * 2**30)
    with pytest.raises(FileSkipped, match=r"^larger than 64 MiB$"):
        read_file(os.fsencode(tmp_path / "sparse"), max_bytes=64 * MIB)
    make(tmp_path, "a.md", text="hello")
    with pytest.raises(FileSkipped, match=r"^larger than 4 bytes$"):
        read_file(os.fsencode(tmp_path / "a.md"), max_bytes=4)


def test_what_is_not_a_regular_file_is_skipped_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileSkipped, match=r"^named pipe$"):
        read_file(os.fsencode(tmp_path / "pipe"), max_bytes=MIB)
    with pytest.raises(FileSkipped, match=r"^device$"):
        read_file(b"/dev/zero", max_bytes=MIB)
    with pytest.raises(FileSkipped, match=r"^folder$"):
        read_file(os.fsencode(tmp_path), max_bytes=MIB)


def test_a_missing_file_fails_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(FileFailed, match=r"^no such file or directory$"):
        read_file(os.fsencode(tmp_path / "nowhere"), max_bytes=MIB)


@needs_permissions
def test_a_file_without_permission_fails_with_the_reason(tmp_path: Path) -> None:
    make(tmp_path, "a.md")
    (tmp_path / "a.md").chmod(0o000)
    with pytest.raises(FileFailed, match=r"^permission denied$"):
        read_file(os.fsencode(tmp_path / "a.md"), max_bytes=MIB)


@pytest.mark.parametrize("changes", [1, 2])
def test_a_file_may_change_once_while_it_is_read_and_not_twice(
    tmp_path: Path, changes: int
) -> None:
    path = tmp_path / "growing"
    path.write_bytes(b"x" * 100)

    class Growing(FileIO):
        grown = 0

        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() == 0 and self.grown < changes:
                self.grown += 1
                with path.open("ab") as file:
                    file.write(b"y")
            return super().read(size)

    with Growing(path) as file:
        if changes == 1:
            assert read_open_file(file, max_bytes=MIB).data == path.read_bytes()
        else:
            with pytest.raises(FileFailed, match=r"^changes while it is being read$"):
                read_open_file(file, max_bytes=MIB)
