"""Where passages are embedded: the path that a GPU takes, exercised on the processor; on a GPU
itself where there is one.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from searchapp import config
from searchapp.encoders.loading import load_encoder
from searchapp.encoders.model_folder import find_model
from searchapp.encoders.text_encoder import BUCKET, TextEncoder
from searchapp.encoders.torch_engine import GPU_BATCH_TOKENS, TorchEngine, read_model
from searchapp.errors import EncoderError, UsageError

if TYPE_CHECKING:
    from searchapp.encoders.cache_entry import Batch

pytestmark = pytest.mark.model
TEXTS = [" ".join(f"word{i * j}" for j in range(1 + i % 60)) for i in range(90)]


def has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> TextEncoder:
    return load_encoder(
        "default", cache=tmp_path_factory.mktemp("cache"), engine="torch", device="cpu"
    )


class Recording(TorchEngine):
    """A GPU's engine on the processor: its budget and its precision; remembers the batches."""

    def run(self, batches: object, *, token_states: bool = False) -> list[np.ndarray]:
        kept: list[Batch] = list(batches)  # type: ignore[call-overload]
        self.shapes = [*getattr(self, "shapes", []), *(batch.ids.shape for batch in kept)]
        return super().run(kept, token_states=token_states)


def test_in_bf16_and_large_batches_vectors_are_those_of_the_reference(
    reference: TextEncoder, tmp_path: Path
) -> None:
    folder = find_model("default", cache=tmp_path)
    engine = Recording(folder, bf16=True)
    engine.batch_tokens = GPU_BATCH_TOKENS
    rows = TextEncoder(*read_model(folder), engine).encode_passages(TEXTS)
    assert rows.dtype == np.float32
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1, abs=1e-6)
    assert (rows * reference.encode_passages(TEXTS)).sum(1).min() > 0.999
    assert all(length % BUCKET == 0 for _, length in engine.shapes)
    assert len(engine.shapes) == len(
        {length for _, length in engine.shapes}
    )  # texts of one padded length all run together
    assert sum(count for count, _ in engine.shapes) == len(TEXTS)


def test_many_windows_give_the_rows_in_order(reference: TextEncoder) -> None:
    texts = [f"number {i % 7}" for i in range(2_500)]
    rows = reference.encode_passages(texts)
    assert np.array_equal(rows, rows[:7][np.arange(2_500) % 7])


def test_a_gpu_that_is_asked_for_and_not_there_is_an_error_with_its_cure(tmp_path: Path) -> None:
    if has_gpu():
        pytest.skip("there is a GPU here")
    with pytest.raises(EncoderError, match="no GPU") as caught:
        load_encoder("default", cache=tmp_path, device="cuda")
    assert "--device" in caught.value.hint


def test_on_a_gpu_vectors_are_those_of_the_reference(
    reference: TextEncoder, tmp_path: Path
) -> None:
    if not has_gpu():
        pytest.skip("no GPU that torch can use")
    encoder = load_encoder("default", cache=tmp_path, device="cuda")
    assert (encoder.encode_passages(TEXTS) * reference.encode_passages(TEXTS)).sum(1).min() > 0.999


def test_the_device_is_a_flag_a_variable_or_a_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert config.load().device == "auto"
    (tmp_path / "searchapp").mkdir()
    (tmp_path / "searchapp/config.toml").write_text('device = "cpu"\n')
    assert config.load().device == "cpu"
    monkeypatch.setenv("SEARCHAPP_DEVICE", "cuda")
    assert config.load().device == "cuda"
    assert config.load(device="auto").device == "auto"
    with pytest.raises(UsageError, match="no device 'tpu'"):
        config.load(device="tpu")
