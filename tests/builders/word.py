"""Word, RTF and old Office files for tests, built from text.

`tests/data/old.doc` and `tests/data/old.ppt.gz` come from `rich_text()` and `presentation()` through
LibreOffice 7.4:

    python -m tests.builders.word FOLDER
    soffice --headless --convert-to 'doc:MS Word 97' --outdir tests/data FOLDER/old.rtf
    soffice --headless --convert-to 'ppt:MS PowerPoint 97' --outdir FOLDER/made FOLDER/old.pptx
    gzip -9nc FOLDER/made/old.ppt > tests/data/old.ppt.gz
"""

from __future__ import annotations

import io
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_NAMESPACES = (
    f'xmlns:w="{_W}" xmlns:r="{_R}" xmlns:mc="urn:mc" xmlns:wps="urn:wps" '
    'xmlns:v="urn:v" xmlns:m="urn:m"'
)

STYLES = """<w:style w:type="paragraph" w:default="1" w:styleId="Standard"><w:name w:val="Normal"/></w:style>
<w:style w:type="paragraph" w:styleId="berschrift1"><w:name w:val="heading 1"/><w:basedOn w:val="Standard"/>
<w:pPr><w:outlineLvl w:val="0"/></w:pPr></w:style>
<w:style w:type="paragraph" w:styleId="Mine"><w:name w:val="Mine"/><w:basedOn w:val="Second"/></w:style>
<w:style w:type="paragraph" w:styleId="Second"><w:name w:val="heading 2"/></w:style>
<w:style w:type="paragraph" w:styleId="Titel"><w:name w:val="Title"/></w:style>
<w:style w:type="paragraph" w:styleId="Bullets"><w:name w:val="List Bullet"/>
<w:pPr><w:numPr><w:numId w:val="4"/></w:numPr></w:pPr></w:style>"""


def run(text: str) -> str:
    return f'<w:r><w:t xml:space="preserve">{text}</w:t></w:r>'


def paragraph(content: str, style: str = "", properties: str = "") -> str:
    """A paragraph of text, or of the XML of runs."""
    inner = content if content.startswith("<") else run(content)
    named = f'<w:pStyle w:val="{style}"/>' if style else ""
    return f"<w:p><w:pPr>{named}{properties}</w:pPr>{inner}</w:p>"


def cell(content: str, properties: str = "") -> str:
    inner = content if content.startswith("<") else paragraph(content) if content else "<w:p/>"
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{inner}</w:tc>"


def table(*rows: tuple[str, ...]) -> str:
    """A table of the XML of cells, or of their texts."""
    made = (
        "".join(each if each.startswith("<w:tc>") else cell(each) for each in row) for row in rows
    )
    return "<w:tbl>" + "".join(f"<w:tr>{row}</w:tr>" for row in made) + "</w:tbl>"


def docx(
    body: str, parts: Mapping[str, str] | None = None, *, core: str = "", pages: int = 0
) -> bytes:
    """A Word document; `parts` are the insides of "styles", "footnotes", "comments", "header1",
    "footer1"...
    """
    parts = {"styles": STYLES, **(parts or {})}
    files = {"word/document.xml": f"<w:document {_NAMESPACES}><w:body>{body}</w:body></w:document>"}
    relations = ""
    for number, (name, inside) in enumerate(parts.items()):
        files[f"word/{name}.xml"] = (
            f"<w:{name.rstrip('1234')} {_NAMESPACES}>{inside}</w:{name.rstrip('1234')}>"
        )
        relations += _relation(f"rId{number}", name.rstrip("1234"), f"{name}.xml")
    files["word/_rels/document.xml.rels"] = _relations(relations)
    roots = _relation("rId1", "officeDocument", "word/document.xml") + _relation(
        "rId2", "core-properties", "docProps/core.xml"
    )
    files["_rels/.rels"] = _relations(
        roots + _relation("rId3", "extended-properties", "docProps/app.xml")
    )
    files["docProps/core.xml"] = (
        f'<p xmlns:dc="urn:dc" xmlns:dcterms="urn:terms" xmlns:cp="urn:cp">{core}</p>'
    )
    files["docProps/app.xml"] = f"<Properties><Pages>{pages}</Pages></Properties>"
    return zipped(files)


def zipped(files: Mapping[str, str | bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in files.items():
            package.writestr(name, content)
    return target.getvalue()


def bomb(megabytes: int) -> bytes:
    """A small ZIP file that unpacks to a lot of spaces."""
    target = io.BytesIO()
    with (
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as package,
        package.open("word/document.xml", "w", force_zip64=True) as member,
    ):
        for _ in range(megabytes):
            member.write(b" " * 2**20)
    return target.getvalue()


def rich_text() -> bytes:
    """What every construct of RTF that matters looks like."""
    return rb"""{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\froman\fcharset0 Times New Roman;}}
{\stylesheet{\s0 Normal;}{\s1\outlinelevel0\b heading 1;}{\s2\outlinelevel1\b heading 2;}}
{\info{\title Old harbour report}{\author Ada Example}{\creatim\yr2001\mo2\dy3\hr4\min5}}
{\header\pard Harbour office\par}
\pard\s1\b Ships\b0\par
\pard\plain The pilot boat\{footnote\} leaves at nine{\footnote\pard\plain In winter at ten.\par}.\par
\pard\s2\b Cargo\b0\par
\pard\plain Gr\'fc\'dfe aus K\'f6ln and \u1052?\u1080?\u1088?.\par
\pard\plain Shown {\v not shown} again.\par
\trowd\cellx3000\cellx6000\pard\intbl Goods\cell Tons\cell\row
\trowd\cellx3000\cellx6000\pard\intbl Coal\cell 40\cell\row
\pard\plain {\field{\*\fldinst HYPERLINK "http://example.org/"}{\fldrslt the tariff}} applies.\par
}"""


def presentation() -> bytes:
    """Three slides: a title, a text with notes, a table with a text box."""
    from pptx import Presentation
    from pptx.util import Inches

    made = Presentation()
    slide = made.slides.add_slide(made.slide_layouts[0])
    slide.shapes.title.text, slide.placeholders[1].text = "Harbour plan", "Spring season"
    slide = made.slides.add_slide(made.slide_layouts[1])
    slide.shapes.title.text, slide.placeholders[1].text = "Pilots", "Two boats\nМир и Köln"
    slide.notes_slide.notes_text_frame.text = "Mention the winter."
    slide = made.slides.add_slide(made.slide_layouts[5])
    slide.shapes.title.text = "Tariff"
    grid = slide.shapes.add_table(2, 2, Inches(1), Inches(2), Inches(4), Inches(1)).table
    for index, text in enumerate(["Goods", "Tons", "Coal", "40"]):
        grid.cell(index // 2, index % 2).text = text
    slide.shapes.add_textbox(
        Inches(1), Inches(5), Inches(3), Inches(1)
    ).text_frame.text = "Valid until May"
    made.core_properties.title, made.core_properties.author = (
        "Harbour plan for spring",
        "Ada Example",
    )
    target = io.BytesIO()
    made.save(target)
    return target.getvalue()


def _relation(number: str, kind: str, target: str) -> str:
    return f'<Relationship Id="{number}" Type="{_R}/{kind}" Target="{target}"/>'


def _relations(inside: str) -> str:
    return (
        "<Relationships "
        f'xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{inside}</Relationships>'
    )


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "old.rtf").write_bytes(rich_text())
    (folder / "old.pptx").write_bytes(presentation())
