"""Text in pictures, by models that come with the package of the OCR: the one place that knows it.

It is an extra: `is_available` asks whether it is installed, without importing anything.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

_MIN_CONFIDENCE = 0.5  # of a recognised line
_NEW_PARAGRAPH = 0.8  # of a line's height: a wider gap between lines
_CELL = 15  # letters: columns of prose have longer lines, columns of tables shorter ones
_MIN_LINES = 4  # of a column

_Box = tuple[float, float, float, float]  # left, top, right, bottom, px
_Piece = tuple[_Box, str]


@cache
def is_available() -> bool:
    """Whether the OCR is installed."""
    return find_spec("rapidocr") is not None


def text_of(image: Any) -> str:
    """The text in a PIL image: a line each, a blank line between paragraphs; "" where there is
    none.
    """
    import numpy as np

    try:
        result = _engine()(np.asarray(image.convert("RGB"))[:, :, ::-1])  # (height, width, 3), BGR
    except Exception as error:
        if "alloc" in str(error):  # the engine has no exception of its own for it
            raise MemoryError from error
        raise
    if result.txts is None or result.boxes is None:
        return ""
    pieces = []
    for text, corners in zip(result.txts, result.boxes, strict=True):
        if text.strip():
            left, top, right, bottom = (
                float(side) for side in (*corners.min(axis=0), *corners.max(axis=0))
            )
            pieces.append(((left, top, right, bottom), text.strip()))
    return in_reading_order(pieces)


def in_reading_order(pieces: Sequence[_Piece]) -> str:
    """Pieces of text with their boxes as lines from top to bottom, a blank line where a gap shows a
    new paragraph.

    Where the page is set in two columns, the left one comes before the right one; the rows of
    tables stay together.
    """
    height = median(box[3] - box[1] for box, _ in pieces) if pieces else 0.0
    gutter = _gutter(pieces)
    if gutter is None:
        return _in_lines(pieces, height)
    texts = []
    left: list[_Piece] = []
    right: list[_Piece] = []
    for piece in sorted(pieces, key=lambda placed: placed[0][1]):
        if piece[0][2] <= gutter:
            left.append(piece)
        elif piece[0][0] >= gutter:
            right.append(piece)
        else:  # what spans both columns ends them
            texts += [_in_lines(left, height), _in_lines(right, height), piece[1]]
            left, right = [], []
    texts += [_in_lines(left, height), _in_lines(right, height)]
    return "\n\n".join(text for text in texts if text)


def _gutter(pieces: Sequence[_Piece]) -> float | None:
    """Where the gap between two columns of prose runs, in px from the left; None for one column and
    for tables.
    """
    if len(pieces) < 2 * _MIN_LINES:
        return None
    first, last = min(box[0] for box, _ in pieces), max(box[2] for box, _ in pieces)
    starts = [box[0] for box, _ in pieces if 0.3 < (box[0] - first) / (last - first) < 0.7]
    best = min(
        starts, key=lambda start: sum(box[0] < start < box[2] for box, _ in pieces), default=None
    )
    if best is None:
        return None
    left = [len(text) for box, text in pieces if box[2] <= best]
    right = [len(text) for box, text in pieces if box[0] >= best]
    if min(len(left), len(right)) < _MIN_LINES or len(left) + len(right) < 0.8 * len(pieces):
        return None
    return best if min(median(left), median(right)) > _CELL else None


def _in_lines(pieces: Sequence[_Piece], height: float) -> str:
    """One column's text; `height` is a line's."""
    lines: list[tuple[float, float, list[_Piece]]] = []  # top, bottom, pieces
    for box, text in sorted(pieces, key=lambda piece: (piece[0][1] + piece[0][3], piece[0][0])):
        if lines and lines[-1][0] <= (box[1] + box[3]) / 2 <= lines[-1][1]:
            lines[-1][2].append((box, text))
        else:
            lines.append((box[1], box[3], [(box, text)]))
    text = ""
    previous = 0.0
    for top, bottom, line in lines:
        gap = "\n\n" if top - previous > _NEW_PARAGRAPH * height else "\n"
        text += (gap if text else "") + " ".join(
            word for _, word in sorted(line, key=lambda piece: piece[0][0])
        )
        previous = bottom
    return text


@cache
def _engine() -> Any:  # rapidocr is untyped
    """The engine with its models, one a process, quiet, on one core: the processes share out the
    others among them.
    """
    from rapidocr import EngineType, RapidOCR

    return RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.text_score": _MIN_CONFIDENCE,
            "Rec.rec_batch_num": 1,  # lines of one batch are padded to the longest
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            **{f"{step}.engine_type": EngineType.ONNXRUNTIME for step in ("Det", "Cls", "Rec")},
        }
    )
