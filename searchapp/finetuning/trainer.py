"""Training a model on pairs of question and text, by sentence-transformers' trainer; the other
texts of a batch are the wrong answers.

The only owner of sentence-transformers. A run is a plan of batches, made before the first step, and
what a step does follows from the weights, the optimiser's moments and the step's number alone:
dropout is seeded by it. So a run that was interrupted ends with the weights of one that was not.
Knows nothing of corpora, nor how good the model has become.
"""

from __future__ import annotations

import io
import json
import logging
import shutil
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from searchapp.errors import EncoderError, TuningError, UsageError
from searchapp.filesystem import atomic_write
from searchapp.finetuning.checkpoint import (
    ACCOUNT,
    CHECKPOINT,
    FORMAT,
    MODEL,
    Checkpoint,
    is_trained,
    read_checkpoint,
    steps_done,
    write_checkpoint,
)

if TYPE_CHECKING:
    from searchapp.encoders.model_folder import ModelFolder
    from searchapp.finetuning.training_pairs import TrainingPair
    from searchapp.types.vectors import Device

CHECKPOINT_S = 5.0  # between checkpoints at least
CHECKPOINT_SHARE = 0.03  # of the time, that they may take
COPIES = 7  # of the weights, for which a run needs room: two checkpoints of three, and the model


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """How a model is trained."""

    epochs: int = 8
    batch: int = 32  # pairs; each question is told from as many texts
    rate: float = 2e-4  # the highest learning rate, after the warm-up
    warm_up: float = 0.1  # of all steps; from there on the rate falls evenly to 0
    scale: float = 20.0  # of the cosines in the loss
    seed: int = 0


@dataclass(frozen=True, slots=True)
class TrainingStep:
    """How far the training is."""

    done: int
    total: int
    done_here: int  # by this call
    pairs_per_s: float
    left_s: float
    loss: float  # of this step


def require_training() -> None:
    """Raises UsageError where the libraries that training takes are not installed."""
    from importlib.util import find_spec

    if missing := [
        name
        for name in ("sentence_transformers", "accelerate", "datasets")
        if find_spec(name) is None
    ]:
        raise UsageError(
            f"tuning takes {missing[0]}, which is not installed",
            hint="pip install 'searchapp[tune]'",
        )


def train(
    base: ModelFolder,
    training_pairs: Sequence[TrainingPair],
    training_config: TrainingConfig,
    work: Path,
    *,
    key: str,
    device: Device = "auto",
    on_step: Callable[[TrainingStep], None] = lambda _: None,
    is_stopped: Callable[[], bool] = lambda: False,
) -> bool:
    """Put a model trained on the pairs in `work`/model, a sentence-transformers folder,
    whole or not at all.

    Returns False where it was stopped first. What is done stays, by a kill some seconds' work is
    lost, and the next call with the same `key`, which names all that decides the outcome, goes on
    from there. Raises EncoderError where the base model cannot be loaded, and TuningError where the
    folder cannot be written or the training comes to nothing.
    """
    if is_trained(work, key):
        return True
    run = _TrainingRun(base, training_pairs, training_config, work / CHECKPOINT, key, device)
    try:
        run.restore()
        run.advance(on_step, is_stopped)
        if run.done < len(run.plan):
            return False
        run.save(work / MODEL)
    except OSError as error:
        message = f"cannot write {work}: {error.strerror or error}"
        raise TuningError(
            message, hint="make room, or choose another place with --out; run again to go on"
        ) from error
    return True


def plan(
    training_pairs: Sequence[TrainingPair], training_config: TrainingConfig
) -> list[list[int]]:
    """The batches of all epochs, as positions: in each, no question and no text twice, since one's
    answer would be another's wrong one.
    """
    import torch
    from datasets import Dataset
    from sentence_transformers.base.sampler import NoDuplicatesBatchSampler

    pairs = Dataset.from_list(
        [{"question": pair.question, "text": pair.text} for pair in training_pairs]
    )
    sampler = NoDuplicatesBatchSampler(
        pairs,
        training_config.batch,
        drop_last=False,
        generator=torch.Generator(),
        seed=training_config.seed,
    )
    batches = []
    for epoch in range(training_config.epochs):
        sampler.set_epoch(epoch)
        batches += [
            batch for batch in sampler if len(batch) > 1
        ]  # one alone has no wrong answer to be told from
    return batches


