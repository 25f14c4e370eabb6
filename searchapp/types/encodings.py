"""The encodings of a corpus, one for each model that embedded it: what they are, and what a backend
offers where it can keep a second one beside the one that answers.

Values and protocols only. Knows no backend and no model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from searchapp.types.protocols import Backend
    from searchapp.types.results import FileOutcome
    from searchapp.types.vectors import EncoderIdentity


SwapStep: TypeAlias = Literal["keeping the former one", "switching"]


@dataclass(frozen=True, slots=True)
class OtherEncoding:
    """An encoding beside the current one, half built or kept."""

    name: str  # for `model drop` where its encoder cannot be read
    place: str  # where it is, as its folder
    encoder: EncoderIdentity | None  # None where it cannot be read
    documents: int  # that have their vectors
    size: int  # bytes


@dataclass(frozen=True, slots=True)
class CorpusEncodings:
    """The encoder of a corpus, None where there is none or it cannot be read, and the other
    encodings.
    """

    current: EncoderIdentity | None = None
    others: Sequence[OtherEncoding] = ()

    def identities(self) -> list[EncoderIdentity]:
        """The encoders of all encodings, the current one first."""
        encoders = (self.current, *(other.encoder for other in self.others))
        return [encoder for encoder in encoders if encoder is not None]


@dataclass(frozen=True, slots=True)
class ReembedReport:
    """What became of a corpus that was to use another model."""

    before: EncoderIdentity
    after: EncoderIdentity
    generation: int
    documents: int  # of the new encoding; those that are ready, where it is not in place yet
    passages: int
    took_s: float
    embedded: int = 0  # passages
    taken_over: int = 0  # documents whose files could not be read: split from the stored text
    joined: int = 0  # documents that the corpus did not have before
    left: tuple[FileOutcome, ...] = ()  # documents that left, by the rules of every ingest
    is_in_place: bool = False  # False: it was interrupted, and nothing has changed
    is_former_kept: bool = False
    notes: tuple[str, ...] = ()


class EncodingSwap(Protocol):
    """A corpus that other writers are kept out of, so that a new encoding can take its place."""

    def put_in_place(self, *, keep: bool, on_step: Callable[[SwapStep], None]) -> None:
        """Have the corpus answer from the new encoding, which is up to date; `keep` keeps the
        former one beside it.

        Settings, labels and whatever else belongs to the corpus go over. A kill at any moment
        leaves the one encoding or the other, whole; nothing has changed where this raises.
        """

    def publish(self) -> list[str]:
        """Bring derived files up to date, and let other writers in; returns notes for people."""

    def release(self) -> None:
        """Let other writers in; once is enough."""


class NewEncoding(Protocol):
    """A second encoding of a corpus while it is built, of which the corpus knows nothing."""

    @property
    def backend(self) -> Backend:
        """The new encoding as a corpus of its own."""

    def require_room(self, *, keep: bool) -> None:
        """Raise CorpusUnwritable where there is too little room to build it; `keep` takes more."""

    def contents(self) -> Mapping[bytes, tuple[bytes, bool]]:
        """The content hash of each document of the corpus as it answers now, and whether it is
        stale, by path.
        """

    def reserve_ids(self) -> None:
        """Have the new encoding number its next documents and passages behind all that the corpus
        ever had, so that no number means two.
        """

    def require_sound(self) -> None:
        """Check every byte of the new encoding; raises CorpusDamaged."""

    def lock(self) -> EncodingSwap:
        """Keep other writers out of the corpus; raises CorpusLocked while one is at work."""


@runtime_checkable
class EncodingStore(Protocol):
    """What a backend can also do where it keeps other encodings beside the current one."""

    def encodings(self) -> CorpusEncodings:
        """The encodings of the corpus as far as they can be read. Changes nothing: an old schema is
        not migrated.
        """

    def drop_encoding(self, model: str) -> list[OtherEncoding]:
        """Delete the other encodings by a model, or of that name; returns them.

        Raises EncoderError where there is none, and CorpusLocked while it is being built.
        """

    def new_encoding(self, identity: EncoderIdentity) -> NewEncoding:
        """The encoding of the corpus by another encoder, to be built, or built on."""
