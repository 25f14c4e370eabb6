"""The commands that label: by hand, by what examples teach, by what descriptions say, and how right
that is.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from searchapp import config
from searchapp.cli import console
from searchapp.cli.app import STYLE
from searchapp.cli.classify_ground import Ground, examples_of_source, ground_of, read_items
from searchapp.cli.console import Exit
from searchapp.cli.options import (
    CorpusOption,
    DeviceOption,
    JsonOption,
    ModelOption,
    PlacesArgument,
    TypeOption,
    WhereOption,
    WithinOption,
    corpus_at,
    require_outputs,
)
from searchapp.errors import UsageError
from searchapp.humanize import one_line, pluralize
from searchapp.output.serialization import json_text
from searchapp.types.filters import Filters
from searchapp.types.places import resolve_place

if TYPE_CHECKING:
    from searchapp.classification.classifier import Classifier, TrainedClassifier
    from searchapp.classification.labeling import Examples
    from searchapp.classification.metrics import Metrics
    from searchapp.config import Settings

classify = typer.Typer(
    help="Label documents and texts: by hand, learned from examples, or by what labels mean.",
    **STYLE,
)


LabelsArgument = Annotated[
    Path | None,
    typer.Argument(
        metavar="[LABELS]",
        help="A table of path or text, and label; or a folder with a folder a label. None: what "
        "was labelled by hand.",
    ),
]
ClassifierOption = Annotated[
    Path | None,
    typer.Option(
        "--classifier",
        metavar="FILE",
        help="The classifier in a file. Default: the corpus's.",
        show_default=False,
    ),
]
ZeroShotOption = Annotated[
    Path | None,
    typer.Option(
        "--zero-shot",
        metavar="FILE",
        help="Without training: a table of label and description.",
        show_default=False,
    ),
]


@classify.command()
def train(
    labels: LabelsArgument = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="Keep it in a file, .npz, not with the corpus.",
            show_default=False,
        ),
    ] = None,
    corpus: CorpusOption = None,
    model: ModelOption = None,
    device: DeviceOption = None,
    as_json: JsonOption = False,
) -> int:
    """Learn labels from examples.

    How right that is is told on examples left out in turn. The classifier is kept with the corpus,
    for `classify apply`. What LABELS say of documents of the corpus is recorded as said by hand;
    without LABELS, that is what is learned from.
    """
    from searchapp.classification import classifier_file, labeling
    from searchapp.classification.training import train_classifier
    from searchapp.corpus import Corpus
    from searchapp.output import classification

    begin_s = time.perf_counter()
    chosen = config.load(corpus=corpus, model=model, device=device)
    place = output or labeling.classifier_path(chosen.folder)
    require_outputs(chosen, output, inputs=[labels] if labels else ())
    with ground_of(
        chosen, model=model, is_corpus_needed=output is None or labels is None
    ) as ground:
        examples = examples_of_source(labels, ground)
        classifier = train_classifier(examples.vectors, examples.labels, ground.identity)
        if output is None and labels is not None and examples.of_documents:
            said = labeling.set_hand_labels(Corpus.open(chosen), examples.of_documents)
            console.note(f"{pluralize(said, 'document')} of the corpus labelled as the table says")
        classifier_file.save(classifier, place)
    shown = os.path.abspath(place)  # noqa: PTH100 - keeps links
    took_s = time.perf_counter() - begin_s
    if as_json:
        values = classification.classifier_json(classifier, shown)
        answer = json_text(values | {"took_s": round(took_s, 3)})
    else:
        style = console.style(sys.stdout)
        answer = classification.classifier_text(classifier, shown, style, took_s=took_s)
    console.tell(answer, output)
    return ground.code


ItemsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[TEXT|FILE]...", help="Only tell the label of these; - for a text a line."
    ),
]
LeastOption = Annotated[
    float,
    typer.Option(
        "--min-probability",
        metavar="X",
        min=0,
        max=1,
        help="Leave documents without a label less probable.",
    ),
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Tell the labels and store none.")]


@classify.command()
def apply(
    items: ItemsArgument = None,
    zero_shot: ZeroShotOption = None,
    classifier: ClassifierOption = None,
    least: LeastOption = 0.0,
    dry_run: DryRunOption = False,
    within: WithinOption = [],
    type_: TypeOption = [],
    where: WhereOption = [],
    corpus: CorpusOption = None,
    model: ModelOption = None,
    device: DeviceOption = None,
    as_json: JsonOption = False,
) -> int:
    """Label the documents, or tell the labels of texts.

    Labels are stored with the documents of the corpus: `query --label`, `list --label`. Those that
    were given by hand stand.
    """
    from searchapp.classification import labeling
    from searchapp.corpus import Corpus
    from searchapp.output import classification

    chosen = config.load(corpus=corpus, model=model, device=device)
    if items:
        if within or type_ or where or dry_run or least:
            raise UsageError(
                "of texts and files the label is only told",
                hint="leave the other options out, or the texts",
            )
        return _tell(items, zero_shot, classifier, chosen, model, as_json=as_json)
    predictor: Classifier
    if zero_shot is None:
        predictor = _trained(classifier, chosen)
    else:
        with ground_of(chosen, model=model, is_corpus_needed=True) as ground:
            predictor = _zero_shot(zero_shot, ground)
    filters = Filters.parse(within=within, types=type_, where=where)
    applied = labeling.apply(
        Corpus.open(chosen), predictor, filters, least=least, store=not dry_run
    )
    if as_json:
        console.write(
            json_text(classification.applied_json(applied, predictor, stored=not dry_run))
        )
    else:
        console.write(classification.applied_text(applied, console.style(sys.stdout)))
        console.note(classification.applied_note(applied, stored=not dry_run))
    return Exit.DONE if applied.documents else Exit.NOTHING


@classify.command()
def evaluate(
    labels: LabelsArgument = None,
    test: Annotated[
        Path | None,
        typer.Option(
            "--test",
            metavar="LABELS",
            help="Judge on these; without LABELS, the classifier there is.",
            show_default=False,
        ),
    ] = None,
    folds: Annotated[
        int,
        typer.Option(
            "--folds",
            metavar="N",
            min=2,
            help="Without --test: how many parts are left out in turn.",
        ),
    ] = 5,
    zero_shot: ZeroShotOption = None,
    classifier: ClassifierOption = None,
    corpus: CorpusOption = None,
    model: ModelOption = None,
    device: DeviceOption = None,
    as_json: JsonOption = False,
) -> int:
    """Measure how right labels are.

    Accuracy, macro F1, what is taken for what, and whether probabilities are what they say. With
    LABELS alone, by leaving parts of them out in turn; with --test, of what LABELS teach, or of the
    classifier there is, on the others.
    """
    from searchapp.output import classification

    chosen = config.load(corpus=corpus, model=model, device=device)
    if zero_shot is None and classifier is None and (labels is not None or test is None):
        metrics, what, code = _taught(labels, test, folds, chosen, model)
    elif labels is not None and test is not None:
        raise UsageError(
            "--zero-shot and --classifier learn nothing from LABELS",
            hint="leave LABELS out, or --zero-shot and --classifier",
        )
    else:
        metrics, what, code = _as_is(labels or test, zero_shot, classifier, chosen, model)
    if as_json:
        console.write(json_text({"judged": what, **classification.metrics_json(metrics)}))
    else:
        console.write(classification.metrics_text(metrics, what, console.style(sys.stdout)))
    return code


@classify.command()
def label(
    name: Annotated[
        str, typer.Argument(metavar="LABEL", help="What they are called.", show_default=False)
    ],
    places: PlacesArgument,
    remove: Annotated[
        bool, typer.Option("--remove", help="Take the label from them, whoever gave it.")
    ] = False,
    corpus: CorpusOption = None,
    as_json: JsonOption = False,
) -> int:
    """Label documents by hand.

    What is said by hand stands until it is taken back, whatever a classifier says, and whatever
    becomes of the file.
    """
    from searchapp.classification import labeling
    from searchapp.classification.label_files import label_name

    backend = corpus_at(corpus)
    act = labeling.unlabel if remove else labeling.label
    changed = act(
        backend, label_name(name, "the command line"), [resolve_place(place) for place in places]
    )
    if as_json:
        console.write(json_text({"changed": [os.fsdecode(path) for path in changed]}))
    else:
        console.write(
            f"{pluralize(len(changed), 'document')} {'no longer' if remove else 'now'} "
            f"labelled {one_line(name)}\n"
        )
    return Exit.DONE if changed or not remove else Exit.NOTHING


@classify.command()
def show(
    classifier: ClassifierOption = None, corpus: CorpusOption = None, as_json: JsonOption = False
) -> int:
    """Show what the classifier has learned."""
    from searchapp.classification import classifier_file, labeling
    from searchapp.output import classification

    place = classifier or labeling.classifier_path(config.load(corpus=corpus).folder)
    trained, shown = classifier_file.load(place), os.path.abspath(place)  # noqa: PTH100 - keeps links
    if as_json:
        console.write(json_text(classification.classifier_json(trained, shown)))
    else:
        console.write(classification.classifier_text(trained, shown, console.style(sys.stdout)))
    return Exit.DONE


# ---- which classifier ----------------------------------------------------------------------------


def _tell(
    items: Sequence[str],
    zero_shot: Path | None,
    classifier: Path | None,
    chosen: Settings,
    model: str | None,
    *,
    as_json: bool,
) -> int:
    """Tell the label of each text, and of the document in each file."""
    from searchapp.output import classification

    with _open_classifier(zero_shot, classifier, chosen, model) as (predictor, ground):
        wanted = [*read_items(items)]
        there, vectors = ground.vector_source.vectors(wanted)
        ground.tell()
        shown = [wanted[i][0] for i in there]
        predictions = predictor.predict(vectors) if there else []
    if as_json:
        console.write(json_text(classification.predictions_json(shown, predictions, predictor)))
    else:
        console.write(
            classification.predictions_text(shown, predictions, console.style(sys.stdout))
        )
    return ground.code


def _taught(
    labels: Path | None, test: Path | None, folds: int, chosen: Settings, model: str | None
) -> tuple[Metrics, str, int]:
    """How right it is what examples teach, on others or on those left out in turn."""
    from searchapp.classification.training import (
        LEAST_LEFT_OUT,
        cross_validate,
        evaluate_classifier,
        train_classifier,
    )

    with ground_of(chosen, model=model, is_corpus_needed=labels is None) as ground:
        examples = examples_of_source(labels, ground)
        if test is None:
            examples, rare = examples.of_frequent(LEAST_LEFT_OUT)
            if rare:
                names = ", ".join(map(one_line, rare))
                console.note(
                    f"labels with fewer than {LEAST_LEFT_OUT} examples are not judged: {names}"
                )
            return (
                cross_validate(examples.vectors, examples.labels, ground.identity, folds=folds),
                "left out in turn",
                ground.code,
            )
        others = examples_of_source(test, ground)
        learned = train_classifier(examples.vectors, examples.labels, ground.identity)
        _note_seen(learned, others)
        return (
            evaluate_classifier(learned, others.vectors, others.labels),
            f"judged by {len(examples.labels):,} others",
            ground.code,
        )


def _as_is(
    source: Path | None,
    zero_shot: Path | None,
    classifier: Path | None,
    chosen: Settings,
    model: str | None,
) -> tuple[Metrics, str, int]:
    """How right a classifier is that is there already."""
    from searchapp.classification.classifier import TrainedClassifier
    from searchapp.classification.training import evaluate_classifier

    with _open_classifier(
        zero_shot, classifier, chosen, model, is_corpus_needed=source is None
    ) as (
        predictor,
        ground,
    ):
        examples = examples_of_source(source, ground)
        if isinstance(predictor, TrainedClassifier):
            _note_seen(predictor, examples)
        what = (
            "judged by the classifier there is" if zero_shot is None else "judged by descriptions"
        )
        return evaluate_classifier(predictor, examples.vectors, examples.labels), what, ground.code


def _note_seen(classifier: TrainedClassifier, examples: Examples) -> None:
    if seen := classifier.count_seen(examples.vectors):
        console.note(
            f"it has learned from {seen:,} of the "
            f"{pluralize(len(examples.labels), 'example')}: the figures flatter it"
        )


@contextmanager
def _open_classifier(
    zero_shot: Path | None,
    classifier: Path | None,
    chosen: Settings,
    model: str | None,
    *,
    is_corpus_needed: bool = False,
) -> Iterator[tuple[Classifier, Ground]]:
    """A classifier, and what it stands on; a trained one stands on the encoder that it was
    trained with.
    """
    if zero_shot is not None:
        with ground_of(chosen, model=model, is_corpus_needed=is_corpus_needed) as ground:
            yield _zero_shot(zero_shot, ground), ground
        return
    trained = _trained(classifier, chosen)
    if model is not None:
        raise UsageError("a classifier has its own model", hint="leave --model out")
    with ground_of(
        chosen, made_by=trained.encoder, is_corpus_needed=is_corpus_needed or classifier is None
    ) as ground:
        yield trained, ground


def _trained(classifier: Path | None, chosen: Settings) -> TrainedClassifier:
    from searchapp.classification import classifier_file, labeling

    return classifier_file.load(classifier or labeling.classifier_path(chosen.folder))


def _zero_shot(source: Path, ground: Ground) -> Classifier:
    from searchapp.classification.label_files import read_descriptions
    from searchapp.classification.labeling import zero_shot_classifier

    return zero_shot_classifier(read_descriptions(source), ground.vector_source, ground.identity)
