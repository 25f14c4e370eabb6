"""Makes the corpus of `test_existing_corpora`: a file of every kind that searchapp reads, ingested
by the program before its modules moved into rooms. Run once, and never again:

    git worktree add /tmp/then 93bb4cd && python -m tests.builders.before_rooms /tmp/then

The files are made here, by the tests' other builders; the program of then reads them in a process
of its own, at `/before-rooms/files`.
"""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.builders import archives, data, mail, pdfs, sheets, slides, word
from tests.builders.code import SOURCES
from tests.paths import SAMPLES, TEST_DATA

ROOT = Path("/before-rooms")
TARGET = TEST_DATA / "corpora" / "before_rooms"
TEXT = "The keeper trims the wick of the lamp at dusk, and writes it down."
_WHOLE_NAMES = {"docker": "Dockerfile", "make": "Makefile"}
_INGEST = """
import sqlite3, sys
from contextlib import closing
from pathlib import Path
from searchapp.corpus import Corpus
from searchapp.local import LocalBackend
from searchapp.testing import HashEncoder

root = Path(sys.argv[1])
report = Corpus(LocalBackend(root / "corpus"), encoder=HashEncoder(dim=16)).ingest([root / "files"])
for file in report.files:
    print(file.outcome, file.path.decode(), file.reason)
with closing(sqlite3.connect(root / "corpus" / "corpus.db")) as database:
    database.execute("VACUUM INTO ?", (str(root / "copy.db"),))
"""


def documents() -> dict[str, bytes]:
    """The files by name: one or more for every reader, in folders of an archive too, and a few that
    are refused.
    """
    row, page = sheets.xlsx_row(1, "lamp", 7), f"<h1>Lamps</h1><p>{TEXT}</p>"
    opened = slides.h("Lamps", 1) + slides.p(TEXT)
    slide = f"<draw:page>{slides.box(slides.p(TEXT))}</draw:page>"
    letter = mail.mail("From: ada@example.org", "Subject: Lamps", body=TEXT)
    note = ("note.md", f"# Note\n\n{TEXT}\n".encode())
    cells = "".join(f"<text:p>{each}</text:p>" for each in ("lamp", "oil"))
    made = {
        "plain.txt": TEXT.encode(),
        "latin.txt": "Die Lampe im Hafen über der Brücke leuchtet schön.".encode("latin-1"),
        "program.log": f"12:00 {TEXT}\n".encode(),
        "lamps.md": f"# Lamps\n\n{TEXT}\n\n## Oil\n\nOil burns for nine hours.\n".encode(),
        "lamps.rst": f"Lamps\n=====\n\n{TEXT}\n".encode(),
        "lamps.html": f"<html><body>{page}</body></html>".encode(),
        "lamps.pdf": pdfs.pages_pdf(["Lamps", TEXT]),
        "lamps.docx": word.docx(word.paragraph(word.run(TEXT))),
        "lamps.rtf": word.rich_text(),
        "lamps.pptx": slides.pptx([slides.shape(TEXT)]),
        "lamps.xlsx": sheets.xlsx({"Lamps": row}),
        "lamps.xls": sheets.xls([["lamp", 7.0]]),
        "lamps.xlsb": sheets.xlsb({0: {0: "lamp", 1: 7.0}}),
        "lamps.ods": sheets.ods({"Lamps": slides.row(cells)}),
        "lamps.csv": b"lamp,hours\nfirst,9\nsecond,7\n",
        "lamps.tsv": b"lamp\thours\nfirst\t9\nsecond\t7\n",
        "lamps.odt": slides.opendocument("odt", opened),
        "lamps.odp": slides.opendocument("odp", slide),
        "lamps.odg": slides.opendocument("odg", slide),
        "lamps.epub": slides.epub({"one": page}),
        "letter.eml": letter,
        "letters.mbox": b"From ada@example.org Mon Jan  1 00:00:00 2024\n" + letter + b"\n",
        "lamps.ipynb": data.notebook(data.cell("markdown", TEXT), data.cell("code", "lamp = 1")),
        "lamps.json": b'{"lamp": "first", "hours": 9}',
        "lamps.jsonl": b'{"lamp": "first"}\n{"lamp": "second"}\n',
        "lamps.xml": f"<lamps><lamp>{TEXT}</lamp></lamps>".encode(),
        "lamps.yaml": b"lamp: first\nhours: 9\n",
        "lamps.toml": b'[lamp]\nname = "first"\n',
        "lamps.ini": b"[lamp]\nname = first\n",
        "lamps.tex": f"\\section{{Lamps}}\n{TEXT}\n".encode(),
        "lamps.org": f"* Lamps\n{TEXT}\n".encode(),
        "lamps.adoc": f"= Lamps\n\n{TEXT}\n".encode(),
        "lamps.srt": data.subtitles((1, TEXT)),
        "lamps.vtt": data.subtitles((1, TEXT), web=True),
        "lamps.zip": archives.zipped(
            {note[0]: note[1], "deep/letter.eml": letter, "empty.md": b""}
        ),
        "lamps.tar": archives.tarred([note]),
        "note.md.gz": archives.gzipped(note[1], note[0]),
        "empty.txt": b"",
        "noise.bin": bytes(range(256)),
        "broken.docx": b"PK\3\4 no archive",
    }
    made |= {
        f"code/{_WHOLE_NAMES.get(kind, f'orders.{kind}')}": source.encode()
        for kind, source in SOURCES.items()
    }
    samples = {
        "old.doc": SAMPLES / "doc" / "tika__testWORD6.doc",
        "picture.png": SAMPLES / "png" / "tika__testOCR.png",
        "mail.msg": SAMPLES / "msg" / "markitdown__test_outlook_msg.msg",
    }
    made["old.ppt"] = gzip.decompress((TEST_DATA / "old.ppt.gz").read_bytes())
    return made | {name: path.read_bytes() for name, path in samples.items()}


def main(program: Path) -> None:
    """Write the files, have the program of then ingest them, and keep both."""
    TARGET.mkdir(parents=True, exist_ok=True)
    packed = archives.zipped(documents(), zipfile.ZIP_DEFLATED)
    (TARGET / "files.zip").write_bytes(packed)
    with zipfile.ZipFile(TARGET / "files.zip") as archive:
        archive.extractall(ROOT / "files")
    subprocess.run(
        [sys.executable, "-c", _INGEST, str(ROOT)],
        cwd=program,
        env=os.environ | {"PYTHONPATH": str(program)},
        check=True,
    )
    database = gzip.compress((ROOT / "copy.db").read_bytes(), 9, mtime=0)
    (TARGET / "corpus.db.gz").write_bytes(database)
    shutil.rmtree(ROOT)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
