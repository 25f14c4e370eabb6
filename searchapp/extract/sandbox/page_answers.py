"""A page of a PDF, asked for and answered: both halves of the words that a `PageReader` and its
worker exchange.

The parent sends {"page": {"member", "content_hash", "number"}} and beside these {"scale"} for a
picture, or {"text", "span"} for where that stands; the worker answers {"picture"}, base64, or
{"boxes", "width", "height", "pages"}, or {"changed"} where it finds other bytes than were asked
for, or {"outcome", "reason"} as for any file.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from searchapp.extract.pdf.png import require_png
from searchapp.types.results import PageBoxes

if TYPE_CHECKING:
    from searchapp.types.documents import Span

_MOST_PIXELS = 2000  # a side, as in pdf.page_picture
_MOST_BOXES = 1000
_MOST_POINTS = 1e6  # of a page's side


def picture_request(scale: float) -> dict[str, Any]:
    """What asks for a picture."""
    return {"scale": scale}


def boxes_request(text: str, span: Span | None) -> dict[str, Any]:
    """What asks where a text stands, or of it a span."""
    return {"text": text, "span": span}


def answer_of(data: bytes, name: str, page: Mapping[str, Any]) -> dict[str, Any]:
    """The worker's answer for a file. Raises FileError."""
    from searchapp.extract.pdf.page_picture import page_boxes, page_png

    pdf = _of_bytes(data, name, page)
    if pdf is None:
        return {"changed": True}
    number = int(page["number"])
    if "scale" in page:
        picture = page_png(pdf, number, float(page["scale"]))
        return {"picture": base64.b64encode(picture).decode()}
    span = page.get("span")
    found = page_boxes(pdf, number, str(page["text"]), span and (span[0], span[1]))
    return found._asdict()


def _of_bytes(data: bytes, name: str, page: Mapping[str, Any]) -> bytes | None:
    """The bytes of the file, or of the member of it, that is asked for; None where there are none
    with that hash.
    """
    from searchapp.extract.entries import Entry, entries

    member = base64.b64decode(page["member"]).decode("utf-8", "surrogateescape")
    own = Entry("", data, "pdf")
    for entry in entries(data, name) if member else (own,):
        if entry.member == member and entry.content_hash.hex() == page["content_hash"]:
            return entry.data
    return None


def picture_of(answer: Mapping[str, Any]) -> bytes:
    """The picture in an answer, b"" for a page that there is not. Raises ValueError, KeyError or
    TypeError for anything else: a file that has broken out of its reader may say anything.
    """
    picture = base64.b64decode(answer["picture"], validate=True)
    return require_png(picture, most=_MOST_PIXELS) if picture else b""


def boxes_of(answer: Mapping[str, Any]) -> PageBoxes:
    """The boxes in an answer. Raises as `picture_of` does."""
    boxes = tuple((_point(a), _point(b), _point(c), _point(d)) for a, b, c, d in answer["boxes"])
    pages = answer["pages"]
    if len(boxes) > _MOST_BOXES or not isinstance(pages, int) or pages < 0:
        raise ValueError("boxes that are none")
    return PageBoxes(_point(answer["width"]), _point(answer["height"]), boxes, pages)


def _point(value: object) -> float:
    if not isinstance(value, int | float) or not math.isfinite(value) or abs(value) > _MOST_POINTS:
        raise ValueError("a place that is none")
    return float(value)
