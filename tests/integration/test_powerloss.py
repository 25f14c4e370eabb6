"""The simulator of power cuts: it cuts what it says, finds losses where syncs are left out, and
none in a corpus as we write it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import chain, product
from pathlib import Path

import pytest

from tests.torture import powerloss
from tests.torture.powerloss import (
    DATABASE,
    LOG,
    Committed,
    Create,
    Delete,
    Operation,
    Outcome,
    Policy,
    Sync,
    Trace,
    Truncate,
    Write,
)

A, B = b"a" * 512, b"b" * 512


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Trace:
    """A record of a corpus as we write it."""
    return powerloss.record(
        tmp_path_factory.mktemp("record") / "corpus", seed=3, rounds=powerloss.ROUNDS
    )


@pytest.fixture
def folder() -> Iterator[Path]:
    """A fresh folder that is no corpus's, as what is in it need not be sound."""
    with powerloss.scratch() as made:
        yield made / "cut"


def left(
    operations: Sequence[Operation], policy: Policy, folder: Path, seed: int = 0
) -> dict[str, bytes]:
    """The files after a cut behind the operations."""
    powerloss.cut(
        Trace("FULL", 0, list(operations)), len(operations), policy, random.Random(seed), folder
    )
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "lock"}


def test_what_was_synced_stays(folder: Path) -> None:
    operations: list[Operation] = [
        Create("x"),
        Write("x", 0, A),
        Write("x", 512, B),
        Sync("x", is_with_folder=True),
    ]
    assert left(operations, Policy.LOST, folder) == {"x": A + B}


def test_a_file_whose_folder_was_not_synced_may_be_missing(folder: Path) -> None:
    assert (
        left([Create("x"), Write("x", 0, A), Sync("x", is_with_folder=False)], Policy.LOST, folder)
        == {}
    )


def test_a_deleted_file_may_come_back_as_it_was(folder: Path) -> None:
    operations: list[Operation] = [
        Create("x"),
        Write("x", 0, A),
        Sync("x", is_with_folder=True),
        Delete("x", is_with_folder=False),
        Create("x"),
    ]
    assert left(operations, Policy.LOST, folder) == {"x": A}


def test_all_may_have_reached_the_disk(folder: Path) -> None:
    operations: list[Operation] = [
        Create("x"),
        Write("x", 0, A + B),
        Truncate("x", 600),
        Write("x", 1024, B),
    ]
    assert left(operations, Policy.KEPT, folder) == {"x": A + B[:88] + bytes(424) + B}


def test_sectors_are_lost_one_by_one(folder: Path) -> None:
    operations: list[Operation] = [
        Create("x"),
        Sync("x", is_with_folder=True),
        Write("x", 256, A + A),
    ]
    folder.mkdir()
    found = {left(operations, Policy.RANDOM, folder / f"{seed}", seed)["x"] for seed in range(60)}
    kept = {tuple(content[at : at + 1] == b"a" for at in (256, 512, 1024)) for content in found}
    assert kept == set(product((True, False), repeat=3))


def test_a_torn_write_has_a_sector_of_garbage_and_harms_nothing_beside_it(folder: Path) -> None:
    synced: list[Operation] = [Create("x"), Write("x", 0, B + B), Sync("x", is_with_folder=True)]
    (content,) = left([*synced, Write("x", 256, A)], Policy.GARBAGE, folder).values()
    assert (content[:256], content[768:]) == (B[:256], B[:256])
    assert set(content[256:768]) - set(b"ab")


@pytest.mark.slow
def test_the_real_writer_is_recorded_with_its_syncs_and_checkpoints(trace: Trace) -> None:
    writes = [operation for operation in trace.operations if isinstance(operation, Write)]
    assert len({write.offset for write in writes if write.name == DATABASE}) > 20
    assert (
        len([write for write in writes if write.name == LOG and write.offset == 0]) > 2
    )  # the log was begun again
    assert any(
        isinstance(operation, Delete) and operation.name == LOG for operation in trace.operations
    )
    assert trace.states[-1].generation >= powerloss.ROUNDS
    assert len(trace.states[-1].documents) > 20
    documents = chain.from_iterable(state.documents for state in trace.states)
    assert {digest is None for _, _, digest in documents} == {True, False}
    labels = chain.from_iterable(state.labels for state in trace.states)
    assert {origin for _, _, origin, _ in labels} == {"hand", "classifier"}


@pytest.mark.slow
def test_every_commit_is_synced_before_it_is_acknowledged(trace: Trace) -> None:
    is_log_synced = True
    for operation in trace.operations:
        if isinstance(operation, Write | Sync) and operation.name == LOG:
            is_log_synced = isinstance(operation, Sync)
        assert is_log_synced or not isinstance(operation, Committed)


@pytest.mark.slow
def test_a_power_cut_loses_no_acknowledged_commit() -> None:
    assert powerloss.sweep(60, seed=1).outcomes == {Outcome.SOUND: 60}


@pytest.mark.slow
def test_without_syncs_a_power_cut_loses_commits_and_damages_the_corpus() -> None:
    outcomes = powerloss.sweep(50, synchronous="OFF").outcomes
    assert outcomes[Outcome.LOST]
    assert outcomes[Outcome.DAMAGED] + outcomes[Outcome.UNREADABLE]


@pytest.mark.slow
def test_with_syncs_at_checkpoints_alone_a_power_cut_loses_commits() -> None:
    assert powerloss.sweep(50, synchronous="NORMAL").outcomes[Outcome.LOST]


@pytest.mark.slow
def test_a_power_cut_before_the_first_commit_leaves_a_blank_corpus(
    trace: Trace, folder: Path
) -> None:
    folder.mkdir()
    first = next(
        place
        for place, operation in enumerate(trace.operations)
        if isinstance(operation, Committed)
    )
    cuts = [(point, policy) for point in range(min(first, 20)) for policy in Policy]
    outcomes = {cut: powerloss.one(trace, *cut, folder / "cut") for cut in cuts}
    assert {
        cut: outcome for cut, outcome in outcomes.items() if outcome[0] is not Outcome.SOUND
    } == {}
