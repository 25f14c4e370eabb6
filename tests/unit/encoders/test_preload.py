"""The guess at which encoder a command line will ask for: never wrong enough to matter, and never
an error of its own.
"""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest

from searchapp.__main__ import _is_looked_at, begin_opening_encoder
from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.encoders import loading, preload
from searchapp.errors import EncoderError
from searchapp.types.vectors import EncoderIdentity

OTHER = EncoderIdentity("nowhere", "f" * 64, 8, 16)


@pytest.fixture(autouse=True)
def nothing_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preload, "_opening", {})


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEARCHAPP_CACHE", str(tmp_path / "cache"))
    writer = SqliteBackend(tmp_path / "corpus").writer()
    writer.set_encoder(OTHER)
    writer.commit()
    writer.close()
    return tmp_path / "corpus"


@pytest.mark.parametrize(
    "options", [["--corpus", "{}"], ["--corpus={}"], ["--mode", "best", "--corpus", "{}"]]
)
def test_a_question_begins_to_open_the_encoder_of_its_corpus(
    corpus: Path, options: list[str]
) -> None:
    begin_opening_encoder(["query", "a question", *(option.format(corpus) for option in options)])
    assert list(preload._opening) == [(OTHER, corpus.parent / "cache")]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--version"],
        ["list", "--corpus", "{}"],
        ["query", "words", "--mode", "keyword", "--corpus", "{}"],
        ["query", "words", "--mode=keyword", "--corpus", "{}"],
        ["query", "--help", "--corpus", "{}"],
        ["query", "words", "--corpus", "{}/nowhere"],
        ["query", "words", "--corpus"],
    ],
)
def test_nothing_is_begun_for_what_needs_no_encoder_or_has_no_corpus(
    corpus: Path, arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(corpus.parent)
    monkeypatch.setenv("XDG_DATA_HOME", str(corpus.parent / "data"))
    begin_opening_encoder([argument.format(corpus) for argument in arguments])
    assert preload._opening == {}


@pytest.mark.parametrize(
    ("words", "is_terminal", "is_looked_at"),
    [
        ([], True, True),
        ([], False, False),
        (["--json"], True, False),
        (["--paths"], True, False),
        (["--mode", "hybrid"], False, False),
        (["--mode", "best", "--json"], False, True),
        (["--mode=best"], False, True),
        (["--explain", "--json"], True, True),
    ],
)
def test_what_gives_token_states_is_opened_where_a_command_line_will_look_at_them(
    words: list[str], is_terminal: bool, is_looked_at: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout", SimpleNamespace(isatty=lambda: is_terminal))
    assert _is_looked_at(["query", "a question", *words]) is is_looked_at


def test_what_gives_token_states_is_opened_in_the_background(tmp_path: Path) -> None:
    opened = Event()
    encoder: Any = SimpleNamespace(prepare=opened.set)
    preload._opening[OTHER, tmp_path] = Future()
    preload._opening[OTHER, tmp_path].set_result(encoder)
    preload.begin(OTHER, tmp_path)
    assert not opened.is_set()
    preload.begin(OTHER, tmp_path, token_states=True)
    assert opened.wait(10)
    assert preload.opened(OTHER, tmp_path) is encoder


def test_what_failed_in_the_background_is_met_again_where_it_can_be_told(tmp_path: Path) -> None:
    preload.begin(OTHER, tmp_path)
    with pytest.raises(EncoderError, match="nowhere"):
        preload.opened(OTHER, tmp_path)


def test_several_first_questions_mend_an_encoder_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mended: list[Path] = []

    def open_encoder(_: EncoderIdentity, *, cache: Path) -> object:
        time.sleep(0.05)
        mended.append(cache)
        return mended

    monkeypatch.setattr(loading, "open_encoder", open_encoder)
    with ThreadPoolExecutor(8) as threads:
        opened = list(threads.map(lambda _: preload.opened(OTHER, tmp_path), range(8)))
    assert mended == [tmp_path]
    assert all(encoder is opened[0] for encoder in opened)
