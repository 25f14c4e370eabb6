"""The models at hand, what each is, and whether it is whole.

Looks and changes nothing: no package is imported, no model converted, nothing fetched; a hub's name
leads to the hub's folder on this machine, and to the network only in `look_at` and `verify`, where
someone has named it. What a model says of itself is in its folder's JSON and in the header of its
weights, so that torch is not needed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.metadata import distributions
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from searchapp.backends.sqlite import shadow
from searchapp.backends.sqlite.reader import SqliteReader
from searchapp.encoders import openvino_engine
from searchapp.encoders.model_folder import DEFAULT_WEIGHTS_SHA256, find_model, is_hub_name
from searchapp.errors import CorpusError, EncoderError

if TYPE_CHECKING:
    from searchapp.config import Settings
    from searchapp.encoders.model_folder import ModelFolder
    from searchapp.types.vectors import EncoderIdentity

Origin: TypeAlias = Literal["default", "package", "corpus", "settings", "folder", "cache", "hub"]
State: TypeAlias = Literal[
    "sound", "note", "derived", "wrong"
]  # of a part; derived: wrong, but made anew when it is needed

_DEPTH = 3  # of folders in which models are looked for
_WEIGHTS = ("model.safetensors", "model.safetensors.index.json")
_RECORD = re.compile(r"^(.*/)(?:model\.safetensors|model\.safetensors\.index\.json),", re.MULTILINE)
_EMBEDDINGS = re.compile(r"(?:^|\.)(?:word_embeddings|tok_embeddings)\.weight$")
_MASKED_HEAD = re.compile(
    r"^(?:cls\.predictions|lm_head|vocab_(?:transform|projector)|generator_(?:predictions|lm_head)|decoder)\."
)
_LICENCE = re.compile(r"^licen[sc]e:[ \t]*['\"]?([^\s'\"#]+)", re.MULTILINE | re.IGNORECASE)
_DIGEST = re.compile(r"[0-9a-f]{64}")
_HEADER_BYTES = 100 * 2**20  # the most that the format allows


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What a model is."""

    model: str  # its name: "default", a folder or a hub name
    path: Path
    family: str
    layers: int
    heads: int
    dim: int
    max_length: int  # tokens, special tokens included
    vocabulary: int
    pooling: str
    query_prompt: str
    document_prompt: str
    parameters: int
    precision: str  # of its numbers, as "F32"
    weights: tuple[tuple[str, int, str], ...]  # file, bytes, SHA-256
    fingerprint: str
    licence: str  # "" where it says none
    has_masked_head: bool  # it can fill in a missing word

    @property
    def size(self) -> int:
        """The bytes of its weights."""
        return sum(size for _, size, _ in self.weights)


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """A model that was found on this machine; `facts`, or why it cannot be used."""

    model: str
    origin: Origin
    facts: ModelInfo | None = None
    problem: str = ""
    is_current: bool = False  # the corpus's
    kept: int | None = (
        None  # the documents that another encoding of the corpus has by it, half built or kept
    )


@dataclass(frozen=True, slots=True)
class Part:
    """What was found of one part of a model."""

    name: str
    state: State
    told: str
    hint: str = ""


# ---- which there are -----------------------------------------------------------------------------


def at_hand(
    settings: Settings, folders: Sequence[Path] = (), *, hub: Path | None = None
) -> list[InstalledModel]:
    """The models on this machine: the default one, those of installed packages, of the corpus, in
    the given folders, that were converted before, and in the hub's folder (`hub`, else where its
    library keeps it). One that is found twice counts once; in the hub's folder what is no encoder
    does not count.
    """
    current, others = _made_by(settings.corpus)
    kept = {
        other.encoder.fingerprint: other.documents for other in others if other.encoder is not None
    }
    named = [
        identity.model
        for identity in (current, *(other.encoder for other in others))
        if identity is not None
    ]
    seen: set[Path] = set()
    found: list[InstalledModel] = []
    for model, origin, place in _candidates(settings, named, folders, hub):
        with suppress(OSError):
            if (key := (place or Path(model)).resolve()) in seen:
                continue
            seen.add(key)
        each = _found(model, origin, place, settings.cache)
        if each.facts is None and origin in ("hub", "cache"):
            continue
        if each.facts is not None and each.facts.path.resolve() in seen - {key}:
            continue
        seen |= {each.facts.path.resolve()} if each.facts else set()
        fingerprint = (
            each.facts.fingerprint if each.facts else _fingerprint_of(model, current, others)
        )
        is_current = current is not None and current.fingerprint == fingerprint
        found.append(replace(each, is_current=is_current, kept=kept.get(fingerprint)))
    return found


