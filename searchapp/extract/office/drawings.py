"""What Word, PowerPoint and Excel files draw alike: charts, diagrams, and what is said of
pictures.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from searchapp.extract.builder import Part
from searchapp.extract.office.omml import omml_text
from searchapp.extract.office.ooxml import attribute, name_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_FILE_NAME = re.compile(r"\S*\.(?:bmp|emf|gif|jpe?g|png|svg|tiff?|webp|wmf)", re.IGNORECASE)
_GENERATED = re.compile(
    r"(?:Description automatically generated.*|AI-generated content may be incorrect\.?)", re.DOTALL
)
_SERIES = (".//{*}ser/{*}tx//{*}v", ".//{*}series/{*}tx//{*}v")
_CATEGORIES = (
    ".//{*}cat/{*}strRef//{*}v",
    ".//{*}cat/{*}strLit//{*}v",
    ".//{*}cat/{*}multiLvlStrRef//{*}v",
    ".//{*}strDim//{*}pt",
)
_NUMBERS = ".//{*}cat/{*}numRef/{*}numCache"


def descriptions(properties: Any) -> Iterator[str]:
    """The title and the alternative text of a picture or another drawing, from its non-visual
    properties or its VML shape, unless they are but a file's name.
    """
    once = {attribute(properties, name) for name in ("title", "descr", "alt")}
    return real_descriptions(sorted(once, key=len))


def real_descriptions(texts: Iterable[str]) -> Iterator[str]:
    """Those of the texts that a person wrote, not a program, and that are no file's name."""
    for text in texts:
        described = _GENERATED.sub("", text).strip()
        if described and not _FILE_NAME.fullmatch(described):
            yield described


def paragraph_text(paragraph: Any) -> str:
    """A paragraph's text, formulas in it too, without the number of its slide."""
    pieces: list[str] = []
    formula = None
    for element in paragraph.iter("{*}t", "{*}br", "{*}oMath"):
        parent = element.getparent()
        if name_of(element) == "oMath":
            formula = element
            pieces.append(omml_text(element))
        elif formula is not None and formula in parent.iterancestors("{*}oMath"):
            pass  # which has been said
        elif name_of(element) == "br":
            pieces.append("\n")
        elif not (name_of(parent) == "fld" and parent.get("type", "") == "slidenum"):
            pieces.append((element.text or "").replace("\v", "\n"))
    return "".join(pieces).strip()


def paragraphs_text(body: Any) -> str:
    """All paragraphs under an element on one line."""
    return " ".join(
        " ".join(paragraph_text(paragraph).split()) for paragraph in body.iter("{*}p")
    ).strip()


def chart_parts(root: Any) -> Iterator[Part]:
    """A chart's titles, then a line of the names of its series and one of its categories."""
    yield Part(
        "prose", "\n".join(dict.fromkeys(filter(None, map(_chart_title, root.iter("{*}title")))))
    )
    series = [element.text or "" for path in _SERIES for element in root.iterfind(path)]
    categories = [element.text or "" for path in _CATEGORIES for element in root.iterfind(path)]
    categories += [
        element.text or ""
        for cache in root.iterfind(_NUMBERS)
        if _is_plain(cache)
        for element in cache.iterfind("{*}pt/{*}v")
    ]
    yield Part(
        "table",
        "\n".join(" | ".join(dict.fromkeys(filter(None, names))) for names in (series, categories)),
    )


def _is_plain(cache: Any) -> bool:
    """Whether numbers are shown as they are kept: years, say, but no dates."""
    return (cache.findtext("{*}formatCode") or "General") in {"General", "0"}


def _chart_title(title: Any) -> str:
    return paragraphs_text(title) or " ".join(element.text or "" for element in title.iter("{*}v"))


def diagram_parts(root: Any) -> Iterator[Part]:
    """The texts of a diagram's points, each before those below it."""
    points = {point.get("modelId", ""): point for point in root.iterfind("{*}ptLst/{*}pt")}
    below = _points_below(root)
    texts: list[str] = []
    waiting = [*reversed(points)]
    while waiting:
        name = waiting.pop()
        point = points.pop(name, None)
        if point is not None:
            texts += filter(None, [_point(point)])
            waiting += reversed(below.get(name, []))
    yield Part("list", "\n".join(f"- {text}" for text in texts))


def _points_below(root: Any) -> dict[str, list[str]]:
    """The points right below each one, in order, by their ids."""
    links = [
        link for link in root.iterfind("{*}cxnLst/{*}cxn") if link.get("type", "parOf") == "parOf"
    ]
    below: dict[str, list[str]] = {}
    for link in sorted(links, key=lambda connection: _whole(connection.get("srcOrd"))):
        below.setdefault(link.get("srcId", ""), []).append(link.get("destId", ""))
    return below


def _point(point: Any) -> str:
    """The text of a point, "" for those that only arrange others."""
    body = point.find("{*}t")
    return (
        ""
        if body is None or point.get("type", "node") in {"pres", "parTrans", "sibTrans"}
        else paragraphs_text(body)
    )


def _whole(number: str | None) -> int:
    return int(number) if number and re.fullmatch(r"-?\d{1,15}", number) else 0
