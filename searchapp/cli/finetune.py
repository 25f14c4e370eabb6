"""The command that teaches a model one's own questions and words."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from searchapp import config
from searchapp.cli import console
from searchapp.cli.console import Exit
from searchapp.cli.options import DeviceOption, JsonOption, ModelOption
from searchapp.output.serialization import json_text

if TYPE_CHECKING:
    from typing import Unpack

    from searchapp.finetuning.pipeline import Phase, TuningResult
    from searchapp.finetuning.trainer import TrainingConfig

_LINES_S = 5.0  # between lines of progress where stderr is no terminal
_TOLD = {
    "gathering": "gathering what there is to learn",
    "examining before": "asking the held-out questions as it is now",
    "training": "training; Ctrl-C stops it, and the same command goes on from there",
    "going on": "training goes on where it was stopped",
    "examining after": "asking the held-out questions again, with all embedded by the tuned model",
}


SourceArgument = Annotated[
    Path | None,
    typer.Argument(
        metavar="[FILE]",
        help="What to learn: judgements about the corpus, a table (commas, semicolons or tabs) "
        "with the columns question, path and, if "
        "you like, grade, as `evaluate --corpus` takes it; or pairs of texts, with the columns "
        "question and text; or JSON lines with "
        "these keys. None: the titles and headings of the corpus.",
        show_default=False,
    ),
]
OutOption = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        metavar="DIR",
        help="Where to put the tuned model: a new folder.",
        show_default=False,
    ),
]
HeldOutOption = Annotated[
    Path | None,
    typer.Option(
        "--held-out",
        metavar="FILE",
        help="Questions to examine by, never learned from; of the form of FILE, or judgements. "
        "Default: three tenths of FILE's, with "
        "their answers.",
        show_default=False,
    ),
]
ForceOption = Annotated[
    bool, typer.Option("--force", help="Put the model in place even if it is not better.")
]
UseOption = Annotated[
    bool,
    typer.Option(
        "--use", help="Have the corpus use a model that is put in place, as `model use` does."
    ),
]
ModeOption = Annotated[
    str | None,
    typer.Option(
        "--mode",
        metavar="MODE",
        help="How to rank in the examination. Default: the corpus's, or cosine.",
    ),
]
EpochsOption = Annotated[
    int,
    typer.Option("--epochs", metavar="N", min=1, max=1000, help="How often each pair is shown."),
]
BatchOption = Annotated[
    int,
    typer.Option(
        "--batch", metavar="N", min=2, max=4096, help="Pairs that are told apart at a time."
    ),
]
RateOption = Annotated[
    float,
    typer.Option("--rate", metavar="X", min=1e-9, max=1, help="The highest learning rate."),
]
SeedOption = Annotated[
    int,
    typer.Option(
        "--seed",
        metavar="N",
        min=0,
        help="Which questions are held out, and how pairs are mixed.",
    ),
]
CorpusOption = Annotated[
    str | None,
    typer.Option(
        "--corpus",
        metavar="DIR",
        help="The corpus; only read, but for --use.",
        show_default=False,
    ),
]


def tune(
    source: SourceArgument = None,
    out: OutOption = None,
    held_out: HeldOutOption = None,
    force: ForceOption = False,
    use: UseOption = False,
    mode: ModeOption = None,
    epochs: EpochsOption = 8,
    batch: BatchOption = 32,
    rate: RateOption = 2e-4,
    seed: SeedOption = 0,
    model: ModelOption = None,
    corpus: CorpusOption = None,
    device: DeviceOption = None,
    as_json: JsonOption = False,
) -> int:
    """Teach a model your own questions and words, and examine it, before and after, on questions
    held out.

    It is put in place only where it is better and chance alone seldom makes such a difference. What
    comes out is an ordinary model folder: `searchapp model use DIR`, or --use at once, has the
    corpus use it. Interrupted, the same command goes on. Exit codes: 0 in place · 1 not better, and
    not put in place · 130 interrupted.
    """
    from searchapp.cli.model import going_over
    from searchapp.finetuning.trainer import TrainingConfig
    from searchapp.output import finetuning, models

    if out is None:
        raise typer.BadParameter("say where to put the model: --out DIR", param_hint="--out")
    _require_sense(source, model=model, use=use)
    chosen = config.load(corpus=corpus, model=model, device=device)
    training_config = TrainingConfig(epochs=epochs, batch=batch, rate=rate, seed=seed)
    try:
        outcome = _tune(
            source,
            out,
            chosen,
            held_out=held_out,
            mode=mode,
            training_config=training_config,
            force=force,
        )
    except KeyboardInterrupt:
        console.note("interrupted; run the same command again to go on")
        return Exit.INTERRUPTED
    is_used = use and outcome.is_in_place
    if not as_json:
        console.write(finetuning.tuned_text(outcome, console.style(sys.stdout), used=is_used))
    used = going_over(str(outcome.output), chosen) if is_used else None
    if as_json:
        values = finetuning.tuned_json(outcome)
        console.write(
            json_text({**values, "use": models.reembedded_json(used)} if used else values)
        )
    elif used:
        console.write(models.reembedded_text(used, console.style(sys.stdout)))
    if outcome.after is None or (used and not used.is_in_place):
        return Exit.INTERRUPTED
    return Exit.DONE if outcome.is_in_place else Exit.NOTHING


def _require_sense(source: Path | None, *, model: str | None, use: bool) -> None:
    """Raise BadParameter for options that do not go with what is learned from."""
    from searchapp.finetuning.training_pairs import holds_pairs

    has_pairs = source is not None and holds_pairs(source)
    if model is not None and not has_pairs:
        raise typer.BadParameter(
            "a corpus has its own model, which is the one to be tuned: leave --model out",
            param_hint="--model",
        )
    if use and has_pairs:
        raise typer.BadParameter(
            "pairs of texts are about no corpus: leave --use out", param_hint="--use"
        )


def _tune(
    source: Path | None, output: Path, chosen: config.Settings, **asked: Unpack[_TuningOptions]
) -> TuningResult:
    """Tune, and tell of it on the way."""
    from searchapp.finetuning.pipeline import Callbacks, tune
    from searchapp.output import finetuning

    console.show_log()
    with console.interruptible(), _Progress() as progress:
        callbacks = Callbacks(
            on_phase=progress.begin,
            on_step=lambda step: progress.show(finetuning.step_text(step), step.done / step.total),
            on_embedding=lambda done, total, took_s: progress.show(
                finetuning.embedding_text(done, total, took_s), done / max(total, 1)
            ),
            is_stopped=progress.is_stopped,
        )
        return tune(source, output, chosen, callbacks=callbacks, **asked)


class _TuningOptions(TypedDict):
    """What `searchapp.finetuning.pipeline.tune` is asked for beside source, place and settings."""

    held_out: Path | None
    mode: str | None
    training_config: TrainingConfig
    force: bool


class _Progress(ExitStack):
    """A line for each phase, and within it a bar on a terminal, elsewhere a line now and then.
    Training alone can be stopped gently.
    """

    def __init__(self) -> None:
        super().__init__()
        self._is_stopped: Callable[[], bool] = lambda: False
        self._bar: Callable[[str, float], None] = lambda *_: None
        self._shown_s = time.monotonic()

    def begin(self, phase: Phase) -> None:
        """Tell of a phase, which ends the one before."""
        self.close()
        console.note(_TOLD[phase])
        self._bar = self.enter_context(_bar()) if sys.stderr.isatty() else self._line
        if phase in ("training", "going on"):
            self._is_stopped = self.enter_context(console.stop_signals())

    def show(self, progress: str, share: float) -> None:
        """Tell how far the phase is."""
        self._bar(progress, share)

    def is_stopped(self) -> bool:
        """Whether the training is to stop."""
        return self._is_stopped()

    def _line(self, progress: str, _: float) -> None:
        if time.monotonic() - self._shown_s >= _LINES_S:
            console.note(progress)
            self._shown_s = time.monotonic()


@contextmanager
def _bar() -> Iterator[Callable[[str, float], None]]:
    from rich import progress as bars
    from rich.console import Console

    columns = (bars.BarColumn(), bars.TextColumn("{task.fields[progress]}"))
    with bars.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None, progress="")
        yield lambda progress, share: bar.update(
            task, total=1.0, completed=share, progress=progress
        )
