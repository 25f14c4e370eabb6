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
from searchapp.encoders.loading import load_encoder
from searchapp.encoders.openvino_engine import entry_path
from searchapp.errors import TuningError, UnknownMode
from searchapp.evaluation.evaluator import compare
from searchapp.filesystem import atomic_write
from searchapp.finetuning import trainer
from searchapp.finetuning.held_out import Kind, Score, Task, set_task
from searchapp.finetuning.trainer import Recipe, Step
from searchapp.humanize import human_bytes, pluralize
from searchapp.search.ranking import MODES

if TYPE_CHECKING:
    from searchapp.config import Settings
    from searchapp.encoders.model_folder import ModelFolder
    from searchapp.types.results import Comparison

Phase: TypeAlias = Literal[
    "gathering", "examining before", "training", "going on", "examining after"
]

SIGNIFICANT = 0.05  # the p below which a model that is better is put in place
LEAST_LEARNED, LEAST_HELD_OUT = (
    16,
    6,
)  # questions; of fewer than six held out, no difference has a p below .05
_RUN = ".tuning"  # behind the name of the model's place: what is being made


@dataclass(frozen=True, slots=True)
class Tuned:
    """What came of a tuning; without scores it was stopped in training."""

    output: Path
    base: str  # the model's name
    kind: Kind
    recipe: Recipe
    lessons: int
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
    on_step: Callable[[Step], None] = lambda _: None
    on_embedding: Callable[[int, int, float], None] = lambda *_: (
        None
    )  # texts done, of all, and the seconds taken
    is_stopped: Callable[[], bool] = lambda: False


def tune(
    source: Path | None,
    output: Path,
    chosen: Settings,
    *,
    held_out: Path | None = None,
    mode: str | None = None,
    recipe: Recipe = Recipe(),  # noqa: B008 - frozen
    is_forced: bool = False,
    callbacks: Callbacks = Callbacks(),
) -> Tuned:
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
    with tempfile.TemporaryDirectory(prefix="searchapp-tune-") as work:
        task = set_task(
            source,
            held_out,
            mode,
            chosen,
            seed=recipe.seed,
            work=Path(work),
            on_embedding=callbacks.on_embedding,
        )
        _require_enough(task)
        with _run_folder(output) as folder:
            return _Tuning(task, output, folder, chosen, recipe, callbacks).to_the_end(
                is_forced=is_forced
            )


class _Tuning:
    """One run, in its folder."""

    def __init__(
        self,
        task: Task,
        output: Path,
        folder: Path,
        chosen: Settings,
        recipe: Recipe,
        callbacks: Callbacks,
    ) -> None:
        self.task, self.folder, self.chosen, self.callbacks = task, folder, chosen, callbacks
        told = [task.base.fingerprint, asdict(recipe), [asdict(each) for each in task.lessons]]
        self.key = hashlib.blake2b(json.dumps(told).encode(), digest_size=16).hexdigest()
        self.told = Tuned(
            output=output,
            base=task.base.model,
            kind=task.kind,
            recipe=recipe,
            lessons=len(task.lessons),
            learned=len(task.parts.learned),
            held_out=len(task.parts.held_out),
            dropped=len(task.parts.dropped),
            familiar=task.familiar,
        )

    def to_the_end(self, *, is_forced: bool) -> Tuned:
        """Examine, train, examine again, and put the model in place where it is better, or that is
        insisted on.
        """
        self.callbacks.on_phase("examining before")
        before = self.task.exam.before()
        if not self.train():
            return self.told
        self.callbacks.on_phase("examining after")
        tuned = load_encoder(
            str(self.folder / trainer.MODEL), cache=self.chosen.cache, device=self.chosen.device
        )
        after = self.task.exam.after(tuned)
        (comparison,) = compare([before.evaluation, after.evaluation])
        is_better = comparison.ndcg_at_10 > 0 and comparison.p < SIGNIFICANT
        found = replace(
            self.told, before=before, after=after, comparison=comparison, is_better=is_better
        )
        if is_better or is_forced:
            self.put_in_place(found)
            return replace(found, is_in_place=True)
        with suppress(OSError):  # of a model that nobody may ever use
            shutil.rmtree(entry_path(tuned.identity.fingerprint, self.chosen.cache))
        return replace(found, kept=self.folder / trainer.MODEL)

    def train(self) -> bool:
        """Have the model trained, as far as it is not; False where that was stopped."""
        if not trainer.is_trained(self.folder, self.key):
            _require_room(self.folder, self.task.base)
            self.callbacks.on_phase(
                "going on" if trainer.steps_done(self.folder, self.key) else "training"
            )
        return trainer.train(
            self.task.base,
            self.task.lessons,
            self.told.recipe,
            self.folder,
            key=self.key,
            device=self.chosen.device,
            on_step=self.callbacks.on_step,
            is_stopped=self.callbacks.is_stopped,
        )

    def put_in_place(self, found: Tuned) -> None:
        """Give the model its place, whole, with an account of how it came about."""
        model = self.folder / trainer.MODEL
        account = {"searchapp": __version__, "key": self.key, **account_of(found)}
        try:
            with atomic_write.replaced(model / trainer.ACCOUNT) as file:
                file.write(json.dumps(account, indent=2).encode())
            model.rename(found.output)
            atomic_write.sync(found.output.parent)
        except OSError as error:
            hint = "make room, or choose another place; run again: the training is done"
            raise TuningError(
                f"cannot write {found.output}: {error.strerror}", hint=hint
            ) from error


def account_of(found: Tuned) -> dict[str, object]:
    """How a model came about and how it did, as JSON has it."""
    return {
        "base": found.base,
        "learned_from": found.kind,
        "lessons": found.lessons,
        "questions": {
            "learned": found.learned,
            "held_out": found.held_out,
            "dropped": found.dropped,
            "familiar": found.familiar,
        },
        "recipe": asdict(found.recipe),
        "before": found.before and _figures(found.before),
        "after": found.after and _figures(found.after),
        "p": found.comparison and round(found.comparison.p, 6),
        "is_better": found.is_better,
    }


def _figures(score: Score) -> dict[str, object]:
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
    """The folder of a run, locked; it goes when it holds nothing any more."""
    folder = output.with_name(f"{output.name}{_RUN}")
    try:
        atomic_write.make_folder(folder)
        descriptor = os.open(
            folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
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
        if {path.name for path in folder.iterdir()} == {"lock"}:
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
        ("to learn from", len({each.question for each in task.lessons}), LEAST_LEARNED),
        ("held out", len(task.parts.held_out), LEAST_HELD_OUT),
    ):
        if number < least:
            hint = (
                "give more, or name those to hold out with --held-out; of themselves, "
                "questions with an answer in common stay together"
            )
            raise TuningError(
                f"too little to tune by: {pluralize(number, 'question')} {what}, of {least} at least",
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
