"""Hangul documents, Visio drawings and XPS documents as bytes, put together by hand."""

from __future__ import annotations

from tests.builders.word import zipped

_R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_P = "http://schemas.openxmlformats.org/package/2006/relationships"


def relations(*each: tuple[str, str, str]) -> str:
    listed = "".join(
        f'<Relationship Id="{key}" Type="{_R}/{kind}" Target="{target}"/>'
        for key, kind, target in each
    )
    return f'<Relationships xmlns="{_P}">{listed}</Relationships>'


# ---- Hangul --------------------------------------------------------------------------------------


def hangul_paragraph(inside: str, form: str = "0") -> str:
    inner = inside if inside.startswith("<") else f"<hp:t>{inside}</hp:t>"
    return f'<hp:p paraPrIDRef="{form}" styleIDRef="0"><hp:run>{inner}</hp:run></hp:p>'


def hangul(body: str, **more: str) -> bytes:
    spaces = 'xmlns:hp="hp" xmlns:hs="hs" xmlns:hh="hh" xmlns:opf="opf"'
    head = f'<hh:head {spaces}><hh:paraPr id="3"><hh:heading type="OUTLINE" level="0"/></hh:paraPr>'
    index = f"<opf:package {spaces}><opf:metadata><opf:title>수문 보고</opf:title>"
    index += '<opf:meta name="creator" content="text">김철수</opf:meta>'
    index += '<opf:meta name="CreatedDate" content="text">2024-03-15T09:00:00Z</opf:meta>'
    index += '</opf:metadata><opf:manifest><opf:item id="s0" href="Contents/section0.xml"/>'
    index += '</opf:manifest><opf:spine><opf:itemref idref="s0"/></opf:spine></opf:package>'
    return zipped(
        {
            "mimetype": "application/hwp+zip",
            "Contents/content.hpf": index,
            "Contents/header.xml": f"{head}</hh:head>",
            "Contents/section0.xml": f"<hs:sec {spaces}>{body}</hs:sec>",
            **more,
        }
    )


# ---- Visio ---------------------------------------------------------------------------------------


def shape(text: str, x: float, y: float, inner: str = "") -> str:
    cells = f'<Cell N="PinX" V="{x}"/><Cell N="PinY" V="{y}"/>'
    inner = f"<Shapes>{inner}</Shapes>" if inner else ""
    return f'<Shape ID="1">{cells}<Text><cp IX="0"/>{text}</Text>{inner}</Shape>'


def visio(*pages: str) -> bytes:
    listed = "".join(
        f'<Page ID="{n}" Name="Page-{n}"><Rel r:id="r{n}"/></Page>'
        for n in range(1, len(pages) + 1)
    )
    files = {
        "_rels/.rels": relations(("a", "document", "visio/document.xml")),
        "visio/document.xml": "<VisioDocument/>",
        "visio/_rels/document.xml.rels": relations(
            ("p", "pages", "pages/pages.xml"), ("c", "comments", "comments.xml")
        ),
        "visio/pages/pages.xml": f'<Pages xmlns:r="{_R}">{listed}</Pages>',
        "visio/pages/_rels/pages.xml.rels": relations(
            *((f"r{n}", "page", f"page{n}.xml") for n in range(1, len(pages) + 1))
        ),
        "visio/comments.xml": "<Comments><CommentList><CommentEntry>Is it so?</CommentEntry>"
        "</CommentList></Comments>",
    }
    for number, page in enumerate(pages, 1):
        files[f"visio/pages/page{number}.xml"] = (
            f"<PageContents><Shapes>{page}</Shapes></PageContents>"
        )
    return zipped(files)


# ---- XPS -----------------------------------------------------------------------------------------


def glyphs(text: str, x: float, y: float, more: str = "") -> str:
    return (
        f'<Glyphs OriginX="{x}" OriginY="{y}" FontRenderingEmSize="10" UnicodeString="{text}" '
        f"{more}/>"
    )


def xps(*pages: str, is_in_pieces: bool = False) -> bytes:
    listed = "".join(f'<PageContent Source="Pages/{n}.fpage"/>' for n in range(1, len(pages) + 1))
    files = {
        "_rels/.rels": relations(("a", "fixedrepresentation", "/FixedDocSeq.fdseq")),
        "FixedDocSeq.fdseq": '<FixedDocumentSequence><DocumentReference Source="/Documents/1/F.fdoc"/>'
        "</FixedDocumentSequence>",
        "Documents/1/F.fdoc": f"<FixedDocument>{listed}</FixedDocument>",
    }
    for number, page in enumerate(pages, 1):
        name, content = f"Documents/1/Pages/{number}.fpage", f"<FixedPage>{page}</FixedPage>"
        if is_in_pieces:
            files[f"{name}/[1].last.piece"] = content[20:]
            files[f"{name}/[0].piece"] = content[:20]
        else:
            files[name] = content
    return zipped(files)
