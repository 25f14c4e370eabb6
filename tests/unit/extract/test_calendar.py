"""Calendars, contacts, and what programs pack around a mail: winmail.dat and signed files."""

from __future__ import annotations

import base64
import struct

import pytest

from searchapp.errors import FileError, FileFailed, FileSkipped
from searchapp.extract.entries import entries, extract
from searchapp.types.documents import Document
from tests.builders.packed import attribute, signed, tnef, wide


def read_all(data: bytes, name: str) -> dict[str, str]:
    """The text, or the refusal, of each member."""
    found = {}
    for entry in entries(data, name):
        try:
            found[entry.member] = "archive" if entry.is_container else entry.read().text
        except FileError as error:
            found[entry.member] = str(error)
    return found


def blocks(document: Document) -> list[str]:
    return [document.text[block.start : block.end] for block in document.blocks]


# ---- calendars -----------------------------------------------------------------------------------

CALENDAR = """BEGIN:VCALENDAR
X-WR-CALNAME:Orchard
BEGIN:VTIMEZONE
BEGIN:STANDARD
DTSTART:19700101T000000
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
DTSTART;VALUE=DATE:20240411
SUMMARY:Grafting\\, at
  last
RRULE:FREQ=WEEKLY;BYDAY=MO
ORGANIZER;CN="Moss; Ida":mailto:ida@example.org
ATTENDEE;ROLE=REQ-PARTICIPANT;CN=Per Lund:MAILTO:per@example.org
ATTENDEE:mailto:asa@example.org
STATUS:CANCELLED
BEGIN:VALARM
DESCRIPTION:Reminder
END:VALARM
DESCRIPTION:Bring twine\\nand wax
ATTACH;ENCODING=BASE64;VALUE=BINARY:AAAA
END:VEVENT
BEGIN:VTODO
DUE:20240412T1300
SUMMARY:Mend the hen house
END:VCALENDAR
"""


EVENT = (
    "When: 2024-04-11\nRepeats: weekly on Monday\nOrganizer: Moss; Ida <ida@example.org>\n"
    "Attendees: Per Lund <per@example.org>; asa@example.org\nStatus: CANCELLED\n"
    "Bring twine\nand wax"
)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_calendar_has_a_heading_an_entry_and_says_when_and_who(end: str) -> None:
    document = extract(CALENDAR.replace("\n", end).encode(), "orchard.ics")
    assert (document.type, document.title) == ("ics", "Orchard")
    assert blocks(document) == [
        "Grafting, at last",
        EVENT,
        "Mend the hen house",
        "Due: 2024-04-12 13:00",
    ]
    assert document.blocks[1].headings == ("Grafting, at last",)
    assert document.blocks[1].place == (("date", "2024-04-11"),)
    assert document.metadata["incomplete"] == "an embedded file of 4 B left out"


def test_a_calendar_is_known_by_its_first_line() -> None:
    assert extract(CALENDAR.encode(), "feed").type == "ics"


def test_a_calendar_without_entries_fails() -> None:
    with pytest.raises(FileFailed, match="not a readable calendar"):
        extract(b"BEGIN:VCALENDAR\nEND:VCALENDAR\n", "a.ics")


def test_a_letter_that_a_fold_divides_is_whole_and_a_rule_is_told_in_words() -> None:
    rule = "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,TH;UNTIL=20240630T000000Z"
    source = f"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:Grü|ße\r\n{rule}\r\nEND:VEVENT\r\n"
    data = source.encode().replace("ü|".encode(), b"\xc3\r\n \xbc")
    assert blocks(extract(data, "a.ics")) == [
        "Grüße",
        "Repeats: every 2 weeks on Tuesday, Thursday, until 2024-06-30",
    ]


# ---- contacts ------------------------------------------------------------------------------------


IDA = (
    "Organization: Orchard, Ltd, Pruning\nEmail: i@b.c (work)\n"
    "Address: Mill Lane 3, Reed, 9000 (home)\nBirthday: 1980-01-02"
)