def current_model(settings: Settings) -> str:
    """The name of the model that the corpus uses, else of the one that the next corpus would."""
    current, _ = _made_by(settings.corpus)
    return current.model if current else settings.model or "default"


def _candidates(
    settings: Settings, named: Sequence[str], folders: Sequence[Path], hub: Path | None
) -> Iterator[tuple[str, Origin, Path | None]]:
    """Names of models with where they come from, and their folders where the name alone does not
    lead to it, or only by the network.
    """
    yield "default", "default", None
    hub = hub or _hub_folder()
    known: dict[str, Origin] = dict.fromkeys(named, "corpus")
    for model, origin in (known | ({settings.model: "settings"} if settings.model else {})).items():
        if model != "default":
            yield model, origin, _snapshot(hub, model) if is_hub_name(model) else None
    for folder in folders:
        yield from ((str(place), "folder", place) for place in _models_below(folder))
    yield from ((str(place), "package", place) for place in _packaged())
    for model in _converted(settings.cache):
        if model != "default" and not is_hub_name(model):
            yield model, "cache", Path(model)
    for entry in sorted(hub.glob("models--*--*")):
        name = entry.name.removeprefix("models--").replace("--", "/", 1)
        if place := _snapshot(hub, name):
            yield name, "hub", place


def _found(model: str, origin: Origin, place: Path | None, cache: Path) -> InstalledModel:
    if place is None and is_hub_name(model):
        return InstalledModel(model, origin, problem="it is not on this machine")
    try:
        folder = find_model(model if place is None else str(place), cache=cache)
        return InstalledModel(model, origin, _facts(replace(folder, model=model)))
    except EncoderError as error:
        return InstalledModel(model, origin, problem=str(error))


def _made_by(corpus: Path) -> tuple[EncoderIdentity | None, list[shadow.OtherEncoding]]:
    """The encoder of the corpus, where it can be read, and its other encodings."""
    try:
        with SqliteReader(corpus) as snapshot:
            return snapshot.encoder, shadow.others(corpus)
    except CorpusError:
        return None, []


def _fingerprint_of(
    model: str, current: EncoderIdentity | None, others: Iterable[shadow.OtherEncoding]
) -> str:
    """The fingerprint under which a model that cannot be read made an encoding of the corpus; ""
    where it made none.
    """
    identities = (current, *(other.encoder for other in others))
    return next(
        (each.fingerprint for each in identities if each is not None and each.model == model), ""
    )


def _packaged() -> Iterator[Path]:
    """The folders in installed packages that hold a model's weights, as their lists of
    files say.
    """
    for package in distributions():
        for match in _RECORD.finditer(package.read_text("RECORD") or ""):
            yield Path(str(package.locate_file(match[1])))


def _models_below(folder: Path) -> Iterator[Path]:
    """The models at or below a folder, not too deep, by name."""
    top = folder.expanduser().absolute()
    if _is_model(top):
        yield top
        return
    for place, names, _ in os.walk(top):
        depth = len(Path(place).relative_to(top).parts)
        models = [name for name in sorted(names) if _is_model(Path(place) / name)]
        yield from (Path(place) / name for name in models)
        names[:] = [name for name in sorted(names) if name not in models and depth + 1 < _DEPTH]


def _is_model(folder: Path) -> bool:
    has_weights = any((folder / name).exists() for name in (*_WEIGHTS, "pytorch_model.bin"))
    return (folder / "modules.json").is_file() or (
        (folder / "config.json").is_file() and has_weights
    )


def _converted(cache: Path) -> list[str]:
    """The names under which models were converted on this machine."""
    names = set()
    for entry in cache.glob("encoders/*/encoder.json"):
        with suppress(OSError, ValueError, LookupError, TypeError):
            names.add(
                str(
                    json.loads(entry.read_text(encoding="utf-8"))["content"]["recipe"]["identity"][
                        "model"
                    ]
                )
            )
    return sorted(names)


def _hub_folder() -> Path:
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def _snapshot(hub: Path, name: str) -> Path | None:
    """The folder of a hub's model on this machine, as its main branch was when it was fetched; None
    where there is none.
    """
    entry = hub / f"models--{name.replace('/', '--')}"
    with suppress(OSError, ValueError):
        place = entry / "snapshots" / (entry / "refs" / "main").read_text(encoding="utf-8").strip()
        if place.is_dir():
            return place
    return None


# ---- what one is ---------------------------------------------------------------------------------


def look_at(model: str, cache: Path) -> ModelInfo:
    """What a model is, by its name; raises EncoderError as `find_model` does."""
    return _facts(find_model(model, cache=cache))


