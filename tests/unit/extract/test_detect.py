"""Which bytes are text and which are not, where the first few of them mislead."""

from __future__ import annotations

import gzip
import io
import random
import tarfile
import zipfile

import pytest

from searchapp.errors import FileFailed, FileSkipped
from searchapp.extract.detect import type_of
from searchapp.extract.entries import extract
from searchapp.extract.office.compound import compound_file
from tests.builders.mail import compound
from tests.paths import SAMPLES

PLAIN_PDF = (
    b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R "
    b">>\nstartxref\n9\n%%EOF\n"
)


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
@pytest.mark.parametrize(
    ("name", "found"), [("a.md", "md"), ("a.txt", "txt"), ("a.py", "py"), ("NOTES", "txt")]
)
def test_a_text_may_start_with_the_letters_of_a_signature(text: str, name: str, found: str) -> None:
    assert type_of(text.encode(), name) == found


@pytest.mark.parametrize(
    ("data", "name", "reason"),
    [
        (b"RIFF\x24\x08\0\0WAVEfmt " + b"\x10\0" * 20, "a.txt", "no reader for audio (.wav)"),
        (b"ID3\x03\0\0\0\0" + b"TIT2" * 20, "a.md", "no reader for audio (.mp3)"),
        (b"RIFF without anything", "a.wav", "no reader for audio (.wav)"),
    ],
)
def test_a_signature_counts_where_control_bytes_or_the_name_confirm_it(
    data: bytes, name: str, reason: str
) -> None:
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
    sample = SAMPLES / "pdf" / "pdfjs__bug1606566.pdf"
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


