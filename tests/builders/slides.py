"""Presentations, OpenDocument files and e-books as bytes, made of the few parts that a reader
needs.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence

OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PRESENTATION = "http://schemas.openxmlformats.org/presentationml/2006/main"
_DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OASIS = "urn:oasis:names:tc:opendocument:xmlns"
_OPEN_DOCUMENT = (
    " ".join(
        f'xmlns:{prefix}="{_OASIS}:{prefix}:1.0"'
        for prefix in ("office", "text", "table", "style", "meta", "presentation", "chart")
    )
    + f' xmlns:draw="{_OASIS}:drawing:1.0" xmlns:svg="{_OASIS}:svg-compatible:1.0"'
    + ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xlink="http://www.w3.org/1999/xlink"'
)
_MIMETYPES = {"odt": "text", "odp": "presentation", "odg": "graphics"}


def zipped(members: Mapping[str, str | bytes]) -> bytes:
    """A ZIP file of these members, in order, the same bytes every time."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in members.items():
            package.writestr(
                zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED
            )
    return buffer.getvalue()


# ---- presentations -------------------------------------------------------------------------------


def pptx(
    slides: Sequence[str],
    *,
    relations: Mapping[int, Mapping[str, str]] | None = None,
    **further: str,
) -> bytes:
    """A presentation of slides that are given as the XML of their shapes.

    `relations` gives each slide by number what it refers to: id to "kind target". `further` are
    more members, `__` for a slash and `_xml` at the end for `.xml`.
    """
    members: dict[str, str | bytes] = {
        "_rels/.rels": _relations(
            {"r1": "officeDocument ppt/presentation.xml", "r2": "core-properties docProps/core.xml"}
        ),
        "ppt/_rels/presentation.xml.rels": _relations(
            {
                f"s{number}": f"slide slides/slide{number}.xml"
                for number in range(1, len(slides) + 1)
            }
            | {"a": "commentAuthors commentAuthors.xml"}
        ),
        "ppt/presentation.xml": _presentation(
            "presentation", f"<p:sldIdLst>{''.join(map(_slide_id, _order(slides)))}</p:sldIdLst>"
        ),
    }
    for number, shapes in enumerate(slides, 1):
        members[f"ppt/slides/slide{number}.xml"] = slide(shapes)
        members[f"ppt/slides/_rels/slide{number}.xml.rels"] = _relations(
            (relations or {}).get(number, {})
        )
    members |= {
        name.replace("__", "/").replace("_xml", ".xml"): content
        for name, content in further.items()
    }
    return zipped(members)


def slide(shapes: str) -> str:
    return _presentation("sld", f"<p:cSld><p:spTree><p:nvGrpSpPr/>{shapes}</p:spTree></p:cSld>")


def shape(
    *paragraphs: str,
    role: str | None = None,
    at: tuple[int, int] | None = None,
    description: str = "",
    hidden: bool = False,
) -> str:
    """A shape with text: a placeholder where it has a role, at (left, top) in mm where given;
    paragraphs that begin with < are XML.
    """
    placeholder = "" if role is None else f'<p:ph type="{role}"/>' if role else '<p:ph idx="1"/>'
    lines = "".join(
        each if each.startswith("<") else f"<a:p><a:r><a:t>{each}</a:t></a:r></a:p>"
        for each in paragraphs
    )
    return (
        f"<p:sp><p:nvSpPr>{_named(description, hidden=hidden)}<p:nvPr>{placeholder}</p:nvPr></p:nvSpPr><p:spPr>{_offset('a', at)}</p:spPr>"
        f"<p:txBody><a:bodyPr/><a:lstStyle/>{lines}</p:txBody></p:sp>"
    )


def group(*shapes: str, at: tuple[int, int]) -> str:
    return f"<p:grpSp><p:nvGrpSpPr>{_named('')}</p:nvGrpSpPr><p:grpSpPr>{_offset('a', at)}</p:grpSpPr>{''.join(shapes)}</p:grpSp>"


def picture(description: str) -> str:
    return f"<p:pic><p:nvPicPr>{_named(description)}<p:nvPr/></p:nvPicPr><p:blipFill/><p:spPr/></p:pic>"


def frame(content: str, *, at: tuple[int, int] = (0, 0)) -> str:
    """A table, a chart or a diagram on a slide."""
    properties = f"<p:nvGraphicFramePr>{_named('')}<p:nvPr/></p:nvGraphicFramePr>"
    graphic = f"<a:graphic><a:graphicData>{content}</a:graphicData></a:graphic>"
    return f"<p:graphicFrame>{properties}{_offset('p', at)}{graphic}</p:graphicFrame>"


