"""The encoder that a corpus is written or asked with: the one it was given, else one found by name.

Knows where encoders come from and that a corpus takes no other than its own; nothing of documents.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from searchapp.encoders import preload
from searchapp.errors import OtherEncoder
from searchapp.types.model_names import DEFAULT_MODEL

if TYPE_CHECKING:
    from searchapp.types.protocols import DocumentWriter, Encoder
    from searchapp.types.vectors import Device, EncoderIdentity


class EncoderProvider:
    """Encoders for one corpus: always the given one, or those that its model's name leads to."""

    def __init__(self, *, cache: Path | None = None, encoder: Encoder | None = None) -> None:
        """An encoder, or a cache folder to keep those in that are found by name."""
        if cache is None and encoder is None:
            raise ValueError("a corpus needs an encoder, or a cache folder to keep one in")
        self._cache = cache
        self._encoder = encoder

    @property
    def cache(self) -> Path:
        """The folder of converted models."""
        assert self._cache is not None
        return self._cache

    def for_ingest(
        self, writer: DocumentWriter, model: str | None, device: Device, *, bulk: bool
    ) -> Encoder:
        """The encoder to write a corpus with, which a new corpus records. Raises OtherEncoder for a
        model that did not make the corpus.
        """
        from searchapp.encoders.loading import open_encoder

        made_by = writer.encoder()
        if self._encoder is not None:
            encoder = self._encoder
        elif made_by is not None and model is None:
            return open_encoder(made_by, cache=self.cache, bulk=bulk, device=device)
        else:
            if made_by is not None:
                self._require_made_by(model or DEFAULT_MODEL, made_by)
            encoder = self._load(model or DEFAULT_MODEL, device, bulk=bulk)
        require_same(made_by, encoder.identity)
        if made_by is None:
            writer.set_encoder(encoder.identity)
        return encoder

    def begin(self, made_by: EncoderIdentity, *, token_states: bool) -> None:
        """Begin to open a corpus's encoder for questions, in the background, and with
        `token_states` what gives those of passages.
        """
        if self._encoder is None:
            preload.begin(made_by, self.cache, token_states=token_states)

    def for_query(self, made_by: EncoderIdentity) -> Encoder:
        """The encoder to ask a corpus with; raises OtherEncoder or EncoderError."""
        if self._encoder is None:
            return preload.opened(made_by, self.cache)
        require_same(made_by, self._encoder.identity)
        return self._encoder

    def default_identity(self) -> EncoderIdentity:
        """Which encoder a new corpus would get."""
        if self._encoder is not None:
            return self._encoder.identity
        return self._load(DEFAULT_MODEL, "cpu", bulk=False).identity

    def _require_made_by(self, model: str, made_by: EncoderIdentity) -> None:
        """Raise OtherEncoder for a model that did not make a corpus, before it is converted."""
        from searchapp.encoders.model_folder import find_model
        from searchapp.types.vectors import EncoderIdentity

        folder = find_model(model, cache=self.cache)
        identity = EncoderIdentity(
            folder.model, folder.fingerprint, folder.dim, max_tokens=folder.max_length
        )
        require_same(made_by, identity)

    def _load(self, model: str, device: Device, *, bulk: bool) -> Encoder:
        from searchapp.encoders.loading import load_encoder

        return load_encoder(model, cache=self.cache, device=device, bulk=bulk)


def require_same(made_by: EncoderIdentity | None, encoder: EncoderIdentity) -> None:
    """Raise OtherEncoder where a corpus was made by another encoder."""
    if made_by is not None and made_by.fingerprint != encoder.fingerprint:
        raise OtherEncoder(
            f"this corpus was made by the encoder {made_by.model!r} ({made_by.fingerprint[:12]}), "
            f"not by {encoder.model!r} ({encoder.fingerprint[:12]}); vectors of two encoders "
            "cannot be compared",
            hint="leave --model, SEARCHAPP_MODEL or the setting out; to change the corpus's model: "
            "searchapp model use MODEL; or ingest into a new corpus with --corpus DIR "
            "--model MODEL",
        )
