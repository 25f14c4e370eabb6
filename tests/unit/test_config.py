"""What the environment decides: where the cache is kept when the usual folder cannot be written, and
what the terminal draws.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import NoReturn

import platformdirs
import pytest

from searchapp import config
from searchapp.config import usable_cache
from searchapp.errors import UsageError

ME = os.geteuid()
NOWHERE = Path("/proc/nowhere/cache")


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files of its own, and nothing remembered of what was decided before."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setattr(config, "_notes", [])
    usable_cache.cache_clear()
    return folder


def test_a_cache_that_can_be_made_or_written_is_used(tmp_path: Path) -> None:
    assert usable_cache(tmp_path / "home/cache", ME) == tmp_path / "home/cache"
    assert usable_cache(tmp_path / "home", ME) == tmp_path / "home"
    assert config.cache_note() == ""


@pytest.mark.parametrize("home", [NOWHERE, Path("/dev/null/cache"), Path(__file__, "cache")])
def test_a_cache_that_cannot_be_made_gives_way_to_a_folder_of_this_user_and_that_is_said_once(
    temporary: Path, home: Path
) -> None:
    folder = temporary / f"searchapp-{ME}"
    assert usable_cache(home, ME) == folder
    assert folder.stat().st_mode & 0o777 == 0o700
    assert usable_cache(home, ME) == folder
    assert config.cache_note() == (
        f"note: the cache folder {home} cannot be written; converted models and the last answer are "
        f"kept in {folder} (SEARCHAPP_CACHE names another)"
    )


def test_the_folder_serves_the_next_process_too(temporary: Path) -> None:
    first = usable_cache(NOWHERE, ME)
    usable_cache.cache_clear()
    assert usable_cache(NOWHERE, ME) == first
    assert list(temporary.iterdir()) == [first]


def test_a_folder_that_others_may_enter_is_not_trusted(temporary: Path) -> None:
    (temporary / f"searchapp-{ME}").mkdir(mode=0o700)
    (temporary / f"searchapp-{ME}").chmod(0o777)
    another = usable_cache(NOWHERE, ME)
    assert another == temporary / f"searchapp-{ME}-2"
    assert another.stat().st_mode & 0o777 == 0o700
    usable_cache.cache_clear()
    assert usable_cache(NOWHERE, ME) == another  # the next process finds the model converted


def test_a_folder_that_others_could_only_read_is_closed_to_them(temporary: Path) -> None:
    (temporary / f"searchapp-{ME}").mkdir()
    (temporary / f"searchapp-{ME}").chmod(0o755)
    folder = usable_cache(NOWHERE, ME)
    assert folder == temporary / f"searchapp-{ME}"
    assert folder.stat().st_mode & 0o777 == 0o700


def test_where_every_name_is_taken_a_folder_serves_one_process_and_is_removed(
    temporary: Path,
) -> None:
    names = [f"searchapp-{ME}", *(f"searchapp-{ME}-{number}" for number in range(2, 10))]
    for name in names:
        (temporary / name).touch()
    folder = usable_cache(NOWHERE, ME)
    (folder / "model").touch()
    assert config.cache_note() == (
        f"note: the cache folder {NOWHERE} cannot be written; converted models and the last answer "
        f"are kept in {folder} until this command ends, as {temporary}/searchapp-{ME} is not this "
        "user's alone (SEARCHAPP_CACHE names another)"
    )
    config.remove_temporary_cache()
    assert sorted(place.name for place in temporary.iterdir()) == sorted(names)


def test_a_folder_of_another_owner_is_not_trusted(temporary: Path) -> None:
    (temporary / f"searchapp-{ME + 1}").mkdir(mode=0o700)  # mine, by another's name
    assert usable_cache(NOWHERE, ME + 1) != temporary / f"searchapp-{ME + 1}"


def test_a_link_is_not_trusted(temporary: Path) -> None:
    (temporary / "mine").mkdir(mode=0o700)
    (temporary / f"searchapp-{ME}").symlink_to(temporary / "mine")
    assert usable_cache(NOWHERE, ME) not in (temporary / f"searchapp-{ME}", temporary / "mine")


def test_without_a_home_a_corpus_must_be_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def has_no_home(_: str) -> NoReturn:  # as for a user whom the system does not know
        raise RuntimeError("could not determine the home directory")

    for name in ("user_data_path", "user_cache_path", "user_config_path"):
        monkeypatch.setattr(platformdirs, name, has_no_home)
    for name in ("SEARCHAPP_CORPUS", "SEARCHAPP_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="there is no home folder to keep a corpus in"):
        config.load()
    settings = config.load(corpus=tmp_path / "corpus")
    assert settings.place == str(tmp_path / "corpus")
    assert settings.cache == tmp_path / f"temporary/searchapp-{ME}"
    assert config.cache_note().startswith("note: there is no home folder; ")


_NAMES = (
    "TERM",
    "TERM_PROGRAM",
    "VTE_VERSION",
    "KITTY_WINDOW_ID",
    "WT_SESSION",
    "KONSOLE_VERSION",
    "ALACRITTY_WINDOW_ID",
)


@pytest.mark.parametrize(
    ("environment", "has_links"),
    [
        ({"TERM": "xterm-256color"}, False),
        ({"TERM": "xterm-256color", "VTE_VERSION": "7600"}, True),
        ({"TERM": "xterm-256color", "VTE_VERSION": "4600"}, False),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, True),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "Apple_Terminal"}, False),
        ({"TERM": "xterm-256color", "WT_SESSION": "1"}, True),
        ({"TERM": "xterm-kitty"}, True),  # over ssh this is all that a terminal tells
        ({"TERM": "foot"}, True),
        ({"TERM": "dumb", "VTE_VERSION": "7600"}, False),
        ({"TERM": "linux", "TERM_PROGRAM": "tmux"}, False),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "vscode"}, False),  # opens path:20 itself
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "zed"}, False),
        ({}, False),
    ],
)
def test_links_are_for_terminals_that_are_known_to_draw_them(
    environment: dict[str, str], has_links: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in _NAMES:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert config.terminal_has_links() is has_links


def test_numpy_multiplies_in_one_thread_unless_the_user_says_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")
    config.use_one_thread_for_small_products()
    assert os.environ["OPENBLAS_NUM_THREADS"] == "3"
    monkeypatch.delenv("OPENBLAS_NUM_THREADS")
    config.use_one_thread_for_small_products()
    assert os.environ["OPENBLAS_NUM_THREADS"] == "1"
