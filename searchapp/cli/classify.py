"""The commands that label: by hand, by what examples teach, by what descriptions say, and how right
that is.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from searchapp import config
from searchapp.cli import STYLE, console
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
)
from searchapp.errors import CorpusMissing, OtherEncoder, UsageError
from searchapp.humanize import one_line, pluralize
from searchapp.output.serialization import json_text
from searchapp.types.filters import Filters, resolve_place

if TYPE_CHECKING:
    from searchapp.classification.classifier import Classifier, TrainedClassifier
    from searchapp.classification.document_vectors import VectorSource
    from searchapp.classification.labeling import Examples
    from searchapp.classification.metrics import Metrics
    from searchapp.config import Settings
    from searchapp.encoders.encoder import Encoder
    from searchapp.types.protocols import Reader
    from searchapp.types.vectors import EncoderIdentity

classify = typer.Typer(
    help="Label documents and texts: by hand, learned from examples, or by what labels mean.",
    **STYLE,
)

_TOLD_S = 5.0  # between lines of progress

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
    with _ground(chosen, model=model, is_corpus_needed=output is None or labels is None) as ground:
        examples = _examples(labels, ground)
        classifier = train_classifier(examples.vectors, examples.labels, ground.identity)
        if output is None and labels is not None and examples.of_documents:
            said = labeling.set_hand_labels(Corpus.open(chosen), examples.of_documents)
            console.note(f"{pluralize(said, 'document')} of the corpus labelled as the table says")
        place = output or labeling.classifier_path(chosen.folder)
        classifier_file.save(classifier, place)
    shown = os.path.abspath(place)  # noqa: PTH100 - keeps links
    took_s = time.perf_counter() - begin_s
    if as_json:
        console.write(
            json_text(
                classification.classifier_json(classifier, shown) | {"took_s": round(took_s, 3)}
            )
        )
    else:
        console.write(
            classification.classifier_text(
                classifier, shown, console.style(sys.stdout), took_s=took_s
            )
        )
    return ground.code


@classify.command()
def apply(
    items: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TEXT|FILE]...", help="Only tell the label of these; - for a text a line."
        ),
    ] = None,
    zero_shot: ZeroShotOption = None,
    classifier: ClassifierOption = None,
    least: Annotated[
        float,
        typer.Option(
            "--min-probability",
            metavar="X",
            min=0,
            max=1,
            help="Leave documents without a label less probable.",
        ),
    ] = 0.0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell the labels and store none.")
    ] = False,
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
        with _ground(chosen, model=model, is_corpus_needed=True) as ground:
            predictor = _zero_shot(zero_shot, ground)
    filters = Filters.parse(within=within, types=type_, where=where)
    found = labeling.apply(Corpus.open(chosen), predictor, filters, least=least, store=not dry_run)
    if as_json:
        console.write(json_text(classification.applied_json(found, predictor, stored=not dry_run)))
    else:
        console.write(classification.applied_text(found, console.style(sys.stdout)))
        console.note(classification.applied_note(found, stored=not dry_run))
    return Exit.DONE if found.documents else Exit.NOTHING


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
            "what is given as a judge learns nothing from LABELS",
            hint="leave LABELS out, or the judge",
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
    found, shown = classifier_file.load(place), os.path.abspath(place)  # noqa: PTH100 - keeps links
    if as_json:
        console.write(json_text(classification.classifier_json(found, shown)))
    else:
        console.write(classification.classifier_text(found, shown, console.style(sys.stdout)))
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
        wanted = [*_items(items)]
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

    with _ground(chosen, model=model, is_corpus_needed=labels is None) as ground:
        examples = _examples(labels, ground)
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
        others = _examples(test, ground)
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
        examples = _examples(source, ground)
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
) -> Iterator[tuple[Classifier, _Ground]]:
    """A classifier, and what it stands on; a trained one stands on the encoder that it was
    trained with.
    """
    if zero_shot is not None:
        with _ground(chosen, model=model, is_corpus_needed=is_corpus_needed) as ground:
            yield _zero_shot(zero_shot, ground), ground
        return
    trained = _trained(classifier, chosen)
    if model is not None:
        raise UsageError("a classifier has its own model", hint="leave --model out")
    with _ground(
        chosen, made_by=trained.encoder, is_corpus_needed=is_corpus_needed or classifier is None
    ) as ground:
        yield trained, ground


def _trained(classifier: Path | None, chosen: Settings) -> TrainedClassifier:
    from searchapp.classification import classifier_file, labeling

    return classifier_file.load(classifier or labeling.classifier_path(chosen.folder))


def _zero_shot(source: Path, ground: _Ground) -> Classifier:
    from searchapp.classification.label_files import read_descriptions
    from searchapp.classification.labeling import zero_shot_classifier

    return zero_shot_classifier(read_descriptions(source), ground.vector_source, ground.identity)


def _examples(source: Path | None, ground: _Ground) -> Examples:
    """What a table or a folder says, or the documents of the corpus that were labelled by hand."""
    from searchapp.classification import labeling
    from searchapp.classification.label_files import read_labels

    if source is not None:
        found = labeling.load_examples(read_labels(source), ground.vector_source)
        ground.tell()
        return found
    assert ground.vector_source.reader is not None
    found = labeling.hand_labeled_examples(ground.vector_source.reader)
    if found.several:
        console.note(
            f"{pluralize(found.several, 'document')} left out, as they have several labels"
        )
    return found


def _items(words: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """Texts, files, and the lines of standard input, each with whether it is a path."""
    for word in words:
        if word == "-":
            yield from (
                (line.strip(), False)
                for line in sys.stdin.buffer.read().decode("utf-8", "replace").splitlines()
                if line.strip()
            )
            continue
        if not word.strip():
            raise UsageError(
                "one of the texts is empty", hint="give a text, a file, or - for standard input"
            )
        path = os.path.abspath(word)  # noqa: PTH100 - a text may be too long for a path
        if os.path.isdir(path):  # noqa: PTH112 - as above
            raise UsageError(
                f"{word} is a folder",
                hint="to label the documents of the corpus in it: searchapp classify apply --in "
                "FOLDER",
            )
        is_file = os.path.isfile(path)  # noqa: PTH113 - as above
        yield (path, True) if is_file else (word, False)


# ---- what it stands on ---------------------------------------------------------------------------


@dataclass(slots=True)
class _Ground:
    """What a command stands on: vectors of one encoder, and the corpus where that is
    the corpus's.
    """

    identity: EncoderIdentity
    vector_source: VectorSource
    code: Exit = Exit.DONE  # how the command ends, where it ends well

    def tell(self) -> None:
        """Say what could not be read, and what was cut, since it was last told."""
        failed, cut = self.vector_source.failed, self.vector_source.cut
        for path, reason in failed:
            console.note(f"{one_line(path)}: {reason}")
            self.code = Exit.PARTLY
        if cut:
            limit = self.identity.max_tokens
            console.note(
                f"{pluralize(cut, 'text')} longer than {limit} tokens; only the beginning of "
                "each was read"
            )
        self.vector_source.failed, self.vector_source.cut = [], 0


@contextmanager
def _ground(
    chosen: Settings,
    *,
    model: str | None = None,
    made_by: EncoderIdentity | None = None,
    is_corpus_needed: bool = False,
) -> Iterator[_Ground]:
    """The encoder that is asked for, or the corpus's, or the default one; and the corpus, where it
    is the corpus's.
    """
    from searchapp.classification.document_vectors import VectorSource

    console.show_log()
    with ExitStack() as stack:
        reader = _reader(chosen, is_needed=is_corpus_needed)
        if reader is not None:
            stack.callback(reader.close)
        its_own = reader.encoder if reader is not None else None
        wanted = made_by or (its_own if model is None else None)
        open_encoder = (
            partial(_opened, wanted, chosen)
            if wanted
            else _loaded(model or chosen.model or "default", chosen)
        )
        identity = wanted or open_encoder().identity
        if its_own is not None and its_own.fingerprint != identity.fingerprint:
            if is_corpus_needed:
                raise _other(identity, its_own, is_of_classifier=made_by is not None)
            reader = None
        yield _Ground(identity, VectorSource(reader, open_encoder, _progress()))


def _reader(chosen: Settings, *, is_needed: bool) -> Reader | None:
    from searchapp.corpus import Corpus

    try:
        return Corpus.open(chosen).reader()
    except CorpusMissing:
        if is_needed:
            raise
        return None


def _loaded(name: str, chosen: Settings) -> Callable[[], Encoder]:
    """What gives the encoder of a model, which is loaded at once."""
    from searchapp.encoders.encoder import Encoder

    encoder = Encoder.load(name, fast=True, cache=chosen.cache, device=chosen.device)
    return lambda: encoder


def _opened(identity: EncoderIdentity, chosen: Settings) -> Encoder:
    from searchapp.encoders.encoder import Encoder
    from searchapp.encoders.loading import open_encoder

    return Encoder(open_encoder(identity, cache=chosen.cache, bulk=True, device=chosen.device))


def _other(
    identity: EncoderIdentity, its_own: EncoderIdentity, *, is_of_classifier: bool
) -> OtherEncoder:
    message = f"the corpus was made by the encoder {its_own.model!r} ({its_own.fingerprint[:12]}), "
    if is_of_classifier:
        hint = "train it anew: searchapp classify train LABELS"
        return OtherEncoder(
            f"{message}the classifier by {identity.model!r} ({identity.fingerprint[:12]})",
            hint=hint,
        )
    return OtherEncoder(
        f"{message}not by {identity.model!r}",
        hint="leave --model out, or keep the classifier in a file: --out FILE",
    )


def _progress() -> Callable[[int, int], None]:
    """Tells every few seconds how many texts are embedded."""
    told_s = time.monotonic()

    def tell(done: int, total: int) -> None:
        nonlocal told_s
        if done < total and time.monotonic() - told_s >= _TOLD_S:
            told_s = time.monotonic()
            console.note(f"embedded {done:,} of {total:,} texts")

    return tell