def table(rows: Sequence[Sequence[str]]) -> str:
    """A table; a cell "<" is covered by the one before it."""
    cells = ("".join(map(_table_cell, row)) for row in rows)
    return f"<a:tbl>{''.join(f'<a:tr>{row}</a:tr>' for row in cells)}</a:tbl>"


def chart(title: str, series: str, categories: Sequence[str]) -> str:
    points = "".join(f"<c:pt><c:v>{each}</c:v></c:pt>" for each in categories)
    name = f"<c:tx><c:strRef><c:strCache><c:pt><c:v>{series}</c:v></c:pt></c:strCache></c:strRef></c:tx>"
    values = (
        "<c:val><c:numRef><c:numCache><c:pt><c:v>17</c:v></c:pt></c:numCache></c:numRef></c:val>"
    )
    plot = f"<c:ser>{name}<c:cat><c:strRef><c:strCache>{points}</c:strCache></c:strRef></c:cat>{values}</c:ser>"
    heading = (
        f"<c:title><c:tx><c:rich><a:p><a:r><a:t>{title}</a:t></a:r></a:p></c:rich></c:tx></c:title>"
    )
    space = f'xmlns:c="c" xmlns:a="{_DRAWING}"'
    return (
        "<c:chartSpace "
        f"{space}><c:chart>{heading}<c:plotArea>{plot}</c:plotArea></c:chart></c:chartSpace>"
    )


def diagram(points: Mapping[str, str], links: Sequence[tuple[str, str, int]]) -> str:
    """The data of a diagram: the texts of its points by id, and its links, (from, to, order)."""
    texts = (
        f'<d:pt modelId="{name}"><d:t><a:p><a:r><a:t>{text}</a:t></a:r></a:p></d:t></d:pt>'
        for name, text in points.items()
    )
    lines = (
        f'<d:cxn srcId="{above}" destId="{below}" srcOrd="{order}"/>'
        for above, below, order in links
    )
    return (
        f'<d:dataModel xmlns:d="d" xmlns:a="{_DRAWING}"><d:ptLst><d:pt modelId="0" '
        f'type="doc"/>{"".join(texts)}</d:ptLst>'
        f"<d:cxnLst>{''.join(lines)}</d:cxnLst></d:dataModel>"
    )


def presentation_part(name: str, content: str) -> str:
    """The XML of notes, comments or their authors."""
    return _presentation(name, content)


def core_properties(**values: str) -> str:
    content = "".join(f"<{name}>{value}</{name}>" for name, value in values.items())
    return f'<coreProperties xmlns="{_PACKAGE}/metadata/core-properties">{content}</coreProperties>'


def _order(slides: Sequence[str]) -> list[int]:
    """The order of the show: the last slide comes first, so that it differs from that
    of the names.
    """
    return [len(slides), *range(1, len(slides))]


def _slide_id(number: int) -> str:
    return f'<p:sldId id="{255 + number}" r:id="s{number}"/>'


def _presentation(name: str, content: str) -> str:
    mc = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    return (
        f'<p:{name} xmlns:p="{_PRESENTATION}" xmlns:a="{_DRAWING}" xmlns:r="{OFFICE}" '
        f"{mc}>{content}</p:{name}>"
    )