def converted_size(facts: ModelInfo, cache: Path) -> int | None:
    """The bytes of the model as it was converted for this processor, None where it was not, or has
    to be again.
    """
    try:
        entry = openvino_engine.read_entry(facts.fingerprint, cache)
    except openvino_engine.EntryDamaged:
        return None
    return sum(file.stat().st_size for file in entry.path.iterdir())


def _facts(folder: ModelFolder) -> ModelInfo:
    config = json.loads((folder.path / "config.json").read_text(encoding="utf-8"))
    tensors = _tensors(folder)
    return ModelInfo(
        model=folder.model,
        path=folder.path,
        family=folder.family,
        layers=folder.depth,
        heads=int(config.get("num_attention_heads") or config.get("n_heads") or 0),
        dim=folder.dim,
        max_length=folder.max_length,
        vocabulary=int(config.get("vocab_size") or 0),
        pooling=folder.pooling,
        query_prompt=folder.query_prompt,
        document_prompt=folder.document_prompt,
        parameters=sum(_count(tensor["shape"]) for tensor in tensors.values()),
        precision=", ".join(
            sorted(
                {
                    str(tensor["dtype"])
                    for tensor in tensors.values()
                    if str(tensor["dtype"])[0] != "I"
                }
            )
        ),
        weights=tuple(
            (name, (folder.path / name).stat().st_size, digest) for name, digest in folder.weights
        ),
        fingerprint=folder.fingerprint,
        licence=_licence(folder.path),
        has_masked_head=any(_MASKED_HEAD.match(name) for name in tensors),
    )


