"""A model tuned to one's own questions, and whether that was worth it: taught some of them,
examined on others before and after.

    tune:  set task -> examine -> train -> examine -> compare -> put in place

A model is put in place only where it is better and chance alone seldom makes such a difference, or
where that is insisted on. What is being made is in a folder beside the place of the model, where
the same call goes on after an interruption.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from searchapp import __version__
from searchapp.config import is_url
from searchapp.encoders.loading import load_encoder
from searchapp.encoders.openvino_engine import entry_path
from searchapp.errors import TuningError, UnknownMode
from searchapp.evaluation.evaluator import compare
from searchapp.filesystem import atomic_write, work_files
from searchapp.finetuning import checkpoint, trainer
from searchapp.finetuning.held_out import Kind, Score, Task, build_task
from searchapp.finetuning.trainer import TrainingConfig, TrainingStep
from searchapp.humanize import human_bytes, pluralize
from searchapp.search.query_options import MODES

if TYPE_CHECKING:
    from searchapp.config import Settings
    from searchapp.encoders.model_folder import ModelFolder
    from searchapp.types.results import Comparison

Phase: TypeAlias = Literal[
    "gathering", "examining before", "training", "going on", "examining after"
]

SIGNIFICANT = 0.05  # the p below which a model that is better is put in place
LEAST_LEARNED = 16  # questions
LEAST_HELD_OUT = 6  # questions: of fewer, no difference has a p below .05
_LOCK = "run.lock"  # in the folder of a run
_RUN = ".tuning"  # behind the name of the model's place: what is being made


@dataclass(frozen=True, slots=True)
class TuningResult:
    """What came of a tuning; without scores it was stopped in training."""

    output: Path
    base: str  # the model's name
    kind: Kind
    training_config: TrainingConfig
    training_pairs: int
    learned: int  # questions
    held_out: int
    dropped: int  # questions that were neither, being nearly the same as one held out
    familiar: int  # questions held out whose answers were learned from, too, with other questions
    before: Score | None = None
    after: Score | None = None
    comparison: Comparison | None = None
    is_better: bool = False
    is_in_place: bool = False
    kept: Path | None = None  # where the model is that was not put in place


@dataclass(frozen=True, slots=True)
class Callbacks:
    """Who hears of a tuning's progress, and says whether its training is to stop."""

    on_phase: Callable[[Phase], None] = lambda _: None
    on_step: Callable[[TrainingStep], None] = lambda _: None
    # texts done, of all, and the seconds taken
    on_embedding: Callable[[int, int, float], None] = lambda *_: None
    is_stopped: Callable[[], bool] = lambda: False


def tune(
    source: Path | None,
    output: Path,
    chosen: Settings,
    *,
    held_out: Path | None = None,
    mode: str | None = None,
    training_config: TrainingConfig = TrainingConfig(),  # noqa: B008 - frozen
    force: bool = False,
    callbacks: Callbacks = Callbacks(),
) -> TuningResult:
    """Tune a model to a source: judgements about the corpus, pairs of texts, or, without one, the
    corpus's own titles and headings.

    Three tenths of the questions are held out, with all their answers, or those of the file
    `held_out`, which is of judgements where there is no source. They are asked in a `mode`, by
    default the corpus's. Interrupted, the same call goes on where it was. Raises CollectionError
    for a file that cannot be read, TuningError where there is too little to learn from or no room
    for the model, CorpusMissing, CorpusEmpty, EncoderError and UsageError.
    """
    trainer.require_training()
    if mode is not None and mode not in MODES:
        raise UnknownMode(f"there is no mode {mode!r}", hint=f"modes: {', '.join(MODES)}")
    output = output.expanduser().absolute()
    _require_free(output)
    callbacks.on_phase("gathering")
    corpus = None if is_url(chosen.place) else chosen.folder
    with work_files.work_folder(Path(tempfile.gettempdir()), notes=corpus) as work:
        task = build_task(
            source,
            held_out,
            mode,
            chosen,
            seed=training_config.seed,
            work=work,
            on_embedding=callbacks.on_embedding,
        )
        _require_enough(task)
        with _run_folder(output) as folder:
            return _Tuning(task, output, folder, chosen, training_config, callbacks).run(
                force=force
            )


