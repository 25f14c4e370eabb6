"""Samples of what `make torture` does at length: readers beside a writer, documents with wounds,
writers killed at any moment.
"""

from __future__ import annotations

import random
from functools import partial
from pathlib import Path

import pytest

from tests.torture import changing, faults, kills, mutations, readers, tree

pytestmark = pytest.mark.slow


def test_no_reader_sees_half_a_document_or_meets_a_lock() -> None:
    seen = readers.run(240)
    assert seen.keys() == readers.FINE
    assert seen["generations read"] > 20  # the writer wrote meanwhile


def test_a_writer_that_commits_half_a_document_is_found_out() -> None:
    assert {"half a document", "half a document's vectors"} & readers.run(90, is_torn=True).keys()


def test_no_wounded_document_hangs_or_ends_the_readers() -> None:
    found = mutations.sweep(150, seed=1)
    assert found.defects == []
    assert found.files.total() == 150
    assert found.outcomes["document"] > 20  # some wounds are light
    assert found.outcomes["failed"] > 20


def test_a_file_of_which_nothing_is_said_is_a_defect() -> None:
    found = mutations.Sweep()
    found.note("x.pdf", [], 0.1)
    assert found.defects == ["x.pdf: nothing is said of it"]


def test_files_that_change_while_they_are_read_are_all_there_once_they_stay() -> None:
    seen = changing.run(3)
    assert (+seen).keys() <= changing.FINE
    assert seen["ingests"] == 3


def test_a_tree_of_many_files_is_accounted_for_and_told_of(tmp_path: Path) -> None:
    tree.make(tmp_path / "tree", 2_500, 50, prefix="", content=b"")
    first, second = (tree.ingested(tmp_path / "corpus", tmp_path / "tree") for _ in range(2))
    assert tree.defects(2_500, 50, first, second) == []
    assert first["reports"] > 0  # one in a while: how many depends on the machine


def test_a_writer_killed_at_any_moment_loses_nothing_that_was_acknowledged() -> None:
    if reason := faults.reason_against():
        pytest.skip(f"no faults can be injected: {reason}")
    rng = random.Random(7)
    with faults.stage() as made:
        outcomes = list(
            faults.at_once(
                [
                    partial(faults.killed, scene, rng.uniform(0, kills.LONGEST * scene.took_s))
                    for scene in rng.choices(made, k=16)
                ]
            )
        )
    assert [outcome for outcome in outcomes if outcome.defects] == []
    assert any(outcome.is_hit for outcome in outcomes)
