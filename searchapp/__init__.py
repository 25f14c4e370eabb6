"""Search your own documents by meaning, on your own machine.

The package root holds the version, and the `Encoder` for whoever wants vectors in Python; importing
the root, or any one module, costs that module alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from searchapp.encoders.encoder import Encoder

__all__ = ["Encoder", "__version__"]
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    if name != "Encoder":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from searchapp.encoders.encoder import Encoder

    return Encoder