def test_contacts_of_all_versions_are_read() -> None:
    cards = (
        "BEGIN:VCARD\nVERSION:2.1\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=B8rk;=C3=85sa\n"
        "TEL;CELL;HOME:+47 1\nNOTE;ENCODING=QUOTED-PRINTABLE:one=\n two=0D=0Athree\nEND:VCARD\n"
        "BEGIN:VCARD\nVERSION:3.0\nFN:Ida Moss\nORG:Orchard\\, Ltd;Pruning\nitem1.EMAIL;type=WORK:i@b.c\n"
        "ADR;TYPE=home:;;Mill Lane 3;Reed;;9000;\nBDAY:19800102\nPHOTO;ENCODING=b:AAAA\nEND:VCARD\n"
    )
    document = extract(cards.encode(), "all.vcf")
    assert (document.type, document.title) == ("vcf", "")
    assert blocks(document) == [
        "Åsa Mørk",
        "Telephone: +47 1 (cell, home)\nNote: onetwo three",
        "Ida Moss",
        IDA,
    ]
    assert document.metadata["incomplete"] == "a picture of 4 B left out"


def test_labels_that_apple_gives_dates_and_addresses_stand_beside_them() -> None:
    card = (
        "BEGIN:VCARD\nVERSION:3.0\nFN:Ida\nANNIVERSARY:20010506\nitem1.X-ABDATE:2001-05-07\n"
        "item1.X-ABLabel:_$!<Anniversary>!$_\nitem2.URL:https\\://e.org\nitem2.X-ABLabel:Mill\nEND:VCARD\n"
    )
    assert blocks(extract(card.encode(), "ida.vcf"))[1] == (
        "Anniversary: 2001-05-06\nLink: https://e.org (Mill)\nDate: 2001-05-07 (Anniversary)"
    )


# ---- winmail.dat ---------------------------------------------------------------------------------


BEGIN, TITLE, DATA = 0x00069002, 0x00018010, 0x0006800F
LONG = attribute(2, 0x00069005, struct.pack("<I", 1) + wide(0x3707, "Äpfel liste.txt"))


def test_what_outlook_packs_is_taken_out_with_its_long_names() -> None:
    data = tnef(
        attribute(1, 0x0002800C, b"The barn is booked.\0"),
        attribute(2, BEGIN, bytes(14)),
        attribute(2, TITLE, b"APFELL~1.TXT\0"),
        attribute(2, DATA, b"Cox and Boskoop."),
        LONG,
    )
    assert read_all(data, "winmail.dat") == {
        "message.txt": "The barn is booked.",
        "Äpfel liste.txt": "Cox and Boskoop.",
        "": "archive",
    }


def test_what_is_cut_short_gives_what_is_there_and_says_so() -> None:
    data = tnef(attribute(2, BEGIN, bytes(14)), attribute(2, DATA, b"Cox."), LONG)[:-30]
    assert read_all(data, "winmail.dat") == {
        "attachment-1": "Cox.",
        "": "not a readable Outlook attachment: it ends early",
    }


# ---- signed files --------------------------------------------------------------------------------


@pytest.mark.parametrize("pack", [bytes, base64.encodebytes])
def test_what_was_signed_is_read(pack: type[bytes]) -> None:
    inner = b"Content-Type: text/plain\n\nNine barrels on Friday.\n"
    assert read_all(pack(signed(inner)), "smime.p7m") == {
        "message.eml": "Nine barrels on Friday.",
        "": "archive",
    }
    assert read_all(pack(signed(b"Nine barrels.")), "order.txt.p7m")["order.txt"] == "Nine barrels."


def test_a_signature_alone_and_a_sealed_file_are_refused() -> None:
    with pytest.raises(FileSkipped, match="only holds other files"):
        extract(signed(b"x"), "a.p7m")
    assert read_all(signed(None), "a.p7s")[""] == "only a signature, without what it signs"
    assert "not a readable signed file" in read_all(signed(b"x")[:30] + b"\xff", "a.p7m")[""]