class _Tuning:
    """One run, in its folder."""

    def __init__(
        self,
        task: Task,
        output: Path,
        folder: Path,
        chosen: Settings,
        training_config: TrainingConfig,
        callbacks: Callbacks,
    ) -> None:
        self.task, self.folder, self.chosen, self.callbacks = task, folder, chosen, callbacks
        identifying = [
            task.base.fingerprint,
            asdict(training_config),
            [asdict(pair) for pair in task.training_pairs],
        ]
        self.key = hashlib.blake2b(json.dumps(identifying).encode(), digest_size=16).hexdigest()
        self.result = TuningResult(
            output=output,
            base=task.base.model,
            kind=task.kind,
            training_config=training_config,
            training_pairs=len(task.training_pairs),
            learned=len(task.split.learned),
            held_out=len(task.split.held_out),
            dropped=len(task.split.dropped),
            familiar=task.familiar,
        )

    def run(self, *, force: bool) -> TuningResult:
        """Examine, train, examine again, and put the model in place where it is better, or that is
        insisted on.
        """
        self.callbacks.on_phase("examining before")
        before = self.task.held_out_evaluation.evaluate_base()
        if not self.train():
            return self.result
        self.callbacks.on_phase("examining after")
        tuned = load_encoder(
            str(self.folder / checkpoint.MODEL), cache=self.chosen.cache, device=self.chosen.device
        )
        after = self.task.held_out_evaluation.evaluate_tuned(tuned)
        (comparison,) = compare([before.evaluation, after.evaluation])
        is_better = comparison.ndcg_at_10 > 0 and comparison.p < SIGNIFICANT
        result = replace(
            self.result, before=before, after=after, comparison=comparison, is_better=is_better
        )
        if is_better or force:
            self.put_in_place(result)
            return replace(result, is_in_place=True)
        with suppress(OSError):  # of a model that nobody may ever use
            shutil.rmtree(entry_path(tuned.identity.fingerprint, self.chosen.cache))
        return replace(result, kept=self.folder / checkpoint.MODEL)

    def train(self) -> bool:
        """Have the model trained, as far as it is not; False where that was stopped."""
        if checkpoint.is_trained(self.folder, self.key):  # perhaps killed before this was done
            (self.folder / checkpoint.CHECKPOINT).unlink(missing_ok=True)
        else:
            _require_room(self.folder, self.task.base)
            self.callbacks.on_phase(
                "going on" if checkpoint.steps_done(self.folder, self.key) else "training"
            )
        return trainer.train(
            self.task.base,
            self.task.training_pairs,
            self.result.training_config,
            self.folder,
            key=self.key,
            device=self.chosen.device,
            on_step=self.callbacks.on_step,
            is_stopped=self.callbacks.is_stopped,
        )

    def put_in_place(self, result: TuningResult) -> None:
        """Give the model its place, whole, with an account of how it came about."""
        model = self.folder / checkpoint.MODEL
        account = {"searchapp": __version__, "key": self.key, **account_of(result)}
        try:
            with atomic_write.replaced(model / checkpoint.ACCOUNT) as file:
                file.write(json.dumps(account, indent=2).encode())
            model.rename(result.output)
            atomic_write.sync(result.output.parent)
        except OSError as error:
            hint = "make room, or choose another place; run again: the training is done"
            raise TuningError(
                f"cannot write {result.output}: {error.strerror}", hint=hint
            ) from error


def account_of(result: TuningResult) -> dict[str, object]:
    """How a model came about and how it did, as JSON has it."""
    return {
        "base": result.base,
        "learned_from": result.kind,
        "lessons": result.training_pairs,
        "questions": {
            "learned": result.learned,
            "held_out": result.held_out,
            "dropped": result.dropped,
            "familiar": result.familiar,
        },
        "recipe": asdict(result.training_config),
        "before": result.before and _metrics(result.before),
        "after": result.after and _metrics(result.after),
        "p": result.comparison and round(result.comparison.p, 6),
        "is_better": result.is_better,
    }


def _metrics(score: Score) -> dict[str, object]:
    of = score.evaluation
    figures = {
        "hits@1": score.hits_at_1,
        "ndcg@10": of.ndcg_at_10,
        "mrr@10": of.mrr_at_10,
        "recall@100": of.recall_at_100,
    }
    return {"mode": of.mode, **{name: round(float(value), 6) for name, value in figures.items()}}


# ---- the folder of a run -------------------------------------------------------------------------


@contextmanager
def _run_folder(output: Path) -> Iterator[Path]:
    """The folder of a run, locked; it goes when it holds nothing to go on from."""
    folder = output.with_name(f"{output.name}{_RUN}")
    try:
        atomic_write.make_folder(folder)
        descriptor = os.open(
            folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
        )
    except OSError as error:
        raise TuningError(
            f"cannot write {folder}: {error.strerror}", hint="choose another place with --out"
        ) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise TuningError(
                f"another tuning is at work in {folder}", hint="wait for it to end, or stop it"
            ) from error
        yield folder
        if not checkpoint.is_progress(folder):
            shutil.rmtree(folder)
    finally:
        os.close(descriptor)


def _require_free(output: Path) -> None:
    if output.is_symlink() or (
        output.exists() and not (output.is_dir() and not any(output.iterdir()))
    ):
        raise TuningError(
            f"there is something at {output} already",
            hint="choose another place with --out, or move it away",
        )


def _require_enough(task: Task) -> None:
    for what, number, least in (
        ("to learn from", len({pair.question for pair in task.training_pairs}), LEAST_LEARNED),
        ("held out", len(task.split.held_out), LEAST_HELD_OUT),
    ):
        if number < least:
            hint = (
                "give more, or name those to hold out with --held-out; of themselves, "
                "questions with an answer in common stay together"
            )
            raise TuningError(
                f"too little to tune by: {pluralize(number, 'question')} {what}, "
                f"of {least} at least",
                hint=hint,
            )


def _require_room(folder: Path, base: ModelFolder) -> None:
    wanted = trainer.COPIES * sum((base.path / name).stat().st_size for name, _ in base.weights)
    free = shutil.disk_usage(folder).free
    if free < wanted:
        message = (
            f"tuning takes {human_bytes(wanted)} at {folder.parent}, where "
            f"{human_bytes(free)} are free"
        )
        raise TuningError(message, hint="make room, or choose another place with --out")
