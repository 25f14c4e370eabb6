"""What the tests of how things look share."""

from __future__ import annotations

from pathlib import Path

import pytest

from searchapp.encoders.model_info import ModelInfo, read_model_info


@pytest.fixture
def by(model_cache: Path) -> ModelInfo:
    return read_model_info("default", model_cache)
