"""How a passage is cited: where a reader finds it again. Pure."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from searchapp.humanize import one_line, place_text

if TYPE_CHECKING:
    from searchapp.types.documents import Hit


def citation(hit: Hit, metadata: Mapping[str, str]) -> str:
    """Title, author, date, place and path, as far as they are known: "Tides, A. Meyer, 2019-04-02,
    p. 46, /docs/tides.pdf".
    """
    date = metadata.get("date", "").partition("T")[0]
    place = place_text(hit.passage.place)
    parts = (hit.title, metadata.get("author", ""), date, place, os.fsdecode(hit.path))
    return ", ".join(one_line(part) for part in parts if part.strip())
