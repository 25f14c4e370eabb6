"""Which bytes are text and which are not, where the first few of them mislead."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from searchapp.errors import FileSkipped
from searchapp.extract import extract
from searchapp.extract.detect import type_of

SHARED = Path(__file__).resolve().parents[1].parent / "shared"
PLAIN_PDF = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\nstartxref\n9\n%%EOF\n"


@pytest.mark.parametrize(
    "text",
    [
        "RIFF is a container for sound and film.",
        "ID3 tags are kept at the start of a song.",
        "BZhang wrote the second chapter.",
        "PAR1 files repair what is lost.",
        "The ftyp box comes first.",
        "GIF89a was the last version.",
        "{\\rtf is how a document of that kind starts.}",
        "%PDF-1.7 is the line that every PDF starts with; startxref stands near its end.",
    ],
)
@pytest.mark.parametrize(("name", "found"), [("a.md", "md"), ("a.txt", "txt"), ("a.py", "py"), ("NOTES", "txt")])
def test_a_text_may_start_with_the_letters_of_a_signature(text: str, name: str, found: str) -> None:
    assert type_of(text.encode(), name) == found


@pytest.mark.parametrize(
    ("data", "name", "reason"),
    [
        (b"RIFF\x24\x08\0\0WAVEfmt " + b"\x10\0" * 20, "a.txt", "no reader for audio (.wav)"),
        (b"ID3\x03\0\0\0\0" + b"TIT2" * 20, "a.md", "no reader for audio (.mp3)"),
        (b"RIFF without anything", "a.wav", "no reader for audio (.wav)"),
        (b"{\\rtf1\\ansi text}", "a.txt", "no reader for Rich Text documents (.rtf)"),
    ],
)
def test_a_signature_counts_where_control_bytes_or_the_name_confirm_it(data: bytes, name: str, reason: str) -> None:
    with pytest.raises(FileSkipped) as caught:
        type_of(data, name)
    assert str(caught.value) == reason


@pytest.mark.parametrize("data", [PLAIN_PDF, b"%PDF-1.7\n\x01\x02\x03"])
@pytest.mark.parametrize("name", ["a.txt", "noname", "a.pdf"])
def test_a_pdf_is_one_under_any_name(data: bytes, name: str) -> None:
    assert type_of(data, name) == "pdf"


def test_a_pdf_that_lost_its_first_line_is_one_by_its_name_and_its_objects() -> None:
    assert type_of(PLAIN_PDF[9:], "a.pdf") == "pdf"
    assert type_of(PLAIN_PDF[9:], "a.txt") == "txt"


def test_a_pdf_with_a_broken_header_is_never_indexed_as_its_source() -> None:
    sample = SHARED / "samples" / "pdf" / "pdfjs__bug1606566.pdf"
    if not sample.exists():
        pytest.skip("needs the shared samples")
    document = extract(sample.read_bytes(), sample.name)
    assert (document.type, document.text.strip()) == ("pdf", "Bug 1606566")


@pytest.mark.parametrize("mark", [b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf"])
def test_random_bytes_behind_a_byte_order_mark_are_no_text(mark: bytes) -> None:
    with pytest.raises(FileSkipped, match=r"^no reader for binary files \(\.dat\)$"):
        type_of(mark + random.Random(1).randbytes(2000), "a.dat")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("text", ["Grüße", "日本語のテキスト", "👋🏽 " * 3000, "a\tb\r\n"])
def test_text_behind_a_byte_order_mark_is_text(text: str, encoding: str) -> None:
    assert type_of(text.encode(encoding), "a.txt") == "txt"


def test_a_text_in_utf16_that_ends_within_a_character_is_text() -> None:
    assert type_of("cut".encode("utf-16") + b"x", "a.txt") == "txt"
