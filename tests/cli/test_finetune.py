"""`searchapp tune` as one uses it: words, exit codes, what is said where, and what is left after
SIGTERM and kill -9.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from searchapp.finetuning.held_out import Score
from searchapp.finetuning.pipeline import TuningResult
from searchapp.finetuning.trainer import TrainingConfig, TrainingStep
from searchapp.output import finetuning
from searchapp.types.results import Comparison, Evaluation
from tests.builders.program import ProgramInside, error_of
from tests.unit.finetuning.test_pipeline import judged, other_words, things, tiny

__all__ = ["things", "tiny"]  # fixtures
pytestmark = pytest.mark.filterwarnings("ignore")  # of torch's libraries, in the test's process

FILES = ("judged.csv", "--held-out", "held-out.csv")
ENOUGH = ("--epochs", "25", "--batch", "16", "--rate", "2e-3")
LONG = (*FILES, "--epochs", "60", "--rate", "1e-4", "--force")  # some hundred steps, of seconds
EVALUATION = Evaluation("c", "cosine", 45, 0.25, 1.0, 0.2, 1.0, 2.0, {}, {})
TUNED = TuningResult(
    output=Path("/models/our own"),
    base="default",
    kind="judgements",
    training_config=TrainingConfig(),
    training_pairs=105,
    learned=105,
    held_out=45,
    dropped=2,
    familiar=0,
    before=Score(0.1, EVALUATION),
    after=Score(0.9, EVALUATION._replace(ndcg_at_10=0.95, mrr_at_10=0.92)),
    comparison=Comparison("cosine", "cosine", 0.7, 0.0001, 45),
    is_better=True,
    is_in_place=True,
)


# ---- what is said --------------------------------------------------------------------------------


def test_figures_stand_below_each_other_and_the_next_command_can_be_copied() -> None:
    assert finetuning.tuned_text(TUNED).splitlines() == [
        "105 questions learned, 45 held out and asked in mode cosine",
        "            hits@1   nDCG@10    MRR@10         p",
        "before      0.1000    0.2500    0.2000",
        "after       0.9000    0.9500    0.9200",
        "change     +0.8000   +0.7000   +0.7200    0.0001",
        "",
        "better beyond chance (p below .05): /models/our own",
        "next: searchapp model use '/models/our own'",
        (
            "Learned from 105 pairs, of judgements. None holds a question held out, or nearly one "
            "(2 "
            "questions left out for that), or"
        ),
        "an answer to one. p: two-sided, paired, over nDCG@10.",
    ]
    told = finetuning.tuned_text(replace(TUNED, dropped=0, familiar=7)).splitlines()[8:]
    assert " ".join(told).startswith(
        "Learned from 105 pairs, of judgements. None holds a question held out, or nearly one; 7 "
        "of those held out have answers that were "
        "learned from, with other questions. p:"
    )


def test_the_next_command_is_not_told_where_it_comes_of_itself() -> None:
    assert "next:" not in finetuning.tuned_text(TUNED, used=True)


def test_what_is_not_better_is_said_so_with_the_way_out() -> None:
    worse = replace(
        TUNED, is_better=False, is_in_place=False, kept=Path("/models/our own.tuning/model")
    )
    assert finetuning.tuned_text(worse).splitlines()[6:8] == [
        "not better beyond chance (p below .05): not put in place",
        (
            "it is kept at /models/our own.tuning/model; --force puts it in place without training "
            "again"
        ),
    ]
    forced = replace(worse, is_in_place=True, kept=None)
    assert (
        finetuning.tuned_text(forced).splitlines()[6]
        == "not better beyond chance (p below .05); put in place anyway: /models/our own"
    )


def test_a_step_is_told_with_what_is_left_once_that_can_be_known() -> None:
    step = TrainingStep(done=40, total=1200, done_here=2, pairs_per_s=12.34, left_s=61, loss=0.5)
    assert finetuning.step_text(step) == "step 40/1,200, 12.3 pairs/s, loss 0.500"
    assert (
        finetuning.step_text(replace(step, done_here=3))
        == "step 40/1,200, 12.3 pairs/s, loss 0.500, about 1 min 1 s left"
    )


def test_figures_for_programs_have_the_same_keys_before_and_after() -> None:
    found = finetuning.tuned_json(TUNED)
    assert found["before"] == {
        "mode": "cosine",
        "hits@1": 0.1,
        "ndcg@10": 0.25,
        "mrr@10": 0.2,
        "recall@100": 1.0,
    }
    assert found["after"] == {
        "mode": "cosine",
        "hits@1": 0.9,
        "ndcg@10": 0.95,
        "mrr@10": 0.92,
        "recall@100": 1.0,
    }
    assert (found["p"], found["is_better"], found["is_in_place"], found["kept"]) == (
        0.0001,
        True,
        True,
        None,
    )
    assert json.loads(json.dumps(found))["recipe"]["seed"] == 0


@pytest.fixture
def program(tmp_path: Path, model_cache: Path) -> ProgramInside:
    """An empty folder. What trains loads sentence-transformers, which takes ten seconds."""
    return ProgramInside(tmp_path, model_cache)


# ---- words ---------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_model_needs_a_place(program: ProgramInside) -> None:
    done = program.run("tune", "judged.csv", "--json")
    assert done.returncode == 2
    assert "--out" in error_of(done)["message"]


@pytest.mark.slow
def test_a_corpus_cannot_be_tuned_with_another_model(program: ProgramInside) -> None:
    (program.folder / "judged.csv").write_text("question,path\na,b\n", encoding="utf-8")
    for words in (("judged.csv",), ()):
        done = program.run("tune", *words, "--out", "model", "--model", "default", "--json")
        assert done.returncode == 2
        assert "leave --model out" in error_of(done)["message"]


@pytest.mark.slow
def test_pairs_are_about_no_corpus_that_could_use_the_model(program: ProgramInside) -> None:
    (program.folder / "pairs.csv").write_text("question,text\na,b\n", encoding="utf-8")
    done = program.run("tune", "pairs.csv", "--out", "model", "--use", "--json")
    assert done.returncode == 2
    assert "leave --use out" in error_of(done)["message"]


@pytest.mark.slow
def test_a_file_that_is_no_table_of_questions_is_an_error(program: ProgramInside) -> None:
    (program.folder / "table.csv").write_text("name,age\na,3\n", encoding="utf-8")
    done = program.run("tune", "table.csv", "--out", "model", "--json")
    assert done.returncode == 4
    assert error_of(done)["code"] == "collection"
    assert "question and text" in error_of(done)["hint"]


# ---- runs ----------------------------------------------------------------------------------------


@pytest.fixture
def filled(things: Path, program: ProgramInside) -> ProgramInside:
    """The program in a folder with a corpus made by a tiny model, and judgements about it."""
    (program.folder / "docs").symlink_to(things / "docs")
    shutil.copytree(things / "corpus", program.folder / "corpus")
    judged(program.folder)
    other_words(program.folder)
    return replace(program, extra={"SEARCHAPP_CORPUS": str(program.folder / "corpus")})


@pytest.mark.model
def test_a_better_model_is_put_in_place_and_can_be_used(filled: ProgramInside) -> None:
    done = filled.run("tune", *FILES, *ENOUGH, "--out", "model")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "120 questions learned, 30 held out and asked in mode cosine"
    assert [line.split()[0] for line in lines[1:5]] == ["hits@1", "before", "after", "change"]
    assert lines[6:8] == [
        f"better beyond chance (p below .05): {filled.folder}/model",
        f"next: searchapp model use {filled.folder}/model",
    ]
    phases = [
        "gathering what there is to learn",
        "asking the held-out questions as it is now",
        "training; Ctrl-C stops it, and the same command goes on from there",
        "asking the held-out questions again, with all embedded by the tuned model",
    ]
    assert [line for line in done.stderr.splitlines() if line in phases] == phases
    assert filled.run("model", "verify", "model").returncode == 0
    used = filled.json("model", "use", "model")
    assert (used["is_in_place"], used["embedded"]) == (True, 30)
    asked = filled.run("query", "what is name7", "--paths", "-k", "1")
    assert asked.stdout.strip() == str((filled.folder / "docs").resolve() / "thing7.txt")


@pytest.mark.model
def test_a_model_is_used_at_once_where_that_is_asked_for(filled: ProgramInside) -> None:
    found = filled.json("tune", *FILES, "--epochs", "1", "--force", "--out", "model", "--use")
    assert (found["is_in_place"], found["kept"]) == (True, None)
    assert (found["use"]["is_in_place"], found["use"]["embedded"], found["use"]["model"]) == (
        True,
        30,
        f"{filled.folder}/model",
    )
    assert filled.json("status")["encoder"]["model"] == f"{filled.folder}/model"


@pytest.mark.model
def test_a_model_that_is_not_better_is_exit_code_1_and_kept_aside(filled: ProgramInside) -> None:
    done = filled.run("tune", *FILES, "--out", "model", "--epochs", "1", "--rate", "1e-9", "--json")
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)
    assert (found["is_better"], found["is_in_place"], found["kept"]) == (
        False,
        False,
        f"{filled.folder}/model.tuning/model",
    )
    assert found["questions"] == {"learned": 120, "held_out": 30, "dropped": 0, "familiar": 30}
    assert not (filled.folder / "model").exists()


@pytest.mark.model
def test_what_is_stopped_and_killed_goes_on_by_the_same_command_as_if_nothing_had_been(
    filled: ProgramInside,
) -> None:
    with begun(filled) as running:
        running.send_signal(signal.SIGTERM)  # Ctrl-C is handled with it, as test_console shows
        out, told = running.communicate(timeout=60)
    assert running.returncode == 130
    assert out == "stopped; run the same command again to go on\n"
    assert "Traceback" not in told
    assert [path.name for path in filled.folder.glob("model*")] == ["model.tuning"]
    with begun(filled) as running:
        running.kill()
        running.communicate(timeout=60)
    done = filled.run("tune", *LONG, "--out", "model")
    assert done.returncode == 0, done.stderr
    assert "training goes on where it was stopped" in done.stderr
    assert filled.run("tune", *LONG, "--out", "whole").returncode == 0
    parts, whole = (
        load_file(filled.folder / name / "model.safetensors") for name in ("model", "whole")
    )
    assert all(abs(whole[name] - parts[name]).max() < 1e-5 for name in whole)
    assert not list(filled.folder.glob("*.tuning"))


@contextmanager
def begun(filled: ProgramInside) -> Iterator[subprocess.Popen[str]]:
    """The long tuning, once it has stored a checkpoint of its own."""
    checkpoint = filled.folder / "model.tuning" / "checkpoint.safetensors"
    earlier = checkpoint.stat().st_mtime_ns if checkpoint.exists() else None
    running = filled.start("tune", *LONG, "--out", "model")
    try:
        while not checkpoint.exists() or checkpoint.stat().st_mtime_ns == earlier:
            assert running.poll() is None, running.communicate()
            time.sleep(0.05)
        yield running
    finally:
        running.kill()
        running.communicate()
