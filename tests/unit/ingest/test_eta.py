"""How long the rest of an ingest takes: told by size and kind, as small files come first."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import pytest

from searchapp.ingest.eta import Encoding, Forecast, Pace, left_s


def test_nothing_tells_before_something_was_read_and_encoded() -> None:
    forecast = Forecast([(b"/a.md", 10)])
    assert (forecast.left_s, forecast.characters_left) == (math.inf, 0.0)
    assert left_s(1.0, Encoding(0, 0.0, 50), side_by_side=False) == math.inf


def test_nothing_is_left_when_all_is_read_and_encoded() -> None:
    forecast = Forecast([(b"/a.md", 10)])
    forecast.take(b"/a.md", 10, took_s=1.0, characters=10)
    assert (forecast.left_s, forecast.characters_left) == (0.0, 0.0)
    assert left_s(forecast.left_s, Encoding(10, 1.0, 0), side_by_side=False) == 0.0
    assert left_s(Forecast([]).left_s, Encoding(0, 0.0, 0), side_by_side=True) == 0.0


def test_reading_and_encoding_add_up_unless_they_go_side_by_side() -> None:
    encoding = Encoding(done=100, busy_s=2.0, left=300)
    assert left_s(4.0, encoding, side_by_side=False) == 10.0
    assert left_s(4.0, encoding, side_by_side=True) == 6.0
    assert left_s(9.0, encoding, side_by_side=True) == 9.0


def test_a_kind_is_told_by_what_was_read_of_it_and_another_by_all() -> None:
    large = 2**30
    files = [(b"/a.md", large), (b"/b.PDF", large), (b"/c.md", large), (b"/d.md", large)]
    forecast = Forecast([*files, (b"/e.csv", large)])
    forecast.take(*files[0], took_s=10.0, characters=large)
    forecast.take(*files[1], took_s=2.0, characters=0)
    # two more of a kind, and one of another, in the middle
    assert forecast.left_s == pytest.approx(10 + 10 + 6, rel=0.01)
    assert forecast.characters_left == pytest.approx(large * 2.5, rel=0.01)


def test_small_files_do_not_make_large_ones_seem_slow() -> None:
    files = [(b"/%d.md" % i, 100) for i in range(100)]
    forecast = Forecast([*files, (b"/large.md", 10**6)])
    for file in files:
        forecast.take(*file, took_s=(2_048 + 100) * 1e-6, characters=100)
    assert forecast.left_s == pytest.approx(1.0, rel=0.01)


def simulate(sizes: Sequence[tuple[bytes, int]], *, seed: int) -> list[tuple[float, float]]:
    """The clock, and what is said to be left, after every step of an ingest of some files, the
    small ones first; of its last file the clock alone tells.
    """
    chance = random.Random(seed)
    density = {b".md": 1.0, b".html": 0.4, b".pdf": 0.05, b".bin": 0.0}
    slowness = {b".md": 1.0, b".html": 2.0, b".pdf": 0.3, b".bin": 0.01}
    forecast = Forecast(sizes)
    clock = busy_s = encoded = waiting = 0.0
    told = []

    def encode(characters: float) -> None:
        nonlocal clock, busy_s, encoded, waiting
        took_s = characters / 60_000 * chance.uniform(0.8, 1.2)
        clock, busy_s = clock + took_s, busy_s + took_s
        encoded, waiting = encoded + characters, waiting - characters

    for path, size in sorted(sizes, key=lambda file: file[1]):
        kind = path[path.rindex(b".") :]
        took_s = (0.004 + 2e-6 * size * slowness[kind]) * chance.lognormvariate(0, 0.3)
        characters = int(size * density[kind] * chance.uniform(0.7, 1.3))
        clock, waiting = clock + took_s, waiting + characters
        forecast.take(path, size, took_s=took_s, characters=characters)
        if waiting > 8_000 and busy_s < 0.05 * clock:  # the sample
            encode(min(waiting, 60_000))
        encoding = Encoding(encoded, busy_s, waiting + forecast.characters_left)
        told.append((clock, left_s(forecast.left_s, encoding, side_by_side=False)))
    while waiting > 0:
        encode(min(waiting, 60_000))
        told.append((clock, left_s(0.0, Encoding(encoded, busy_s, waiting), side_by_side=False)))
    return told


@pytest.mark.parametrize("seed", range(8))
def test_it_is_right_within_30_percent_from_the_first_tenth_on_with_sizes_and_kinds_mixed(
    seed: int,
) -> None:
    """Three thousand files from a few bytes to some MB, a few changelogs of 3 MB, and kinds of which
    the large files give little text.
    """
    chance = random.Random(seed)
    usual = {b"md": 8.5, b"html": 8.5, b"pdf": 12.5, b"bin": 13.0}  # logarithms of sizes
    kinds = chance.choices(list(usual), [60, 20, 10, 10], k=3_000)
    sizes = [
        (b"/%d.%s" % (i, kind), int(chance.lognormvariate(usual[kind], 1.2)))
        for i, kind in enumerate(kinds)
    ]
    sizes += [(b"/CHANGES-%d.md" % i, 3_000_000) for i in range(6)]
    told = simulate(sizes, seed=seed)
    end = told[-1][0]
    wrong = [
        (clock / end, left / (end - clock))
        for clock, left in told
        if 0.1 < clock / end < 0.98 and not 0.7 < left / (end - clock) < 1.3
    ]
    assert wrong == []


def test_the_pace_is_that_of_the_later_half() -> None:
    pace = Pace()
    for busy_s, done in ((4.0, 40.0), (6.0, 140.0), (8.0, 240.0)):  # ten a second, then fifty
        pace.note(busy_s, done)
    assert pace.lately(9.0, 290.0) == (5.0, 250.0)
    assert Pace().lately(2.0, 30.0) == (2.0, 30.0)
