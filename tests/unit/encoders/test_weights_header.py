"""A model that is not what it says is refused at once, with what helps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from searchapp.encoders.model_folder import find_model
from searchapp.errors import EncoderError

CONFIG = {
    "model_type": "bert",
    "num_hidden_layers": 2,
    "hidden_size": 4,
    "intermediate_size": 8,
    "vocab_size": 10,
    "max_position_embeddings": 6,
}
NUMBERS = (10 + 6) * 4 + 2 * (4 * 4 + 2 * 8) * 4  # the least that such a model has


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder of a model as small as its config allows."""
    write(tmp_path, CONFIG, NUMBERS)
    return tmp_path


def write(folder: Path, config: dict[str, Any], numbers: int, **header: Any) -> None:
    tensors = {"all": {"dtype": "F32", "shape": [numbers], "data_offsets": [0, 4 * numbers]}}
    described = json.dumps({"__metadata__": {"format": "pt"}, **tensors, **header}).encode()
    weights = len(described).to_bytes(8, "little") + described + bytes(4 * numbers)
    (folder / "model.safetensors").write_bytes(weights)
    (folder / "config.json").write_text(json.dumps(config))


def refusal(folder: Path) -> EncoderError:
    with pytest.raises(EncoderError) as caught:
        find_model(str(folder), cache=folder / "cache")
    return caught.value


def test_a_whole_model_is_taken(model: Path) -> None:
    assert find_model(str(model), cache=model / "cache").depth == 2


@pytest.mark.parametrize(
    "changed",
    [
        {"num_hidden_layers": 1_000_000},
        {"num_hidden_layers": 6},
        {"num_hidden_layers": 10**30},
        {"num_hidden_layers": 1_000_000, "hidden_size": 0},
        {"hidden_size": 2**40},
        {"intermediate_size": 10**9},
        {"vocab_size": 10**12},
        {"max_position_embeddings": 10**12},
    ],
)
def test_a_config_of_more_than_the_weights_hold_is_refused(
    model: Path, changed: dict[str, int]
) -> None:
    write(model, CONFIG | changed, NUMBERS)
    error = refusal(model)
    assert "is not what its config.json says" in str(error)
    assert "publisher's copy of config.json" in error.hint


@pytest.mark.parametrize("wrong", ["many", -1, 2.5, [2], True, {}])
def test_a_config_of_no_numbers_is_refused(model: Path, wrong: object) -> None:
    write(model, CONFIG | {"num_hidden_layers": wrong}, NUMBERS)
    assert "num_hidden_layers in config.json is no number" in str(refusal(model))


@pytest.mark.parametrize("length", [0, 3, 8, 9, 60, 200, -1, -100])
def test_cut_weights_are_refused_with_the_cure(model: Path, length: int) -> None:
    weights = model / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:length])
    error = refusal(model)
    assert "is no whole file of weights" in str(error)
    assert error.hint == "Use a whole copy of the model."


@pytest.mark.parametrize(
    "header",
    [
        {"all": {"dtype": "F32", "shape": [10**30], "data_offsets": [0, 4 * NUMBERS]}},
        {"all": {"dtype": "F32", "shape": ["x"], "data_offsets": [0, 4 * NUMBERS]}},
        {"all": {"dtype": "F32", "shape": [1], "data_offsets": [0, "end"]}},
        {"all": {"dtype": "F32", "shape": [1]}},
        {"all": []},
        {"more": {"dtype": "F32", "shape": [9], "data_offsets": [0, 10**9]}},
    ],
)
def test_weights_that_make_no_sense_are_refused(model: Path, header: dict[str, Any]) -> None:
    write(model, CONFIG, NUMBERS, **header)
    assert "is no whole file of weights" in str(refusal(model))


def test_weights_over_several_files_count_together(model: Path) -> None:
    weights = model / "model.safetensors"
    write(model, CONFIG, NUMBERS - 100)
    weights.rename(model / "a.safetensors")
    write(model, CONFIG, 100)
    weights.rename(model / "b.safetensors")
    index = {"weight_map": {"x": "a.safetensors", "y": "b.safetensors"}}
    (model / "model.safetensors.index.json").write_text(json.dumps(index))
    assert find_model(str(model), cache=model / "cache").depth == 2