def rate_at(step: int, total: int, warm_up: float) -> float:
    """The part of the highest learning rate that a step is taken with: up to 1 in the warm-up, then
    evenly down to 0.
    """
    rise = max(1, round(total * warm_up))
    return (step + 1) / rise if step < rise else max(0.0, (total - step) / max(1, total - rise))


class _TrainingRun:
    """A model on its way; `done` of the plan's batches are behind it."""

    def __init__(
        self,
        base: ModelFolder,
        training_pairs: Sequence[TrainingPair],
        training_config: TrainingConfig,
        checkpoint: Path,
        key: str,
        device: Device,
    ) -> None:
        import torch

        self.checkpoint, self.key, self.training_config = checkpoint, key, training_config
        self.done = 0
        with _quiet():
            from datasets import Dataset, disable_progress_bars

            disable_progress_bars()
            self.model = _loaded(base, device)
            questions = [base.query_prompt + pair.question for pair in training_pairs]
            texts = [base.document_prompt + pair.text for pair in training_pairs]
            self.pairs = Dataset.from_dict({"question": questions, "text": texts})
            self.plan = plan(training_pairs, training_config)
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=training_config.rate, weight_decay=0.0
        )

    # -- training

    def advance(
        self, on_step: Callable[[TrainingStep], None], is_stopped: Callable[[], bool]
    ) -> None:
        """Do the steps that are left, or those until it is to stop."""
        if self.done == len(self.plan) or is_stopped():
            return
        begun = self.done
        with _silenced():
            trainer = _trainer(self, on_step, is_stopped)
            trainer.train()
        if self.done > begun:
            self.store()

    # -- what survives

    def store(self) -> None:
        """Write the checkpoint in place of the one before."""
        checkpoint = Checkpoint(self.model.state_dict(), self.optimizer.state_dict()["state"])
        write_checkpoint(self.checkpoint, checkpoint, key=self.key, step=self.done)

    def restore(self) -> None:
        """Go on from the checkpoint, where there is one of this run; another's is of no use."""
        done = steps_done(self.checkpoint.parent, self.key)
        checkpoint = read_checkpoint(self.checkpoint) if done else None
        if checkpoint is None:
            return  # from the beginning
        self.model.load_state_dict(checkpoint.weights)
        self.optimizer.load_state_dict(
            {
                "state": checkpoint.moments,
                "param_groups": self.optimizer.state_dict()["param_groups"],
            }
        )
        self.done = done

    def save(self, folder: Path) -> None:
        """Write the model, whole, with the key of its run."""
        import torch

        if not all(bool(torch.isfinite(value).all()) for value in self.model.state_dict().values()):
            raise TuningError(
                "the training came to nothing: the weights are no longer numbers",
                hint="choose a lower --rate",
            )
        fresh = folder.with_name(f"{folder.name}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        with _quiet():
            self.model.save_pretrained(str(fresh), create_model_card=False, safe_serialization=True)
        (fresh / ACCOUNT).write_text(
            json.dumps({"format": FORMAT, "key": self.key}), encoding="utf-8"
        )
        for path in (*fresh.rglob("*"), fresh):
            atomic_write.sync(path)
        shutil.rmtree(folder, ignore_errors=True)
        fresh.rename(folder)
        atomic_write.sync(folder.parent)
        self.checkpoint.unlink(missing_ok=True)


# ---- sentence-transformers -----------------------------------------------------------------------


def _loaded(base: ModelFolder, device: Device) -> Any:  # a SentenceTransformer; untyped
    """The base model as searchapp runs it, put together from what its folder says."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer

    own = {"local_files_only": True, "trust_remote_code": False}
    try:
        transformer = Transformer(
            str(base.path),
            model_kwargs={**own, "use_safetensors": True, "dtype": torch.float32},
            processor_kwargs=own,
            config_kwargs=own,
            max_seq_length=base.max_length,
            do_lower_case=base.is_lowercased,
        )
    except (OSError, ValueError, RuntimeError, KeyError, ImportError) as error:
        raise EncoderError(
            f"The model in {base.path} cannot be loaded: {error}", hint="Use a whole copy of it."
        ) from error
    pooling = Pooling(transformer.get_embedding_dimension(), base.pooling)
    prompts = {
        name: prompt
        for name, prompt in (("query", base.query_prompt), ("document", base.document_prompt))
        if prompt
    }
    place = "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"
    return SentenceTransformer(
        modules=[transformer, pooling, Normalize()],
        device=place,
        prompts=prompts or None,
        local_files_only=True,
    )


def _trainer(
    run: _TrainingRun, on_step: Callable[[TrainingStep], None], is_stopped: Callable[[], bool]
) -> Any:
    """A trainer for the rest of the plan."""
    from sentence_transformers import (
        SentenceTransformerTrainer,
        SentenceTransformerTrainingArguments,
    )
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
    from torch.optim.lr_scheduler import LambdaLR
    from transformers import PrinterCallback

    class Trainer(SentenceTransformerTrainer):  # type: ignore[misc]  # untyped
        def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
            """No model card, which would ask the hub."""

        def compute_loss(self, *arguments: Any, **named: Any) -> Any:
            loss = super().compute_loss(*arguments, **named)
            self.last_loss = loss.detach()
            return loss

    begun, total = run.done, len(run.plan)
    arguments = SentenceTransformerTrainingArguments(
        output_dir=str(run.checkpoint.parent),
        max_steps=total - begun,
        per_device_train_batch_size=run.training_config.batch,
        batch_sampler=_sampler_of(run.plan[begun:]),
        use_cpu=run.model.device.type == "cpu",
        dataloader_pin_memory=run.model.device.type != "cpu",
        seed=run.training_config.seed,
        save_strategy="no",
        logging_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )
    trainer = Trainer(
        model=run.model,
        args=arguments,
        train_dataset=run.pairs,
        loss=MultipleNegativesRankingLoss(run.model, scale=run.training_config.scale),
        callbacks=[_watch(run, on_step, is_stopped, loss=lambda: float(trainer.last_loss))],
        optimizers=(
            run.optimizer,
            LambdaLR(
                run.optimizer,
                lambda step: rate_at(begun + step, total, run.training_config.warm_up),
            ),
        ),
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def _sampler_of(batches: Sequence[Sequence[int]]) -> Callable[..., Any]:
    """What the trainer takes its batches from: these, in order."""
    from sentence_transformers.base.sampler import DefaultBatchSampler

    class Planned(DefaultBatchSampler):  # type: ignore[misc]  # untyped
        def __iter__(self) -> Iterator[list[int]]:
            return iter([list(batch) for batch in batches])

        def __len__(self) -> int:
            return len(batches)

    return Planned


def _watch(
    run: _TrainingRun,
    on_step: Callable[[TrainingStep], None],
    is_stopped: Callable[[], bool],
    *,
    loss: Callable[[], float],
) -> Any:
    """The callback that seeds each step, tells of it, stores checkpoints and stops."""
    import torch
    from transformers import TrainerCallback

    begun, begin_s = run.done, time.monotonic()
    sizes = [len(batch) for batch in run.plan]
    due_s = begin_s  # the first at once: a full disk is told before hours have gone by

    class Watch(TrainerCallback):  # type: ignore[misc]  # untyped
        def on_step_begin(self, *_: Any, **__: Any) -> None:
            torch.manual_seed(run.training_config.seed * 1_000_003 + run.done)

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002 - the trainer's names
            nonlocal due_s
            run.done += 1
            now = time.monotonic()
            rate = sum(sizes[begun : run.done]) / max(now - begin_s, 1e-3)
            on_step(
                TrainingStep(
                    run.done,
                    len(sizes),
                    run.done - begun,
                    rate,
                    sum(sizes[run.done :]) / rate,
                    loss(),
                )
            )
            control.should_training_stop |= is_stopped()
            if now >= due_s:
                run.store()
                stored_s = time.monotonic()
                due_s = stored_s + max(CHECKPOINT_S, (stored_s - now) / CHECKPOINT_SHARE)

    return Watch()


@contextmanager
def _silenced() -> Iterator[None]:
    """Silence what the libraries log and warn of; what is written to stderr is seen."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the libraries altogether, bars included."""
    with _silenced(), redirect_stderr(io.StringIO()), redirect_stdout(io.StringIO()):
        yield
