"""The command that measures: ranking modes on judged questions."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from searchapp import config
from searchapp.cli import console
from searchapp.cli.options import DeviceOption, JsonOption, ModelOption, require_outputs
from searchapp.output.serialization import json_text

if TYPE_CHECKING:
    from searchapp.types.results import Evaluation


JudgedArgument = Annotated[
    Path,
    typer.Argument(
        metavar="DIR|FILE",
        help="A judged collection: corpus.jsonl, queries.jsonl, qrels/test.tsv. With --corpus, "
        "a file of your own judgements: a table "
        "(commas, semicolons or tabs) with the columns question, path and, if you like, grade, "
        "or JSON lines with these keys; "
        "paths are absolute, or relative to the file's folder.",
    ),
]
ModesOption = Annotated[
    list[str],
    typer.Option("--mode", metavar="MODE", help="A ranking mode; repeatable. Default: all."),
]
WeightsOption = Annotated[
    list[float],
    typer.Option(
        "--weight",
        metavar="X",
        min=0,
        max=1,
        help="The keyword leg's part in hybrid and best, 0 to 1; repeatable.",
    ),
]
CorpusOption = Annotated[
    str | None,
    typer.Option(
        "--corpus",
        metavar="DIR",
        help="Measure on your own corpus, which is only read.",
        show_default=False,
    ),
]
RunFileOption = Annotated[
    Path | None,
    typer.Option(
        "--run-file",
        metavar="F",
        help="Write the top 100 in TREC form, - for standard output; one --mode.",
    ),
]
RunFolderOption = Annotated[
    Path | None,
    typer.Option(
        "--run-folder",
        metavar="DIR",
        help="Write the top 100 of every mode in TREC form: DIR/MODE.run.",
    ),
]
PlotOption = Annotated[
    Path | None,
    typer.Option(
        "--plot",
        metavar="F",
        help="Draw a bar chart, .svg or .png; takes `pip install 'searchapp[plot]'`.",
    ),
]


def evaluate(
    judged: JudgedArgument,
    modes: ModesOption = [],
    weights: WeightsOption = [],
    corpus: CorpusOption = None,
    run_file: RunFileOption = None,
    run_folder: RunFolderOption = None,
    plot: PlotOption = None,
    model: ModelOption = None,
    device: DeviceOption = None,
    as_json: JsonOption = False,
) -> int:
    """Measure ranking modes on judged questions: nDCG@10, Recall@100, MRR@10, time, and whether
    differences may be chance.
    """
    from searchapp.evaluation.evaluator import compare, write_run, write_runs
    from searchapp.evaluation.plot import require_plot, write_plot
    from searchapp.evaluation.qrels import FILES
    from searchapp.output import evaluation

    if run_file is not None and (len(set(modes)) != 1 or len(set(weights)) > 1):
        raise typer.BadParameter(
            "a run file holds one mode: give --mode once, and one --weight at most, or a "
            "--run-folder for all",
            param_hint="--run-file",
        )
    if corpus is not None and model is not None:
        raise typer.BadParameter(
            "a corpus has its own encoder: leave --model out", param_hint="--model"
        )
    if plot is not None:
        require_plot(plot)
    console.show_log()
    chosen = config.load(corpus=corpus, model=model, device=device)
    outputs = [run_file, plot, run_folder and run_folder / "cosine.run"]
    require_outputs(chosen, *outputs, inputs=[judged, *(judged / name for name in FILES)])
    results = _evaluations(judged, chosen, is_own=corpus is not None, modes=modes, weights=weights)
    if run_file is not None:
        write_run(run_file, results[0])
    if run_folder is not None:
        write_runs(run_folder, results)
    if plot is not None:
        write_plot(plot, results)
    compared = compare(results)
    answer = (
        json_text(evaluation.evaluation_json(results, compared))
        if as_json
        else evaluation.evaluation_text(results, compared, console.style(sys.stdout))
    )
    console.tell(answer, run_file)
    return 0


def _evaluations(
    judged: Path,
    chosen: config.Settings,
    *,
    is_own: bool,
    modes: Sequence[str],
    weights: Sequence[float],
) -> list[Evaluation]:
    """The figures of a collection, or of one's own corpus; no modes are all of them."""
    from searchapp.corpus import Corpus
    from searchapp.encoders.loading import load_encoder
    from searchapp.evaluation.evaluator import evaluate, evaluate_corpus
    from searchapp.search.query_options import MODES
    from searchapp.types.model_names import DEFAULT_MODEL

    modes = modes or MODES
    with console.interruptible():
        if is_own:
            return evaluate_corpus(
                judged,
                Corpus.open(chosen),
                modes=modes,
                weights=weights,
                on_note=console.note,
            )
        with console.progress(sys.stderr) as on_progress:
            return evaluate(
                judged,
                lambda: load_encoder(
                    chosen.model or DEFAULT_MODEL, cache=chosen.cache, device=chosen.device
                ),
                modes=modes,
                weights=weights,
                on_progress=on_progress,
                on_note=console.note,
            )