def zipped(*names: str, mimetype: str = "") -> bytes:
    """A ZIP archive with files of these names, after one that tells its type where it is given."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        if mimetype:
            archive.writestr("mimetype", mimetype)
        for name in names:
            archive.writestr(name, "content")
    return buffer.getvalue()


def tarred(name: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo(name))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "name", "found"),
    [
        (zipped("[Content_Types].xml", "word/document.xml"), "a.docx", "docx"),
        (zipped("[Content_Types].xml", "word/document.xml"), "a.zip", "docx"),
        (zipped("[Content_Types].xml", "word/document2.xml"), "noname", "docx"),
        (zipped("word\\document.xml"), "a.docm", "docx"),
        (zipped("xl/workbook.xml"), "a.xlsm", "xlsx"),
        (zipped("xl/workbook.bin"), "a.xlsb", "xlsb"),
        (zipped("ppt/presentation.xml"), "a.ppt", "pptx"),
        (zipped("OEBPS/a.opf", mimetype="application/epub+zip"), "a.zip", "epub"),
        (zipped("content.xml", mimetype="application/vnd.oasis.opendocument.text"), "a", "odt"),
        (
            zipped("content.xml", mimetype="application/vnd.oasis.opendocument.text-template"),
            "a.ott",
            "odt",
        ),
        (
            zipped("content.xml", mimetype="application/vnd.oasis.opendocument.presentation"),
            "a.odt",
            "odp",
        ),
        (
            zipped("content.xml", mimetype="application/vnd.oasis.opendocument.spreadsheet"),
            "a",
            "ods",
        ),
        (zipped("content.xml"), "a.odt", "odt"),
        (zipped("letters/a.docx"), "a.zip", "zip"),
        (zipped("a/word/document.xml"), "backup", "zip"),
        (b"PK\x03\x04 cut off", "a.docx", "docx"),
        (b"PK\x03\x04 cut off", "a.zip", "zip"),
        (tarred("a.txt"), "a.tar", "tar"),
        (gzip.compress(b"text", mtime=0), "a.txt", "gz"),
        (b"\x89PNG\r\n\x1a\n" + bytes(20), "a.txt", "png"),
        (b"\xff\xd8\xff\xe0" + bytes(20), "a", "jpg"),
        (b"RIFF\x24\0\0\0WEBPVP8 " + bytes(20), "a", "webp"),
        (b"{\\rtf1\\ansi text}", "a.txt", "rtf"),
        (b"From ann@example.org Mon May  6 10:00:00 2024\nSubject: x\n\ntext\n", "Inbox", "mbox"),
        (b"From ann@example.org Mon May  6 10:00:00 2024\nSubject: x\n\ntext\n", "a.eml", "eml"),
        (b"From here on it is text.\n", "Inbox", "txt"),
        (b"Received: by x\r\nFrom: a@b\r\nSubject: x\r\nDate: today\r\n\r\ntext", "17", "eml"),
        (b"From: a@b\nSubject: x\nDate: today\n\ntext", "a.txt", "txt"),
        (b"To: all\n\nNothing else is a header here.", "notes", "txt"),
        (b"<?xml version='1.0'?><a>text</a>", "a", "xml"),
        (b"WEBVTT\n\n00:01.000 --> 00:02.000\ntext", "a", "vtt"),
        (b"key: value", "a.yml", "yaml"),
        (b'{"nbformat": 4, "cells": []}', "a.ipynb", "ipynb"),
    ],
)
def test_content_decides_a_type_before_the_name_does(data: bytes, name: str, found: str) -> None:
    assert type_of(data, name) == found


@pytest.mark.parametrize(
    ("data", "name", "reason"),
    [
        (zipped("META-INF/MANIFEST.MF"), "a.jar", "no reader for programs (.jar)"),
        (
            b"!BDN" + bytes(600),
            "a.pst",
            "no reader for Outlook stores (.pst): export it as .mbox or .eml",
        ),
        (
            b"ITSF" + bytes(99),
            "book",
            "no reader for books of other readers (.chm): convert it to PDF or EPUB",
        ),
        (bytes(range(256)) * 8, "a.bin", "no reader for programs (.bin)"),
        (b" \n\t", "a.docx", "empty"),
    ],
)
def test_what_nothing_reads_is_named(data: bytes, name: str, reason: str) -> None:
    with pytest.raises(FileSkipped) as caught:
        type_of(data, name)
    assert str(caught.value) == reason


def test_an_old_office_file_is_told_by_its_streams() -> None:
    kinds = {
        "WordDocument": "doc",
        "PowerPoint Document": "ppt",
        "Workbook": "xls",
        "__properties_version1.0": "msg",
    }
    for stream, kind in kinds.items():
        assert type_of(compound({(stream,): b"content"}), "noname") == kind
        assert type_of(compound({(stream,): b"content"}), "a.doc") == kind
    assert type_of(compound({("Workbook",): b"", ("WordDocument",): b""}), "a.xls") == "xls"
    with pytest.raises(FileFailed, match=r"^encrypted: needs a password$"):
        type_of(compound({("EncryptedPackage",): b"", ("EncryptionInfo",): b""}), "a.docx")
    with pytest.raises(FileSkipped, match=r"^no reader for programs \(\.msi\)$"):
        type_of(compound({("other",): b""}), "a.msi")


@pytest.mark.parametrize("count", [1, 30, 600])
def test_comments_before_a_page_are_passed_over_however_many_there_are(count: int) -> None:
    assert type_of(b"<!-- a -->\n" * count + b"<html>", "page") == "html"
    assert type_of(b"<!-- a -->\n" * count + b"words", "page") == "txt"


def test_a_line_that_begins_like_a_mailbox_and_never_ends_is_text() -> None:
    assert type_of(b"From " + b"10:10" * 1600, "a") == "txt"
    assert type_of(b"From a " + b"10:10 " * 1300, "a") == "txt"
    assert (
        type_of(b"From a@b.org Fri May 31 10:30:00 2024\r\n>From b\r\nSubject: x\r\n", "a")
        == "mbox"
    )


@pytest.mark.parametrize(
    ("data", "name", "expected"),
    [
        (b"<article><p>Text.</p></article>\n", "a.nxml", "xml"),
        (b"<!DOCTYPE book [<!ENTITY a 'b'>]>\n<book><p/></book>", "a", "xml"),
        (b"<root a='1'><b/></root>", "a.config", "xml"),
        (b"<root> and no more", "a.config", "txt"),
        (b"<b>bold</b> words", "a.unknown", "txt"),
        (b"<html><p>Text.</p></html>", "a.doc", "html"),
        (b"MIME-Version: 1.0\nContent-Type: multipart/related; boundary=x\n\n", "a.doc", "mhtml"),
        (b"Name\tPlace\nAsa\tQuay\n", "a.xls", "tsv"),
        (b"Name,Place\nAsa,Quay\n", "a.xls", "csv"),
        (b"Dear Asa, come\nsoon.\n", "a.xls", "txt"),
        ("Name\tPlace\nAsa\tQuay\n".encode("utf-16"), "a.xls", "tsv"),
        (b"A letter to you.\n", "a.doc", "txt"),
        (b'<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>', "a.xls", "xls"),
        (b"BEGIN:VCALENDAR\n", "a", "ics"),
        (b"BEGIN:VCARD\n", "a", "vcf"),
        (b"\x78\x9f\x3e\x22" + bytes(30), "winmail.dat", "tnef"),
    ],
)
def test_what_a_text_is_is_told_by_its_beginning(data: bytes, name: str, expected: str) -> None:
    assert type_of(data, name) == expected


def test_a_link_to_a_document_elsewhere_is_said_to_be_one() -> None:
    with pytest.raises(FileSkipped, match="only a link to a Google document"):
        type_of(b'{"doc_id": "1AbC"}', "letter.gsheet")


@pytest.mark.parametrize(
    ("data", "name", "reason"),
    [
        (b"\xffWPC\x10\0\0\0words", "a.wpd", r"WordPerfect documents \(.wpd\): open .* .docx or"),
        (b"\xffWPC\x10\0\0\0words", "letter.doc", r"WordPerfect documents \(.wpd\): open it in"),
        (b"\xffWPC\x10\0\0\0words", "LETTER", "WordPerfect documents"),
        (b"\0\0\x02\0\x06\x04\x06\0\x08\0", "a.wk1", r"Lotus workbooks \(.wk1\): .* .xlsx or .ods"),
        (b"\xff\0\x02\0\x04\x04\x05\x54", "a.wks", r"Works documents \(.wks\)"),
        (b"WordPro\0\x01\x02\x03", "a.lwp", "Word Pro documents"),
        (b"\xdb\xa5\x2d\0\0\0words", "a.doc", "documents of Word before version 6"),
        (compound_file({"MatOST": b"x", "CONTENTS": b"y"}), "a.wps", "Works documents"),
        (
            compound_file({"VisioDocument": b"x"}),
            "a",
            r"older Visio drawings \(.vsd\): save it as .vsdx",
        ),
        (compound_file({"BodyText": {"Section0": b"x"}}), "a.hwp", "save it as .hwpx"),
    ],
)
def test_an_old_format_is_named_with_its_cure(data: bytes, name: str, reason: str) -> None:
    with pytest.raises(FileSkipped, match=f"^no reader for .*{reason}"):
        type_of(data, name)
