"""Write the table of every ending into the page of the formats, from the tables of the readers:
`python -m tools.format_table`. What is read only in part is said here.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from searchapp.extract.file_types import (
    CODE_ENDINGS,
    CURES,
    MAIL_ENDINGS,
    OLE_TYPES,
    TEXT_TYPES,
    WORDS_OF,
    ZIPPED_TYPES,
)
from searchapp.extract.registry import READERS, reader_of

PAGE = Path(__file__).resolve().parents[1] / "docs" / "file-formats.md"
BEGIN, END = "<!-- endings -->\n", "<!-- end of endings -->\n"
_BY_CONTENT = {  # endings of types that their bytes tell
    **dict.fromkeys(("mobi", "azw", "azw3", "prc"), "mobi"),
    **dict.fromkeys(("sqlite", "sqlite3", "db", "db3"), "sqlite"),
    **dict.fromkeys(("heic", "heif"), "heic"),
    **dict.fromkeys(("tif", "tiff"), "tiff"),
    **dict.fromkeys(("jpg", "jpeg"), "jpg"),
    **{ending: ending for ending in ("png", "bmp", "webp", "gif", "avif")},
    **{ending: ending for ending in ("pdf", "rtf", "djvu", "parquet", "7z", "rar")},
    **{ending: ending for ending in ("zip", "tar", "gz", "bz2", "xz")},
    "tgz": "gz",
    "tbz": "bz2",
    "tbz2": "bz2",
    "txz": "xz",
    "svgz": "gz",
}
_WITH = {  # the extras that types need
    **dict.fromkeys(("png", "jpg", "bmp", "tiff", "webp", "gif", "avif"), "with `ocr`"),
    "heic": "with `ocr` and `heic`",
    "djvu": "with `djvu`",
    "parquet": "with `parquet`",
    **dict.fromkeys(("7z", "rar"), "with `archives` and the system's libarchive"),
}
_PARTLY = {
    "djvu": "the text beside the pictures of pages",
    "doc": "without pictures and drawings",
    "gif": "the first picture of several",
    "key": "texts, notes and tables; not charts",
    "mobi": "not under DRM",
    "numbers": "texts and tables, numbers without their formats; not charts",
    "pages": "texts, comments and tables, notes and boxes after the text; not charts",
    "parquet": "the first 100,000 rows",
    "sqlite": "the first 20,000 rows of each table; no views, no binary values, no log beside it",
    "svg": "texts and descriptions; not letters drawn as outlines, nor what is not shown",
}


def table() -> str:
    """The table with its markers."""
    rows = [
        "| read by | endings | how far |",
        "|---|---|---|",
        *(f"| {name} | {_listed(endings)} | {how} |" for name, endings, how in _readable()),
        *(f"| nothing | {_listed(endings)} | {cure} |" for endings, cure in _unreadable()),
    ]
    return BEGIN + "\n".join(rows) + "\n" + END


def types_of_endings() -> dict[str, str]:
    """The type of each ending that is read, as far as the bytes do not say otherwise."""
    return {
        **_BY_CONTENT,
        **TEXT_TYPES,
        **CODE_ENDINGS,
        **ZIPPED_TYPES,
        **OLE_TYPES,
        **MAIL_ENDINGS,
        "ipynb": "ipynb",
        "p7m": "p7m",
        "txt": "txt",
    }


def page() -> str:
    """The page of the formats as it ought to be."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    return before + table() + rest.partition(END)[2]


def _readable() -> Iterator[tuple[str, list[str], str]]:
    """Each reader's name, the endings that it reads in one way, and how far."""
    found = [
        (reader_of(kind).name, _how(kind), ending) for ending, kind in types_of_endings().items()
    ]
    order = list(dict.fromkeys(["text", *(reader.name for reader in READERS.values())]))
    found.sort(key=lambda each: (order.index(each[0]), each[1] != "whole", each[1]))
    for (name, how), group in groupby(found, key=lambda each: each[:2]):
        yield name, sorted(ending for _, _, ending in group), how


def _how(kind: str) -> str:
    said = [_WITH.get(kind, ""), f"in part: {_PARTLY[kind]}" if kind in _PARTLY else ""]
    return "; ".join(filter(None, said)) or "whole"


def _unreadable() -> Iterator[tuple[list[str], str]]:
    """Endings of files that nothing reads, and what their owner may do."""
    left = WORDS_OF.keys() - types_of_endings().keys()
    found = sorted((CURES.get(WORDS_OF[ending], ""), ending) for ending in left)
    for cure, group in groupby(found, key=lambda each: each[0]):
        yield [ending for _, ending in group], f"not read: {cure or 'named in the report'}"


def _listed(endings: list[str]) -> str:
    return " ".join(f"`.{ending}`" for ending in endings)


def main() -> None:
    """Write the table into its page."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
