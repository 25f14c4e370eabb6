"""The last answer, so that one of its matches can be named: which passages it showed and where they
stand, and nothing of their text.

One small file a corpus, 0600, in the cache folder; it may be deleted at any time. Knows neither
corpus nor reader.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from searchapp.errors import BadFilter

if TYPE_CHECKING:
    from searchapp.types.results import Answer


def remember(answer: Answer, corpus: str, cache: Path) -> None:
    """Keep which passages an answer showed, in place of the one before; a cache that cannot be
    written keeps nothing.
    """
    file = _file(corpus, cache)
    shown = []
    for hit in (match.hit for match in answer.matches):
        place = dict(hit.passage.place)
        line, page = place.get("line_start"), place.get("page")
        shown.append([hit.passage_id, os.fsdecode(hit.path), line, page])
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, name = tempfile.mkstemp(dir=file.parent, prefix="tmp-")  # 0600
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as temporary:
                json.dump(shown, temporary)
            Path(name).replace(file)
        finally:
            Path(name).unlink(missing_ok=True)


def recall(number: int, corpus: str, cache: Path) -> tuple[int, str]:
    """The passage, by id and path, of the last answer's match of that rank. Raises BadFilter where
    there is none.
    """
    passage_id, path, _, _ = _recalled(number, corpus, cache)
    return passage_id, path


def recall_place(number: int, corpus: str, cache: Path) -> tuple[str, int | None, int | None]:
    """The path, first line and page of the last answer's match of that rank; None where it has no
    such place. Raises BadFilter where there is no match.
    """
    _, path, line, page = _recalled(number, corpus, cache)
    return path, line, page


def _recalled(number: int, corpus: str, cache: Path) -> tuple[int, str, int | None, int | None]:
    try:
        shown = json.loads(_file(corpus, cache).read_text(encoding="utf-8"))
        entry = dict(enumerate(shown, 1))[number]
        passage_id, path, line, page = (*entry, None, None)[:4]  # once without a place
        return int(passage_id), str(path), line and int(line), page and int(page)
    except (OSError, ValueError, LookupError, TypeError) as error:
        hint = "ask a question first, then name a match by the number before it"
        raise BadFilter(f"the last answer has no match {number}", hint=hint) from error


def _file(corpus: str, cache: Path) -> Path:
    return (
        cache
        / "answers"
        / f"{hashlib.blake2b(os.fsencode(corpus), digest_size=8).hexdigest()}.json"
    )