def _relations(targets: Mapping[str, str]) -> str:
    entries = ((name, *target.split()) for name, target in targets.items())
    lines = "".join(
        f'<Relationship Id="{name}" Type="{OFFICE}/{kind}" Target="{target}"/>'
        for name, kind, target in entries
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{lines}</Relationships>'


def _named(description: str, *, hidden: bool = False) -> str:
    return f'<p:cNvPr id="2" name="Shape" descr="{description}" hidden="{int(hidden)}"/>'


def _offset(prefix: str, at: tuple[int, int] | None) -> str:
    return (
        ""
        if at is None
        else f'<{prefix}:xfrm><a:off x="{at[0] * 36_000}" y="{at[1] * 36_000}"/></{prefix}:xfrm>'
    )


def _table_cell(text: str) -> str:
    if text == "<":
        return '<a:tc hMerge="1"><a:txBody><a:p/></a:txBody></a:tc>'
    return f"<a:tc><a:txBody><a:p><a:r><a:t>{text}</a:t></a:r></a:p></a:txBody></a:tc>"


# ---- OpenDocument --------------------------------------------------------------------------------


def opendocument(
    kind: str, body: str, *, styles: str = "", meta: str = "", **further: str
) -> bytes:
    """An odt, odp or odg with this XML in its body; `styles` are those of styles.xml; `further` are
    more members, as in `pptx`.
    """
    mimetype = f"application/vnd.oasis.opendocument.{_MIMETYPES[kind]}"
    inner = {"odt": "text", "odp": "presentation", "odg": "drawing"}[kind]
    members: dict[str, str | bytes] = {
        "mimetype": mimetype,
        "content.xml": office(
            "document-content",
            f"<office:body><office:{inner}>{body}</office:{inner}></office:body>",
        ),
        "styles.xml": office("document-styles", styles),
        "meta.xml": office("document-meta", f"<office:meta>{meta}</office:meta>"),
    }
    return zipped(
        members
        | {
            name.replace("__", "/").replace("_xml", ".xml"): content
            for name, content in further.items()
        }
    )


def office(name: str, content: str) -> str:
    return f"<office:{name} {_OPEN_DOCUMENT}>{content}</office:{name}>"


def p(text: str, style: str = "") -> str:
    return f'<text:p text:style-name="{style}">{text}</text:p>'


def h(text: str, level: int) -> str:
    return f'<text:h text:outline-level="{level}">{text}</text:h>'


def items(*contents: str, style: str = "") -> str:
    """A list of items given as XML."""
    inner = "".join(f"<text:list-item>{each}</text:list-item>" for each in contents)
    return f'<text:list text:style-name="{style}">{inner}</text:list>'


def row(*cells: str, further: str = "") -> str:
    """A row of cells given as XML; `further` are the attributes of each of them."""
    return f"<table:table-row>{''.join(f'<table:table-cell {further}>{each}</table:table-cell>' for each in cells)}</table:table-row>"


def box(*paragraphs: str, role: str = "", further: str = "") -> str:
    """A text box on a slide, a placeholder where it has a role."""
    placeholder = f'presentation:class="{role}"' if role else ""
    return (
        f"<draw:frame {placeholder} "
        f"{further}><draw:text-box>{''.join(paragraphs)}</draw:text-box></draw:frame>"
    )


def rectangle(text: str, left: str, top: str) -> str:
    return f'<draw:rect svg:x="{left}" svg:y="{top}">{p(text)}</draw:rect>'


# ---- e-books -------------------------------------------------------------------------------------


def epub(
    pages: Mapping[str, str],
    *,
    spine: Sequence[str] | None = None,
    metadata: str = "",
    toc: str = "",
    ncx: str = "",
    further: Mapping[str, str] | None = None,
) -> bytes:
    """A book of pages, by name, given as the HTML of their bodies.

    `spine` names the pages in order, "-" before those that stand apart; `toc` is the list in
    nav.xhtml, `ncx` the map in toc.ncx.
    """
    items = [
        f'<item id="{name}" href="text/{name}.xhtml" media-type="application/xhtml+xml"/>'
        for name in pages
    ]
    items += (
        ['<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>']
        if toc
        else []
    )
    items += (
        ['<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>'] if ncx else []
    )
    order = spine if spine is not None else [*(["nav"] if toc else []), *pages]
    references = "".join(
        f'<itemref idref="{name.lstrip("-")}" linear="{"no" if name.startswith("-") else "yes"}"/>'
        for name in order
    )
    members: dict[str, str | bytes] = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": '<container xmlns="c"><rootfiles><rootfile '
        'full-path="OPS/book.opf"/></rootfiles></container>',
        "OPS/book.opf": (
            '<package xmlns="o"><metadata '
            f'xmlns:dc="d">{metadata}</metadata><manifest>{"".join(items)}</manifest>'
            f"<spine>{references}</spine></package>"
        ),
        "OPS/nav.xhtml": '<html xmlns="h" xmlns:epub="e"><body><nav '
        f'epub:type="toc"><h1>Contents</h1>{toc}</nav></body></html>',
        "OPS/toc.ncx": f'<ncx xmlns="n"><navMap>{ncx}</navMap></ncx>',
    }
    members |= {
        f"OPS/text/{name}.xhtml": f'<html xmlns="http://www.w3.org/1999/xhtml"><head><title/></head><body>{body}</body></html>'
        for name, body in pages.items()
    }
    return zipped(members | dict(further or {}))
