"""The notes of an Evernote export are documents of their own, with their attachments."""

from __future__ import annotations

import base64

import pytest

from searchapp.errors import FileFailed
from searchapp.extract.entries import Entry, entries

CONTENT = (
    '<![CDATA[<?xml version="1.0"?><!DOCTYPE en-note SYSTEM "x"><en-note><div>Oil the <b>o</b>ars'
    '.</div><div><en-todo checked="true"/>done</div><div><en-todo/>open</div>{}</en-note>]]>'
)


def note(title: str, content: str = "", further: str = "") -> str:
    return (
        f"<note><title>{title}</title><created>20240301T100000Z</created><tag>boats</tag>"
        f"<tag>a &amp; b</tag><note-attributes><author>Anna</author></note-attributes>"
        f"<content>{content or CONTENT.format('')}</content>{further}</note>"
    )


def resource(data: str, name: str = "", mime: str = "text/plain") -> str:
    attributes = f"<resource-attributes><file-name>{name}</file-name></resource-attributes>"
    return (
        f"<resource><data encoding='base64'>\n{data}\n</data><mime>{mime}</mime>"
        f"{attributes if name else ''}</resource>"
    )


def exported(*notes: str) -> list[Entry]:
    text = f"<?xml version='1.0'?><en-export>{''.join(notes)}</en-export>"
    return [entry for entry in entries(text.encode(), "my.enex") if not entry.is_container]


def test_a_note_is_a_document_with_its_title_tags_and_date() -> None:
    (entry,) = exported(note("Oars &amp; sails"))
    document = entry.read()
    assert (entry.member, document.type, document.title) == (
        "Oars & sails.enml",
        "enml",
        "Oars & sails",
    )
    assert document.text == "Oars & sails\n\nOil the oars.\n\n[x] done\n\n[ ] open"
    assert document.metadata == {
        "author": "Anna",
        "date": "2024-03-01T10:00:00Z",
        "tags": "boats; a & b",
    }


def test_notes_of_one_title_and_of_none_have_names_of_their_own() -> None:
    found = exported(note("A/B"), note("A/B"), note(""))
    assert [entry.member for entry in found] == ["A-B.enml", "A-B~2.enml", "untitled.enml"]


def test_the_attachments_of_a_note_are_its_members() -> None:
    words = base64.b64encode(b"The tide is out.\n").decode()
    files = resource(words, "tide.txt"), resource(words), resource("A"), resource(words, ".env")
    oars, *rest = exported(note("Oars", further="".join(files)))
    assert "tide" not in oars.read().text
    assert [entry.member for entry in rest] == [
        f"Oars.enml!/{name}"
        for name in ("tide.txt", "attachment-2.txt", "attachment-3.txt", ".env")
    ]
    assert rest[0].read().text == "The tide is out.\n"
    assert [str(entry.refusal) for entry in rest[2:]] == ["broken base64", "secret"]


def test_a_broken_note_costs_no_other_and_encrypted_passages_are_said() -> None:
    secret = CONTENT.format("<en-crypt hint='x'>AAAA</en-crypt>")
    broken, oars = exported(note("Bad", "<en-note><div>Still &lt; read"), note("Oars", secret))
    assert "Still < read" in broken.read().text
    document = oars.read()
    assert "AAAA" not in document.text
    assert document.metadata["incomplete"] == "encrypted passages were not read"


def test_an_export_without_notes_is_refused() -> None:
    (entry,) = exported("<note>")
    with pytest.raises(FileFailed, match="it has no notes"):
        entry.read()
