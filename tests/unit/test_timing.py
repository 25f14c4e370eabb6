"""Stages within stages, and that their sum is the whole."""

from __future__ import annotations

import time

import pytest

from searchapp.timing import Stopwatch


def test_a_stage_within_another_interrupts_it() -> None:
    watch = Stopwatch()
    begin = time.perf_counter()
    with watch.stage("outer"):
        time.sleep(0.02)
        with watch.stage("inner"):
            time.sleep(0.05)
        with watch.stage("inner"):
            time.sleep(0.05)
        time.sleep(0.02)
    took_s = time.perf_counter() - begin
    assert list(watch.taken_s) == ["outer", "inner"]
    assert sum(watch.taken_s.values()) == pytest.approx(took_s, abs=0.005)
    assert watch.taken_s["inner"] >= 0.1
    assert watch.taken_s["outer"] == pytest.approx(took_s - watch.taken_s["inner"], abs=0.005)


def test_time_between_stages_is_nobodys_and_an_error_ends_its_stage() -> None:
    watch = Stopwatch()
    with pytest.raises(KeyError), watch.stage("broken"):
        raise KeyError
    time.sleep(0.05)
    with watch.stage("next"):
        pass
    assert watch.taken_s["broken"] + watch.taken_s["next"] < 0.05
