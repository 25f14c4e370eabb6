"""A backend that keeps one encoding lists it, and refuses what takes a second one."""

from __future__ import annotations

from contextlib import closing

import pytest

from searchapp.errors import Unsupported
from searchapp.maintenance.encodings import drop_encoding, encodings_of
from searchapp.maintenance.reembed import reembed
from searchapp.testing import HashEncoder, MemoryBackend
from searchapp.types.encodings import CorpusEncodings


@pytest.fixture
def backend() -> MemoryBackend:
    backend = MemoryBackend()
    with closing(backend.writer()) as writer:
        writer.set_encoder(HashEncoder().identity)
        writer.commit()
    return backend


def test_the_one_encoding_of_a_backend_is_listed(backend: MemoryBackend) -> None:
    assert encodings_of(backend) == CorpusEncodings(HashEncoder().identity)
    assert encodings_of(MemoryBackend()) == CorpusEncodings()


def test_another_model_is_refused_where_a_backend_keeps_one_encoding(
    backend: MemoryBackend,
) -> None:
    with pytest.raises(Unsupported, match="MemoryBackend") as caught:
        reembed(backend, HashEncoder(dim=128, max_tokens=24))
    assert (caught.value.code, "--model" in caught.value.hint) == ("unsupported", True)
    with pytest.raises(Unsupported):
        drop_encoding(backend, "default")
    assert encodings_of(backend).current == HashEncoder().identity
