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

from searchapp.classification.classifier import Descriptions, described
from searchapp.classification.document_vectors import VectorSource, stored_documents
from searchapp.classification.label_files import Row
from searchapp.corpus import require_documents
from searchapp.errors import ClassifierError, DocumentMissing, OtherEncoder
from searchapp.types.documents import Label
from searchapp.types.filters import Filters

if TYPE_CHECKING:
    from searchapp.classification.classifier import Judge, Verdict
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
        kept = [i for i, name in enumerate(self.labels) if name not in rare]
        return replace(
            self, vectors=self.vectors[kept], labels=tuple(self.labels[i] for i in kept)
        ), rare


class Told(NamedTuple):
    """What a judge said of a document; None where a person has spoken, whose labels stand."""

    document_id: int
    path: bytes
    verdict: Verdict | None
    by_hand: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Applied:
    """What a judge said of the documents of a corpus, by path."""

    told: tuple[Told, ...]
    least: float  # the probability of a label that is given
    pending: int  # documents that have no vectors yet

    def is_given(self, verdict: Verdict) -> bool:
        """Whether a label is as probable as it has to be; one by description always is."""
        return verdict.probability is None or verdict.probability >= self.least


def classifier_path(corpus: Path) -> Path:
    """Where the classifier of a corpus is."""
    return corpus / "classifier.npz"


def require_same(judge: Judge, encoder: EncoderIdentity) -> None:
    """Raise OtherEncoder unless a judge judges an encoder's vectors."""
    if judge.encoder.fingerprint != encoder.fingerprint:
        raise OtherEncoder(
            f"the classifier was trained on vectors of the encoder {judge.encoder.model!r} "
            f"({judge.encoder.fingerprint[:12]}), "
            f"not of {encoder.model!r} ({encoder.fingerprint[:12]})",
            hint="train it anew: searchapp classify train LABELS",
        )


# ---- what is learned from ------------------------------------------------------------------------


def examples_of(rows: Sequence[Row], specimens: VectorSource) -> Examples:
    """The vectors of labelled texts, files and documents; what cannot be read is in
    `specimens.failed`.
    """
    there, vectors = specimens.vectors([(row.item, row.is_path) for row in rows])
    labels = tuple(rows[i].label for i in there)
    found = {i: specimens.document_of(rows[i].item, is_path=rows[i].is_path) for i in there}
    return Examples(
        vectors,
        labels,
        {document_id: rows[i].label for i, document_id in found.items() if document_id is not None},
    )


def examples_by_hand(reader: Reader) -> Examples:
    """The documents of the corpus that a person has given just one label. Raises ClassifierError
    where there are none.
    """
    said = {
        i: names
        for i, labels in reader.labels().items()
        if (names := [each.name for each in labels if each.origin == "hand"])
    }
    wanted = Filters(labels=tuple({name for names in said.values() for name in names}))
    documents = (
        [
            each
            for each in stored_documents(reader, wanted)[0]
            if len(said.get(each.document_id, ())) == 1
        ]
        if said
        else []
    )
    if not documents:
        hint = (
            "give a file of labels, or label some documents: searchapp classify label NAME PATH..."
        )
        raise ClassifierError(
            "no document has been labelled by hand: there is nothing to learn from", hint=hint
        )
    of_documents = {each.document_id: said[each.document_id][0] for each in documents}
    several = sum(len(names) > 1 for names in said.values())
    return Examples(
        np.stack([each.vector for each in documents]),
        tuple(of_documents.values()),
        of_documents,
        several,
    )


def by_descriptions(
    descriptions: Mapping[str, str], specimens: VectorSource, encoder: EncoderIdentity
) -> Descriptions:
    """A judge by what each label means."""
    _, vectors = specimens.vectors([(described(text), False) for text in descriptions.values()])
    return Descriptions(encoder, tuple(descriptions), vectors)


# ---- what is said --------------------------------------------------------------------------------


def say(backend: Backend, labels: Mapping[int, str]) -> int:
    """Record what a person calls documents of the corpus, in place of all that they are labelled;
    returns how many that changed.
    """
    with closing(backend.writer()) as writer, closing(backend.reader()) as reader:
        known, there = reader.labels(), set(reader.document_ids(Filters()))
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
            *(each for each in held if each.origin == "hand" and each.name != name),
            Label(name),
        },
    )


def unlabel(backend: Backend, name: str, places: Sequence[str]) -> list[bytes]:
    """Take a label, whoever gave it, from the documents at or below paths or globs; returns the
    paths of those that had it.
    """
    return _relabel(backend, places, lambda held: {each for each in held if each.name != name})


def apply(
    backend: Backend, judge: Judge, filters: Filters, *, least: float = 0.0, is_stored: bool = True
) -> Applied:
    """Label the documents of a corpus that pass the filters and that no person has labelled, or
    only tell what would be said.

    A label less probable than `least` is not given, and an earlier one of a judge's goes all the
    same. Raises CorpusMissing, CorpusEmpty, CorpusLocked, and OtherEncoder for a judge of other
    vectors.
    """
    with closing(
        backend.reader()
    ) as reader:  # before a writer would make a corpus where there is none
        require_same(judge, require_documents(reader))
        if not is_stored:
            return _applied(reader, judge, filters, least)
    with closing(backend.writer()) as writer, closing(backend.reader()) as reader:
        found = _applied(reader, judge, filters, least)
        for number, (document_id, _, verdict, _) in enumerate(found.told, 1):
            if verdict is not None:
                given = (
                    [Label(verdict.label, judge.origin, verdict.probability)]
                    if found.is_given(verdict)
                    else []
                )
                writer.set_labels(document_id, given)
            if number % _COMMIT_DOCUMENTS == 0:
                writer.commit()
        writer.commit()
    return found


# ---- private -------------------------------------------------------------------------------------


def _applied(reader: Reader, judge: Judge, filters: Filters, least: float) -> Applied:
    held = reader.labels()
    documents, pending = stored_documents(reader, filters)
    said = {
        each.document_id: tuple(
            one.name for one in held.get(each.document_id, ()) if one.origin == "hand"
        )
        for each in documents
    }
    asked = [each for each in documents if not said[each.document_id]]
    verdicts = judge.verdicts(np.stack([each.vector for each in asked])) if asked else []
    of_document = {each.document_id: verdict for each, verdict in zip(asked, verdicts, strict=True)}
    told = (
        Told(each.document_id, each.path, of_document.get(each.document_id), said[each.document_id])
        for each in documents
    )
    return Applied(tuple(told), least, pending)


def _relabel(
    backend: Backend, places: Sequence[str], changed: Callable[[Sequence[Label]], Iterable[Label]]
) -> list[bytes]:
    """Give the documents at some places other labels than they have; returns the paths of those
    whose labels differ now.
    """
    backend.reader().close()  # CorpusMissing, before a writer would make a corpus
    with closing(backend.writer()) as writer, closing(backend.reader()) as reader:
        held = reader.labels()
        found: dict[int, bytes] = {}
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
            found |= at_place
        after = {i: tuple(sorted(changed(held.get(i, ())))) for i in found}
        other = [i for i in found if after[i] != held.get(i, ())]
        for document_id in other:
            writer.set_labels(document_id, after[document_id])
        writer.commit()
    return sorted(found[i] for i in other)
