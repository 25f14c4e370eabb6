"""The models on this machine: installed, converted before, in folders, and in the hub's folder.

Changes nothing: no package is imported, no model converted, nothing fetched; a hub's name
leads to the hub's folder on this machine. The encodings of the corpus are given, so that nothing
here knows where a corpus is kept.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.metadata import distributions
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from searchapp.encoders import multilingual
from searchapp.encoders.model_folder import find_model, is_hub_name
from searchapp.encoders.model_info import ModelInfo, model_info
from searchapp.errors import EncoderError
from searchapp.types.encodings import CorpusEncodings
from searchapp.types.model_names import MULTILINGUAL

if TYPE_CHECKING:
    from searchapp.config import Settings
    from searchapp.types.vectors import EncoderIdentity

ModelOrigin: TypeAlias = Literal[
    "default", "package", "corpus", "settings", "folder", "cache", "hub"
]

_DEPTH = 3  # of folders in which models are looked for
_WEIGHTS = ("model.safetensors", "model.safetensors.index.json")
_RECORD = re.compile(r"^(.*/)(?:model\.safetensors|model\.safetensors\.index\.json),", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """A model that was found on this machine; `info`, or why it cannot be used; neither where it is
    still packed.
    """

    model: str
    origin: ModelOrigin
    info: ModelInfo | None = None
    problem: str = ""
    is_current: bool = False  # the corpus's
    kept: int | None = None  # documents of an encoding by it beside the corpus's current one


def installed_models(
    settings: Settings,
    encodings: CorpusEncodings = CorpusEncodings(),  # noqa: B008 - frozen
    folders: Sequence[Path] = (),
    *,
    hub: Path | None = None,
) -> list[InstalledModel]:
    """The models on this machine: the default one, the multilingual one where it is installed,
    those of installed packages, those that made the encodings of the corpus, those in the given
    folders, those converted before, and those in the hub's folder (`hub`, else where its library
    keeps it).

    A model that is found twice is listed once. In the hub's folder only encoders count.
    """
    kept = {
        other.encoder.fingerprint: other.documents
        for other in encodings.others
        if other.encoder is not None
    }
    named = [identity.model for identity in encodings.identities()]
    seen: set[Path] = set()
    models: list[InstalledModel] = []
    for model, origin, place in _candidates(settings, named, folders, hub):
        with suppress(OSError):
            if (key := (place or Path(model)).resolve()) in seen:
                continue
            seen.add(key)
        installed = _read(model, origin, place, settings.cache)
        if installed.info is None and origin in ("hub", "cache"):
            continue
        if installed.info is not None and installed.info.path.resolve() in seen - {key}:
            continue
        seen |= {installed.info.path.resolve()} if installed.info else set()
        fingerprint = (
            installed.info.fingerprint if installed.info else _fingerprint_of(model, encodings)
        )
        current = encodings.current
        is_current = current is not None and current.fingerprint == fingerprint
        models.append(replace(installed, is_current=is_current, kept=kept.get(fingerprint)))
    return models


def current_model(settings: Settings, made_by: EncoderIdentity | None) -> str:
    """The name of the model that made the corpus, else of the one that the next corpus would
    use.
    """
    return made_by.model if made_by else settings.model or "default"


def _candidates(
    settings: Settings, named: Sequence[str], folders: Sequence[Path], hub: Path | None
) -> Iterator[tuple[str, ModelOrigin, Path | None]]:
    """Names of models with where they come from, and their folders where the name alone does not
    lead to it, or only by the network.
    """
    yield "default", "default", None
    if multilingual.state(settings.cache) != "absent":
        yield MULTILINGUAL, "package", None
    hub = hub or _hub_folder()
    known: dict[str, ModelOrigin] = dict.fromkeys(named, "corpus")
    for model, origin in (known | ({settings.model: "settings"} if settings.model else {})).items():
        if model != "default":
            yield model, origin, _snapshot(hub, model) if is_hub_name(model) else None
    for folder in folders:
        yield from ((str(place), "folder", place) for place in _models_below(folder))
    yield from ((str(place), "package", place) for place in _packaged())
    for model in _converted(settings.cache):
        if model not in ("default", MULTILINGUAL) and not is_hub_name(model):
            yield model, "cache", Path(model)
    for entry in sorted(hub.glob("models--*--*")):
        name = entry.name.removeprefix("models--").replace("--", "/", 1)
        if place := _snapshot(hub, name):
            yield name, "hub", place


def _read(model: str, origin: ModelOrigin, place: Path | None, cache: Path) -> InstalledModel:
    if place is None and is_hub_name(model):
        return InstalledModel(model, origin, problem="it is not on this machine")
    if model == MULTILINGUAL and multilingual.state(cache) == "packed":
        return InstalledModel(model, origin)
    try:
        folder = find_model(model if place is None else str(place), cache=cache)
        return InstalledModel(model, origin, model_info(replace(folder, model=model)))
    except EncoderError as error:
        return InstalledModel(model, origin, problem=str(error))


def _fingerprint_of(model: str, encodings: CorpusEncodings) -> str:
    """The fingerprint under which a model that cannot be read made an encoding of the corpus; ""
    where it made none.
    """
    made = (identity for identity in encodings.identities() if identity.model == model)
    return next((identity.fingerprint for identity in made), "")


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
            content = json.loads(entry.read_text(encoding="utf-8"))["content"]
            names.add(str(content["recipe"]["identity"]["model"]))
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
