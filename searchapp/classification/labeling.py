"""Labels and the corpus: what is said by hand, learned from, and told by a classifier of its
documents.

What a person has said stands: a classifier labels only documents that nobody has labelled by hand,
each with one label, in place of what one said before. The corpus's classifier is a file in its
folder. Labels change under the lock, against the documents as they then are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from searchapp.classification.classifier import ZeroShotClassifier, description_prompt
from searchapp.classification.document_vectors import VectorSource, stored_documents
from searchapp.classification.label_files import LabeledItem
from searchapp.corpus import require_documents
from searchapp.errors import ClassifierError, DocumentMissing, OtherEncoder
from searchapp.types.documents import Label
from searchapp.types.filters import Filters

if TYPE_CHECKING:
    from searchapp.classification.classifier import Classifier, Prediction
    from searchapp.types.protocols import Backend, Reader
    from searchapp.types.vectors import EncoderIdentity, Vectors

_COMMIT_DOCUMENTS = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Vectors, (n, dim), and the label of each; those of the corpus by document id."""

    vectors: Vectors
    labels: tuple[str, ...]
    of_documents: Mapping[int, str]
    several: int = 0  # documents that were left out, as they have several labels

    def of_frequent(self, least: int) -> tuple[Examples, tuple[str, ...]]:
        """Those whose labels have so many examples or more, and the other labels."""
        counts = Counter(self.labels)
        rare = tuple(sorted(name for name, count in counts.items() if count < least))
        frequent = [i for i, name in enumerate(self.labels) if name not in rare]
        return replace(
            self, vectors=self.vectors[frequent], labels=tuple(self.labels[i] for i in frequent)
        ), rare


class DocumentPrediction(NamedTuple):
    """The prediction for a document; None where a person has labeled it: those labels stand."""

    document_id: int
    path: bytes
    prediction: Prediction | None
    by_hand: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class LabelingReport:
    """The predictions for the documents of a corpus, by path."""

    documents: tuple[DocumentPrediction, ...]
    least: float  # the probability of a label that is given
    pending: int  # documents that have no vectors yet

    def is_given(self, prediction: Prediction) -> bool:
        """Whether a label is probable enough to be given; one without a probability always is."""
        return prediction.probability is None or prediction.probability >= self.least


def classifier_path(corpus: Path) -> Path:
    """Where the classifier of a corpus is."""
    return corpus / "classifier.npz"


def require_same_encoder(classifier: Classifier, encoder: EncoderIdentity) -> None:
    """Raise OtherEncoder unless a classifier takes the vectors of an encoder."""
    if classifier.encoder.fingerprint != encoder.fingerprint:
        raise OtherEncoder(
            f"the classifier was trained on vectors of the encoder {classifier.encoder.model!r} "
            f"({classifier.encoder.fingerprint[:12]}), "
            f"not of {encoder.model!r} ({encoder.fingerprint[:12]})",
            hint="train it anew: searchapp classify train LABELS",
        )


# ---- what is learned from ------------------------------------------------------------------------


def load_examples(rows: Sequence[LabeledItem], vector_source: VectorSource) -> Examples:
    """The vectors of labelled texts, files and documents; what cannot be read is in
    `vector_source.failed`.
    """
    there, vectors = vector_source.vectors([(row.item, row.is_path) for row in rows])
    labels = tuple(rows[i].label for i in there)
    document_ids = {
        i: vector_source.document_of(rows[i].item, as_path=rows[i].is_path) for i in there
    }
    return Examples(
        vectors,
        labels,
        {
            document_id: rows[i].label
            for i, document_id in document_ids.items()
            if document_id is not None
        },
    )


def hand_labeled_examples(reader: Reader) -> Examples:
    """The documents of the corpus that a person has given just one label. Raises ClassifierError
    where there are none.
    """
    by_hand = [
        names
        for _, labels in reader.labels()
        if (names := [label.name for label in labels if label.origin == "hand"])
    ]
    wanted = Filters(labels=tuple({name for names in by_hand for name in names}))
    labeled = stored_documents(reader, wanted)[0] if by_hand else []
    documents = [document for document in labeled if len(document.by_hand) == 1]
    if not documents:
        hint = (
            "give a file of labels, or label some documents: searchapp classify label NAME PATH..."
        )
        raise ClassifierError(
            "no document has been labelled by hand: there is nothing to learn from", hint=hint
        )
    of_documents = {document.document_id: document.by_hand[0] for document in documents}
    several = sum(len(names) > 1 for names in by_hand)
    return Examples(
        np.stack([document.vector for document in documents]),
        tuple(of_documents.values()),
        of_documents,
        several,
    )


def zero_shot_classifier(
    descriptions: Mapping[str, str], vector_source: VectorSource, encoder: EncoderIdentity
) -> ZeroShotClassifier:
    """A classifier that goes by what each label means."""
    _, vectors = vector_source.vectors(
        [(description_prompt(text), False) for text in descriptions.values()]
    )
    return ZeroShotClassifier(encoder, tuple(descriptions), vectors)


