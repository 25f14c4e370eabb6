"""Whether a model is whole: its weights, configuration, tokenizer and conversion, and whether the
corpus was made by it as it is.

Nothing is repaired. What is damaged or missing is a finding, never an exception.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from searchapp.encoders import openvino_engine
from searchapp.encoders.cache_entry import ConversionDamaged, disagreement, golden_batch
from searchapp.encoders.model_folder import DEFAULT_WEIGHTS_SHA256, find_model
from searchapp.encoders.model_info import model_info, tensors
from searchapp.encoders.numpy_engine import NumpyEngine
from searchapp.errors import EncoderError

if TYPE_CHECKING:
    from searchapp.config import Settings
    from searchapp.encoders.cache_entry import ConvertedModel
    from searchapp.encoders.model_folder import ModelFolder
    from searchapp.types.vectors import EncoderIdentity

# of a part; derived: wrong, but made again when it is needed
State: TypeAlias = Literal["sound", "note", "derived", "wrong"]

_EMBEDDINGS = re.compile(r"(?:^|\.)(?:word_embeddings|tok_embeddings)\.weight$")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class ModelPart:
    """One part of a model, and what was found about it."""

    name: str
    state: State
    finding: str
    hint: str = ""


def verify_model(
    model: str, settings: Settings, made_by: EncoderIdentity | None = None
) -> list[ModelPart]:
    """Verify each part of a model: weights hashed again, configuration, tokenizer, its conversion,
    and the corpus, whose encoder is `made_by`.

    The conversion is run on golden texts, whose vectors torch made when it was converted. A model
    that is damaged or missing raises nothing: that is the finding.
    """
    memory = _remembered(settings.cache)
    try:
        folder = find_model(model, cache=settings.cache)
        info = model_info(folder)
    except EncoderError as error:
        return [ModelPart("model", "wrong", str(error), error.hint)]
    parts = [_weights_part(folder, name, digest, memory) for name, digest in folder.weights]
    shape = (
        f"{info.family}, {info.layers} layers, {info.dim} dimensions, {info.pooling} "
        f"pooling, {info.max_length} tokens"
    )
    parts += [ModelPart("configuration", "sound", shape), _tokenizer_part(folder)]
    parts += [
        _conversion_part(folder, settings.cache),
        *_corpus_parts(folder, settings.place, made_by),
    ]
    return parts


def _remembered(cache: Path) -> Mapping[str, Any]:
    """What `model_folder` remembers of weights, by their path: size, mtime_ns, inode
    and SHA-256.
    """
    try:
        known = json.loads((cache / "weights.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _weights_part(
    folder: ModelFolder, name: str, digest: str, memory: Mapping[str, Any]
) -> ModelPart:
    """Whether the bytes of a weights file are those that were hashed before, and those that its
    publisher's name for them says.
    """
    place = (folder.path / name).resolve()
    with place.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    if sha256 != digest:
        finding = (
            f"SHA-256 {sha256}, though {digest} was found when it was hashed first, and size "
            "and times are the same"
        )
        return ModelPart(
            name,
            "wrong",
            finding,
            "The disk or the copy is failing: put a sound copy in its place.",
        )
    if _DIGEST.fullmatch(place.name) and place.name != sha256:
        return ModelPart(
            name,
            "wrong",
            f"SHA-256 {sha256}, not the {place.name} that the hub names it by",
            "Fetch it from the hub again.",
        )
    finding = f"SHA-256 {sha256}, {place.stat().st_size:,} bytes"
    if folder.model == "default" and sha256 == DEFAULT_WEIGHTS_SHA256:
        return ModelPart(name, "sound", f"{finding}: as released")
    before = memory.get(str(place))
    if isinstance(before, list) and len(before) == 4 and before[3] != sha256:
        hint = "If you have not put it there yourself, find out who has."
        return ModelPart(
            name,
            "note",
            f"{finding}; another file than before, which had SHA-256 {before[3]}",
            hint,
        )
    return ModelPart(name, "sound", finding if before is None else f"{finding}: as before")


def _tokenizer_part(folder: ModelFolder) -> ModelPart:
    from searchapp.encoders.torch_engine import read_model

    try:
        config, tokenizer = read_model(folder)
        rows = next(
            (
                tensor["shape"][0]
                for name, tensor in tensors(folder).items()
                if _EMBEDDINGS.search(name)
            ),
            None,
        )
    except EncoderError as error:
        return ModelPart("tokenizer", "wrong", str(error), error.hint)
    words = tokenizer.get_vocab_size()
    if rows is not None and words > rows:
        finding = f"it has {words:,} word pieces, and the model only {rows:,}"
        return ModelPart(
            "tokenizer", "wrong", finding, "They are not of one model: use its publisher's copy."
        )
    return ModelPart(
        "tokenizer",
        "sound",
        f"{words:,} word pieces; {config.identity.max_tokens} tokens of text to a passage",
    )


def _conversion_part(folder: ModelFolder, cache: Path) -> ModelPart:
    """Whether the model as it was converted for this processor gives the vectors that
    torch gave.
    """
    path = openvino_engine.entry_path(folder.fingerprint, cache)
    if not path.exists():
        return ModelPart(
            "conversion",
            "note",
            "not converted for this processor yet: it is when it is first needed",
        )
    try:
        entry = openvino_engine.read_entry(folder.fingerprint, cache, unhashed=())
        worst = max(_worst_disagreement(entry, bulk=bulk) for bulk in (False, True))
        if entry.has_question_weights:
            NumpyEngine(entry, thorough=True)
    except (ConversionDamaged, EncoderError) as error:
        return ModelPart(
            "conversion",
            "derived",
            str(error),
            f"Delete {path}: it is made anew when it is next needed.",
        )
    if not worst <= openvino_engine.TOLERANCES[entry.config.precision]:
        finding = f"its vectors are not the model's (1 - cosine {worst:.1e})"
        return ModelPart(
            "conversion",
            "derived",
            finding,
            f"Delete {path}: it is made anew when it is next needed.",
        )
    count = len(entry.config.golden)
    return ModelPart(
        "conversion",
        "sound",
        f"gives the vectors of {count} golden texts (1 - cosine at most {worst:.0e})",
    )


def _worst_disagreement(entry: ConvertedModel, *, bulk: bool) -> float:
    engine = openvino_engine.OpenVinoEngine(entry, bulk=bulk)
    golden = entry.config.golden
    vectors = engine.run([golden_batch(golden_text, entry.config) for golden_text in golden])
    return max(
        disagreement(rows[0], golden_text)
        for rows, golden_text in zip(vectors, golden, strict=True)
    )


def _corpus_parts(
    folder: ModelFolder, place: str, made_by: EncoderIdentity | None
) -> Iterator[ModelPart]:
    """Whether the corpus that names the model was made by it as it is."""
    if made_by is None:
        return
    if made_by.fingerprint == folder.fingerprint:
        yield ModelPart("corpus", "sound", f"{place} was made by this model")
    elif made_by.model == folder.model:
        finding = (
            f"{place} was made by this model as it was before (fingerprint "
            f"{made_by.fingerprint[:12]}, now {folder.fingerprint[:12]})"
        )
        yield ModelPart(
            "corpus",
            "wrong",
            finding,
            f"Put the model back as it was, or go over to it: searchapp model use {folder.model}",
        )