def _tensors(folder: ModelFolder) -> Mapping[str, Mapping[str, Any]]:  # JSON
    """Every tensor's `dtype`, `shape` and `data_offsets` by name; raises EncoderError where the
    weights are not whole.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for name, _ in folder.weights:
        found |= _header(folder.path / name)
    return found


def _header(path: Path) -> Mapping[str, Mapping[str, Any]]:
    """What the weights in a file are (https://huggingface.co/docs/safetensors): a length, JSON of
    that length, then the numbers.
    """
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 0 < length <= _HEADER_BYTES:
                raise ValueError("it does not begin as one")
            header = json.loads(file.read(length))
        header.pop("__metadata__", None)
        end = 8 + length + max((each["data_offsets"][1] for each in header.values()), default=0)
        if end != path.stat().st_size:
            raise ValueError(f"it has {path.stat().st_size:,} bytes instead of {end:,}")
        return {
            str(name): {"dtype": each["dtype"], "shape": [int(n) for n in each["shape"]]}
            for name, each in header.items()
        }
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise EncoderError(
            f"{path} is no whole file of weights: {error}.", hint="Use a whole copy of the model."
        ) from error


def _count(shape: Sequence[int]) -> int:
    product = 1
    for length in shape:
        product *= length
    return product


def _licence(folder: Path) -> str:
    """The licence that a model's card names, else the file that states it; "" where there is
    neither.
    """
    for place in (folder, folder.parent):
        with suppress(OSError):
            card = (place / "README.md").read_text(encoding="utf-8", errors="replace")
            if card.startswith("---") and (stated := _LICENCE.search(card.split("\n---", 1)[0])):
                return stated[1]
    return next((f"see {path}" for path in sorted(folder.glob("LICEN[CS]E*"))), "")


# ---- whether it is whole -------------------------------------------------------------------------


def verify(model: str, settings: Settings) -> list[Part]:
    """What is found of each part of a model: weights hashed anew, configuration, tokenizer, its
    conversion, and the corpus made by it.

    The conversion is run on golden texts, whose vectors torch made when it was converted. Raises
    nothing for a model that is damaged or missing: that is what is found.
    """
    memory = _remembered(settings.cache)
    try:
        folder = find_model(model, cache=settings.cache)
        facts = _facts(folder)
    except EncoderError as error:
        return [Part("model", "wrong", str(error), error.hint)]
    parts = [_weights_part(folder, name, digest, memory) for name, digest in folder.weights]
    shape = (
        f"{facts.family}, {facts.layers} layers, {facts.dim} dimensions, {facts.pooling} "
        f"pooling, {facts.max_length} tokens"
    )
    parts += [Part("configuration", "sound", shape), _tokenizer_part(folder)]
    parts += [_conversion_part(folder, settings.cache), *_corpus_parts(folder, settings.corpus)]
    return parts


def _remembered(cache: Path) -> Mapping[str, Any]:
    """What `modelfolder` remembers of weights, by their path: size, mtime_ns, inode and SHA-256."""
    try:
        known = json.loads((cache / "weights.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _weights_part(folder: ModelFolder, name: str, digest: str, memory: Mapping[str, Any]) -> Part:
    """Whether the bytes of a weights file are those that were hashed before, and those that its
    publisher's name for them says.
    """
    place = (folder.path / name).resolve()
    with place.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != digest:
        told = (
            f"SHA-256 {found}, though {digest} was found when it was hashed first, and size "
            "and times are the same"
        )
        return Part(
            name, "wrong", told, "The disk or the copy is failing: put a sound copy in its place."
        )
    if _DIGEST.fullmatch(place.name) and place.name != found:
        return Part(
            name,
            "wrong",
            f"SHA-256 {found}, not the {place.name} that the hub names it by",
            "Fetch it from the hub again.",
        )
    told = f"SHA-256 {found}, {place.stat().st_size:,} bytes"
    if folder.model == "default" and found == DEFAULT_WEIGHTS_SHA256:
        return Part(name, "sound", f"{told}: as released")
    before = memory.get(str(place))
    if isinstance(before, list) and len(before) == 4 and before[3] != found:
        hint = "If you have not put it there yourself, find out who has."
        return Part(
            name, "note", f"{told}; another file than before, which had SHA-256 {before[3]}", hint
        )
    return Part(name, "sound", told if before is None else f"{told}: as before")


def _tokenizer_part(folder: ModelFolder) -> Part:
    from searchapp.encoders.torch_engine import read_model

    try:
        recipe, tokenizer = read_model(folder)
        rows = next(
            (
                tensor["shape"][0]
                for name, tensor in _tensors(folder).items()
                if _EMBEDDINGS.search(name)
            ),
            None,
        )
    except EncoderError as error:
        return Part("tokenizer", "wrong", str(error), error.hint)
    words = tokenizer.get_vocab_size()
    if rows is not None and words > rows:
        told = f"it has {words:,} word pieces, and the model only {rows:,}"
        return Part(
            "tokenizer", "wrong", told, "They are not of one model: use its publisher's copy."
        )
    return Part(
        "tokenizer",
        "sound",
        f"{words:,} word pieces; {recipe.identity.max_tokens} tokens of text to a passage",
    )


def _conversion_part(folder: ModelFolder, cache: Path) -> Part:
    """Whether the model as it was converted for this processor gives the vectors that
    torch gave.
    """
    path = openvino_engine.entry_path(folder.fingerprint, cache)
    if not path.exists():
        return Part(
            "conversion",
            "note",
            "not converted for this processor yet: it is when it is first needed",
        )
    try:
        entry = openvino_engine.read_entry(folder.fingerprint, cache, is_thorough=True)
        worst = max(_worst_disagreement(entry, is_batch=is_batch) for is_batch in (False, True))
    except (openvino_engine.EntryDamaged, EncoderError) as error:
        return Part(
            "conversion",
            "derived",
            str(error),
            f"Delete {path}: it is made anew when it is next needed.",
        )
    if not worst <= openvino_engine.tolerance():
        told = f"its vectors are not the model's (1 - cosine {worst:.1e})"
        return Part(
            "conversion", "derived", told, f"Delete {path}: it is made anew when it is next needed."
        )
    count = len(entry.recipe.golden)
    return Part(
        "conversion",
        "sound",
        f"gives the vectors of {count} golden texts (1 - cosine at most {worst:.0e})",
    )


def _worst_disagreement(entry: openvino_engine.Entry, *, is_batch: bool) -> float:
    engine = openvino_engine.OpenVinoEngine(entry, is_batch=is_batch)
    golden = entry.recipe.golden
    vectors = engine.run([openvino_engine.golden_batch(each, entry.recipe) for each in golden])
    return max(
        openvino_engine.disagreement(rows[0], each)
        for rows, each in zip(vectors, golden, strict=True)
    )


def _corpus_parts(folder: ModelFolder, corpus: Path) -> Iterator[Part]:
    """Whether the corpus that names the model was made by it as it is."""
    current, _ = _made_by(corpus)
    if current is None:
        return
    if current.fingerprint == folder.fingerprint:
        yield Part("corpus", "sound", f"{corpus} was made by this model")
    elif current.model == folder.model:
        told = (
            f"{corpus} was made by this model as it was before (fingerprint "
            f"{current.fingerprint[:12]}, now {folder.fingerprint[:12]})"
        )
        yield Part(
            "corpus",
            "wrong",
            told,
            f"Put the model back as it was, or go over to it: searchapp model use {folder.model}",
        )
