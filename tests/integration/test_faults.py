"""The fault injector: that its faults hit, that it sees a lie, and that kills and a failing disk do
no harm, at a sample of calls.
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import pytest

from tests.torture import faults, victim
from tests.torture.faults import KILL, Fault, Outcome
from tests.torture.scenes import Scene

pytestmark = pytest.mark.slow

Stage = Sequence[tuple[Scene, Mapping[str, int]]]


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """The scenes, with how many calls each makes."""
    if reason := faults.reason_against():
        pytest.skip(f"no faults can be injected: {reason}")
    with faults.stage() as made:
        yield list(zip(made, faults.all_calls(made), strict=True))


def sample(stage: Stage, kinds: Sequence[str], count: int) -> list[tuple[Scene, Fault]]:
    """So many faults of the kinds: each scene and name of call in turn, at places spread over its
    calls.
    """
    chosen: list[tuple[Scene, Fault]] = []
    for turn in range(count):
        scene, counts = stage[turn % len(stage)]
        call = list(counts)[turn // len(stage) % len(counts)]
        number = 1 + (2 * turn + 1) * counts[call] // (2 * count)
        chosen.append((scene, Fault(call, number, kinds[turn % len(kinds)])))
    return chosen


def assert_harmless(outcomes: Sequence[Outcome]) -> None:
    assert [outcome for outcome in outcomes if outcome.defects] == []


def test_a_run_writes_syncs_renames_and_deletes(stage: Stage) -> None:
    for scene, counts in stage:
        assert counts["fdatasync"] > 5, scene.name
        if not scene.command:
            assert counts["pwrite64"] > 100
            assert {"write", "fsync", "ftruncate", "rename", "unlink"} <= counts.keys()


def test_every_kind_of_work_on_a_corpus_is_a_scene_and_labels_are_in_it(stage: Stage) -> None:
    commands = {scene.command: scene for scene, _ in stage}
    assert commands.keys() == {"", *victim.COMMANDS}
    assert commands["classify"].before != commands["classify"].after
    for name in ("", "classify", "use"):
        scene = commands[name]
        assert {origin for each in scene.after.values() for _, origin in each.labels} >= {"hand"}


def test_a_kill_at_any_call_loses_nothing_that_was_acknowledged(stage: Stage) -> None:
    outcomes = list(faults.run_all(sample(stage, [KILL], 15)))
    assert Counter(outcome.exit_code for outcome in outcomes) == {-signal.SIGKILL: 15}
    assert_harmless(outcomes)


def test_a_disk_that_fails_at_any_call_is_said_and_does_no_harm(stage: Stage) -> None:
    outcomes = list(faults.run_all(sample(stage, ["EIO", "ENOSPC", "ENOSPC+"], 15)))
    assert [outcome.is_hit for outcome in outcomes] == [True] * 15
    assert {outcome.exit_code for outcome in outcomes} <= {0, 4, 5}
    assert_harmless(outcomes)


def test_a_disk_that_fails_while_the_vectors_are_published_costs_no_more_than_a_note(
    stage: Stage,
) -> None:
    scene, counts = stage[0]
    numbers = range(counts["pwrite64"] * 9 // 10, counts["pwrite64"], 6)
    outcomes = list(
        faults.run_all([(scene, Fault("pwrite64", number, "ENOSPC")) for number in numbers])
    )
    assert {outcome.exit_code for outcome in outcomes} <= {0, 4}
    assert_harmless(outcomes)


def test_a_writer_that_acknowledges_before_it_commits_is_found_out(stage: Stage) -> None:
    scene, counts = stage[0]
    numbers = range(counts["pwrite64"] // 2, counts["pwrite64"] // 2 + 5)
    jobs = [(scene, Fault("pwrite64", number, KILL)) for number in numbers]
    outcomes = list(faults.run_all(jobs, is_hasty=True))
    assert "lost" in {kind for outcome in outcomes for kind, _ in outcome.defects}
    assert_harmless(list(faults.run_all(jobs)))


def test_a_fault_behind_the_last_call_is_a_miss_and_changes_nothing(stage: Stage) -> None:
    scene, counts = stage[0]
    (outcome,) = faults.run_all([(scene, Fault("rename", counts["rename"] + 1, KILL))])
    assert (outcome.is_hit, outcome.exit_code, outcome.defects) == (False, 0, [])