# ---- what is said --------------------------------------------------------------------------------


def set_hand_labels(backend: Backend, labels: Mapping[int, str]) -> int:
    """Label documents of the corpus by hand, in place of all labels that they have; returns how
    many changed. Raises CorpusMissing.
    """
    backend.reader().close()  # a writer would make a corpus where there is none
    with closing(backend.writer()) as writer, closing(backend.reader()) as reader:
        known, there = dict(reader.labels()), set(reader.document_ids(Filters()))
        new = {
            i: name for i, name in labels.items() if i in there and known.get(i) != (Label(name),)
        }
        for document_id, name in new.items():
            writer.set_labels(document_id, [Label(name)])
        writer.commit()
    return len(new)


def label(backend: Backend, name: str, places: Sequence[str]) -> list[bytes]:
    """Label the documents at or below paths or globs by hand, beside what else a person calls them;
    returns the paths of those changed.

    What a classifier said of them goes. Raises DocumentMissing, having changed nothing, where a
    place has no documents.
    """
    return _relabel(
        backend,
        places,
        lambda held: {
            *(
                held_label
                for held_label in held
                if held_label.origin == "hand" and held_label.name != name
            ),
            Label(name),
        },
    )


def unlabel(backend: Backend, name: str, places: Sequence[str]) -> list[bytes]:
    """Take a label, whoever gave it, from the documents at or below paths or globs; returns the
    paths of those that had it.
    """
    return _relabel(
        backend, places, lambda held: {held_label for held_label in held if held_label.name != name}
    )


def apply(
    backend: Backend,
    classifier: Classifier,
    filters: Filters,
    *,
    least: float = 0.0,
    store: bool = True,
) -> LabelingReport:
    """Label the documents of a corpus that pass the filters and that no person has labelled, or
    with `store` false only predict them.

    A label less probable than `least` is not given; an earlier one of a classifier is removed all
    the same. Raises CorpusMissing, CorpusEmpty, CorpusLocked, and OtherEncoder for a classifier of
    other vectors.
    """
    # a reader first: a writer would make a corpus where there is none
    with closing(backend.reader()) as reader:
        require_same_encoder(classifier, require_documents(reader))
        if not store:
            return _predict_documents(reader, classifier, filters, least)
    with closing(backend.writer()) as writer, closing(backend.reader()) as reader:
        predictions = _predict_documents(reader, classifier, filters, least)
        for number, (document_id, _, prediction, _) in enumerate(predictions.documents, 1):
            if prediction is not None:
                given = (
                    [Label(prediction.label, classifier.origin, prediction.probability)]
                    if predictions.is_given(prediction)
                    else []
                )
                writer.set_labels(document_id, given)
            if number % _COMMIT_DOCUMENTS == 0:
                writer.commit()
        writer.commit()
    return predictions


# ---- private -------------------------------------------------------------------------------------


def _predict_documents(
    reader: Reader, classifier: Classifier, filters: Filters, least: float
) -> LabelingReport:
    documents, pending = stored_documents(reader, filters)
    unlabeled = [document for document in documents if not document.by_hand]
    predictions: dict[int, Prediction] = {}
    if unlabeled:
        made = classifier.predict(np.stack([document.vector for document in unlabeled]))
        predictions = {
            document.document_id: prediction
            for document, prediction in zip(unlabeled, made, strict=True)
        }
    results = (
        DocumentPrediction(
            document.document_id,
            document.path,
            predictions.get(document.document_id),
            document.by_hand,
        )
        for document in documents
    )
    return LabelingReport(tuple(results), least, pending)


def _relabel(
    backend: Backend, places: Sequence[str], changed: Callable[[Sequence[Label]], Iterable[Label]]
) -> list[bytes]:
    """Give the documents at some places other labels than they have; returns the paths of those
    whose labels differ now.
    """
    backend.reader().close()  # CorpusMissing, before a writer would make a corpus
    with closing(backend.writer()) as writer, closing(backend.reader()) as reader:
        labels_by_id = dict(reader.labels())
        documents: dict[int, bytes] = {}
        for place in places:
            filters = Filters(within=(place,))
            at_place = dict(
                zip(
                    reader.document_ids(filters),
                    (row.path for row in reader.rows(filters)),
                    strict=True,
                )
            )
            if not at_place:
                raise DocumentMissing(f"no document at {place}", hint="see: searchapp list")
            documents |= at_place
        after = {i: tuple(sorted(changed(labels_by_id.get(i, ())))) for i in documents}
        other = [i for i in documents if after[i] != labels_by_id.get(i, ())]
        for document_id in other:
            writer.set_labels(document_id, after[document_id])
        writer.commit()
    return sorted(documents[i] for i in other)
