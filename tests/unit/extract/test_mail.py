"""Mails give who, when and what, and their attachments; what is broken in one loses no more than
itself.
"""

from __future__ import annotations

import base64

import pytest

from searchapp.errors import FileFailed
from searchapp.extract.entries import Entry, entries, extract
from searchapp.extract.mail.outlook import unpacked_rtf
from searchapp.types.documents import Document
from tests.builders.archives import zipped
from tests.builders.mail import compound, mail, multipart, outlook
from tests.paths import SAMPLES

HEADERS = (
    "From: Anna Meier <anna@example.org>",
    "To: Bob <bob@example.org>",
    "Date: Fri, 31 May 2024 10:30:00 +0200",
    "Subject: Budget",
)
HEAD = (
    "From: Anna Meier <anna@example.org>\nTo: Bob <bob@example.org>\nDate: Fri, 31 May 2024 "
    "10:30:00 +0200"
)
PLACE = (("subject", "Budget"), ("date", "2024-05-31"))


def texts(document: Document) -> list[str]:
    return [document.text[block.start : block.end] for block in document.blocks]


def body(data: bytes, name: str = "a.eml") -> list[str]:
    """The texts of a mail's blocks, without that of its headers."""
    found = texts(extract(data, name))
    return found[1:] if found[0].startswith(("From: ", "To: ", "Date: ")) else found


def attached(data: bytes, name: str = "a.eml") -> list[tuple[str, bytes]]:
    found: list[Entry] = [entry for entry in entries(data, name) if entry.member]
    return [
        (entry.member, str(entry.refusal).encode() if entry.refusal else entry.data)
        for entry in found
    ]


def plain(text: str, *headers: str) -> bytes:
    return mail("Content-Type: text/plain; charset=utf-8", *headers, body=text)


def page(text: str) -> bytes:
    return mail("Content-Type: text/html; charset=utf-8", body=text)


# ---- headers -------------------------------------------------------------------------------------


@pytest.mark.parametrize("lines", ["\n", "\r\n", "\r"])
def test_a_mail_is_its_people_and_date_then_its_paragraphs(lines: str) -> None:
    text = "Dear Bob,\n\nthe budget\nis done.\n\n- one\n- two\n\n> what you\n> asked\n\n-- \nAnna\n"
    document = extract(
        mail(
            *HEADERS, "Cc: Carl <carl@example.org>", "Keywords: money, 2024", body=text, lines=lines
        ),
        "a.eml",
    )
    assert document.title == "Budget"
    assert document.type == "eml"
    assert not document.has_lines
    assert [(block.kind, block.place) for block in document.blocks] == [
        ("prose", PLACE),
        ("prose", PLACE),
        ("prose", PLACE),
        ("list", PLACE),
        ("prose", PLACE),
        ("prose", PLACE),
    ]
    head = HEAD.replace("\nDate", "\nCc: Carl <carl@example.org>\nDate")
    assert texts(document) == [
        head,
        "Dear Bob,",
        "the budget\nis done.",
        "- one\n- two",
        "> what you\n> asked",
        "--\nAnna",
    ]
    assert document.metadata == {
        "author": "Anna Meier",
        "from": "Anna Meier <anna@example.org>",
        "to": "Bob <bob@example.org>",
        "cc": "Carl <carl@example.org>",
        "date": "2024-05-31T10:30:00+02:00",
        "subject": "Budget",
        "tags": "money; 2024",
    }


def test_an_encoded_word_that_never_ends_hides_no_later_one() -> None:
    document = extract(
        mail("From: a@b.c", "Subject: =?utf-8?Q?a =?utf-8?Q?b=?= =?utf-8?Q?c?=", body="text"),
        "a.eml",
    )
    assert document.title == "=?utf-8?Q?a bc"


@pytest.mark.parametrize(
    ("raw", "subject"),
    [
        ("=?utf-8?B?R3LDvMOfZQ==?= aus =?iso-8859-1?Q?K=F6ln?=", "Grüße aus Köln"),
        ("=?utf-8?Q?Gr=C3=BC=C3?=\n =?utf-8?Q?=9Fe?=", "Grüße"),
        ("=?UTF-8?Q?a?= =?utf-8?q?_b?=", "a b"),
        ("Re: folded\n\tsubject", "Re: folded subject"),
        ("=?no-such-charset?Q?plain?=", "plain"),
        ("=?utf-8?B?R3LDvMOfZQ=?=", "Grüße"),
        ("=?utf-8?B?!?= rest", "rest"),
        ("=?utf-8*de?Q?sprache?=", "sprache"),
        ("Grüße", "Grüße"),
        ("a =? b", "a =? b"),
    ],
)
def test_a_subject_is_decoded_as_it_was_meant(raw: str, subject: str) -> None:
    assert extract(mail("From: a@b.c", f"Subject: {raw}", body="text"), "a.eml").title == subject


def test_a_header_in_eight_bits_is_read_as_text_is() -> None:
    data = mail(
        "From: a@b.c", "Subject: XX", "Date: Fri, 31 May 2024 10:30:00 +0200", body="text"
    ).replace(b"XX", "Grüße aus Köln".encode("latin-1"))
    assert extract(data, "a.eml").title == "Grüße aus Köln"


@pytest.mark.parametrize(
    ("raw", "author", "whole"),
    [
        ('"Meier, Anna" <anna@b.c>', "Meier, Anna", "Meier, Anna <anna@b.c>"),
        ("=?utf-8?Q?Meier=2C_J=C3=B6rg?= <j@b.c>", "Meier, Jörg", "Meier, Jörg <j@b.c>"),
        ("Meier, Anna <anna@b.c>", "Meier, Anna <anna@b.c>", "Meier, Anna <anna@b.c>"),
        ("anna@b.c (Anna)", "Anna", "Anna <anna@b.c>"),
        ("anna@b.c, Bob <bob@b.c>", "anna@b.c; Bob", "anna@b.c; Bob <bob@b.c>"),
        ("Anna at home", "Anna at home", "Anna at home"),
        ("<<>,;:\\", "<<>,;:\\", "<<>,;:\\"),
    ],
)
def test_a_sender_is_named_in_any_form(raw: str, author: str, whole: str) -> None:
    metadata = extract(mail(f"From: {raw}", "Subject: x", body="text"), "a.eml").metadata
    assert (metadata["author"], metadata["from"]) == (author, whole)


@pytest.mark.parametrize(
    ("raw", "date"),
    [
        ("Fri, 31 May 2024 10:30:00 -0400 (EDT)", "2024-05-31T10:30:00-04:00"),
        ("31 May 2024 10:30 GMT", "2024-05-31T10:30:00+00:00"),
        ("Fri, 31 May 2024 10:30:00 -0000", "2024-05-31T10:30:00+00:00"),
        ("2024-05-31 10:30:00", "2024-05-31T10:30:00"),
        ("yesterday", ""),
        ("Fri, 99 May 2024 10:30:00 +0200", ""),
        ("Fri, 31 May 2024 10:30:00 +9999999999", ""),
        ("", ""),
    ],
)
def test_a_date_is_iso_with_its_zone_or_left_out(raw: str, date: str) -> None:
    assert (
        extract(mail("From: a@b.c", f"Date: {raw}", body="text"), "a.eml").metadata.get("date", "")
        == date
    )


def test_a_mail_without_a_date_has_that_of_its_arrival() -> None:
    data = mail(
        "Received: from x by y;\n Fri, 31 May 2024 10:30:00 +0200", "From: a@b.c", body="text"
    )
    assert extract(data, "a.eml").metadata["date"] == "2024-05-31T10:30:00+02:00"


def test_many_recipients_are_all_in_the_metadata_and_counted_in_the_text() -> None:
    document = extract(
        mail("To: " + ", ".join(f"a{number}@b.c" for number in range(23)), body="text"), "a.eml"
    )
    assert document.metadata["to"].count(";") == 22
    assert texts(document)[0].endswith("a19@b.c and 3 more")


@pytest.mark.parametrize(
    "before",
    [
        b"From a@b.c Fri May 31 10:30:00 2024\n",
        b"From a@b.c Fri May 31 10:30:00 2024\n>From me\n",
        b"\n\n",
        b"\xef\xbb\xbf",
    ],
)
def test_what_stands_before_the_headers_is_passed_over(before: bytes) -> None:
    assert texts(extract(before + mail(*HEADERS, body="text"), "a.eml")) == [HEAD, "text"]


def test_a_line_that_is_no_header_costs_no_other_header() -> None:
    document = extract(mail(HEADERS[0], "no header", *HEADERS[1:], body="text"), "a.eml")
    assert document.title == "Budget"
    assert texts(document)[-1] == "text"


def test_a_body_that_follows_its_headers_at_once_is_kept() -> None:
    assert body(b"From: a@b.c\nSubject: x\nHello there\nand more\n") == ["Hello there\nand more"]


def test_a_mail_of_apple_ends_where_its_count_says() -> None:
    inner = mail(*HEADERS, body="text")
    assert texts(
        extract(b"%d\n" % len(inner) + inner + b"<?xml version='1.0'?><plist/>", "1.emlx")
    ) == [HEAD, "text"]


# ---- bodies --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("base64", base64.encodebytes("Grüße".encode())),
        ("base64", b"R3LDvMOf*ZQ=\n"),
        ("BASE64", b"R3LD\nvMOfZQ==\n!"),
        ("quoted-printable", b"Gr=C3=BC=C3=\n=9Fe\n"),
        ("8bit", "Grüße".encode()),
        ("no-such-encoding", "Grüße".encode()),
        ("x-uuencode", b"begin 644 a\n'1W+#O,.?90  \nend\n"),
    ],
)
def test_a_body_is_decoded_as_far_as_it_can_be(encoding: str, data: bytes) -> None:
    assert body(
        mail(
            f"Content-Transfer-Encoding: {encoding}",
            "Content-Type: text/plain; charset=utf-8",
            body=data,
        )
    ) == ["Grüße"]


@pytest.mark.parametrize(
    "charset",
    [
        "us-ascii",
        "utf-8",
        "no-such-charset",
        "punycode",
        "rot13",
        '"',
        "",
        "iso-8859-1",
        "ISO-8859-1*",
    ],
)
def test_a_wrong_charset_costs_no_letters(charset: str) -> None:
    data = mail(
        "From: a@b.c",
        f"Content-Type: text/plain; charset={charset}",
        body="Müller ging über die Straße".encode("latin-1"),
    )
    assert body(data) == ["Müller ging über die Straße"]


def test_flowed_lines_are_joined_within_their_quote() -> None:
    text = "One \nparagraph\n\n> quoted \n> on\n>> deeper \nback\n-- \nAnna\n"
    data = mail("From: a@b.c", "Content-Type: text/plain; format=flowed", body=text)
    assert body(data) == ["One paragraph", "> quoted on\n>> deeper\nback\n--\nAnna"]


def test_of_two_forms_the_plain_one_is_read() -> None:
    kind, parts = multipart("alternative", plain("Hello *Bob*"), page("<p>Hello <b>Bob</b></p>"))
    assert body(mail("From: a@b.c", kind, body=parts)) == ["Hello *Bob*"]


def test_a_plain_stub_gives_way_to_the_page() -> None:
    source = (
        "<h1>News</h1><p>All that happened in May, at "
        "length.</p><table><tr><td>a</td><td>b</td></tr></table>"
    )
    kind, parts = multipart("alternative", plain("See the web."), page(source))
    assert body(mail("From: a@b.c", kind, body=parts)) == [
        "News",
        "All that happened in May, at length.",
        "a | b",
    ]


def test_a_page_gives_all_that_is_visible() -> None:
    source = "<head><style>p{}</style></head><nav>Menu</nav><p>Text</p><script>no()</script><footer>Foot</footer>"
    assert body(mail("From: a@b.c", "Content-Type: text/html", body=source)) == [
        "Menu",
        "Text",
        "Foot",
    ]


def test_alternatives_within_related_within_mixed_are_found() -> None:
    kind, parts = multipart("alternative", plain("Hello"), page("<p>Hello</p>"), boundary="inner")
    kind, parts = multipart(
        "related",
        mail(kind, body=parts),
        mail("Content-Type: image/png", body="logo"),
        boundary="middle",
    )
    kind, parts = multipart(
        "mixed",
        mail(kind, body=parts),
        plain("Footer"),
        plain("text", 'Content-Disposition: attachment; filename="a.txt"'),
    )
    data = mail("From: a@b.c", kind, body=parts)
    assert body(data) == ["Hello", "Footer"]
    assert attached(data) == [("a.txt", b"text")]


def test_an_appointment_says_what_when_and_where() -> None:
    event = (
        "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nDTSTART:19700101T000000\nEND:VTIMEZONE\nBEGIN:VEVENT\nDTSTART;TZID=Berlin:20240531T103000\n"
        "DTEND:20240531T083000Z\nSUMMARY:Meeting\\, at\n  last\nLOCATION:Room "
        "5\nEND:VEVENT\nEND:VCALENDAR\n"
    )
    kind, parts = multipart(
        "alternative",
        plain("You are invited"),
        mail("Content-Type: text/calendar; name=invite.ics", body=event),
    )
    data = mail("From: a@b.c", kind, body=parts)
    assert body(data) == [
        "You are invited",
        "Meeting, at last\nWhen: 2024-05-31 10:30 Berlin to 08:30 UTC\nWhere: Room 5",
    ]
    assert attached(data) == []


@pytest.mark.parametrize("boundary", ["", "; boundary=other", '; boundary="'])
def test_parts_are_found_without_their_boundary(boundary: str) -> None:
    _, parts = multipart(
        "mixed", plain("Hello"), plain("text", "Content-Disposition: attachment; filename=a.txt")
    )
    data = mail("From: a@b.c", f"Content-Type: multipart/mixed{boundary}", body=parts)
    assert (body(data), attached(data)) == (["Hello"], [("a.txt", b"text")])


def test_a_multipart_without_parts_is_text() -> None:
    assert body(
        mail("From: a@b.c", "Content-Type: multipart/mixed; boundary=edge", body="Hello\n")
    ) == ["Hello"]


def test_a_mail_cut_short_keeps_what_is_there() -> None:
    kind, parts = multipart("mixed", plain("Hello"), plain("half of it"))
    assert body(mail("From: a@b.c", kind, body=parts[: parts.index(b" of it")])) == [
        "Hello",
        "half",
    ]


def test_multiparts_nested_without_end_are_read_to_a_depth() -> None:
    data = plain("innermost")
    for number in range(300):
        kind, parts = multipart("mixed", data, boundary=f"edge{number}.")
        data = mail(kind, body=parts)
    assert any(
        "innermost" in text for text in body(mail("From: a@b.c").rstrip(b"\n") + b"\n" + data)
    )


def test_a_mail_of_too_many_parts_fails_soon() -> None:
    data = mail(
        "From: a@b.c", "Content-Type: multipart/mixed; boundary=edge", body="--edge\n" * 10_002
    )
    with pytest.raises(FileFailed, match="holds more than 10,000 parts"):
        extract(data, "a.eml")


def test_a_mail_of_headers_alone_is_found_by_them() -> None:
    assert texts(extract(mail(*HEADERS), "a.eml")) == [HEAD]


# ---- attachments ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ('Content-Disposition: attachment; filename="report.txt"', "report.txt"),
        ("Content-Disposition: attachment; filename==?utf-8?Q?Gr=C3=BC=C3=9Fe.txt?=", "Grüße.txt"),
        ("Content-Disposition: attachment; filename*=utf-8''Gr%C3%BC%C3%9Fe.txt", "Grüße.txt"),
        ("Content-Disposition: attachment; filename*0=gr; filename*1=eat.txt", "great.txt"),
        ('Content-Disposition: attachment; filename="Grüße.txt"', "Grüße.txt"),
        ('Content-Disposition: attachment; filename="../../etc/passwd.txt"', "passwd.txt"),
        ('Content-Disposition: attachment; filename="C:\\\\x\\\\a.txt"', "a.txt"),
        ("Content-Disposition: attachment", "attachment-1.txt"),
        ("Content-Disposition: inline; filename=notes.txt", "notes.txt"),
    ],
)
def test_an_attachment_goes_by_its_decoded_name(header: str, name: str) -> None:
    kind, parts = multipart("mixed", plain("Hello"), plain("text", header))
    assert attached(mail("From: a@b.c", kind, body=parts)) == [(name, b"text")]


def test_attachments_are_documents_of_their_own() -> None:
    inner = base64.encodebytes(zipped({"a.txt": b"in the archive"}))
    kind, parts = multipart(
        "mixed",
        plain("Hello"),
        mail(
            "Content-Type: application/zip; name=x.zip",
            "Content-Transfer-Encoding: base64",
            body=inner,
        ),
        mail(
            "Content-Type: message/rfc822",
            body=mail("From: c@b.c", "Subject: Inner", body="forwarded"),
        ),
        mail("Content-Type: image/png", body="inline without a name"),
        mail("Content-Type: application/pgp-signature; name=signature.asc", body="signature"),
        mail(
            "Content-Type: application/ms-tnef; name=winmail.dat",
            "Content-Transfer-Encoding: base64",
            body=base64.encodebytes(bytes(99)),
        ),
        plain("text", "Content-Disposition: attachment; filename=id_rsa"),
    )
    found = list(entries(mail(*HEADERS, kind, body=parts), "a.eml"))
    assert [(entry.member, entry.document_type, str(entry.refusal or "")) for entry in found] == [
        ("", "eml", ""),
        ("x.zip!/a.txt", "txt", ""),
        ("x.zip", "zip", ""),
        ("attachment-2.eml", "eml", ""),
        ("winmail.dat", "", "no reader for binary files (.dat)"),
        ("id_rsa", "", "secret"),
    ]
    assert found[3].read().blocks[0].place == (("member", "attachment-2.eml"), ("subject", "Inner"))


def test_an_encrypted_mail_is_found_by_its_headers_and_says_so() -> None:
    kind, parts = multipart(
        "encrypted",
        mail("Content-Type: application/pgp-encrypted", body="Version: 1"),
        mail("Content-Type: application/octet-stream; name=encrypted.asc", body="xx"),
    )
    data = mail(*HEADERS, kind, body=parts)
    assert texts(extract(data, "a.eml")) == [HEAD]
    assert attached(data) == [("encrypted.asc", b"encrypted: needs a key")]
    assert attached(
        mail(
            *HEADERS,
            "Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m",
            body="xx",
        )
    ) == [("smime.p7m", b"encrypted: needs a key")]


# ---- mailboxes and saved pages -------------------------------------------------------------------


@pytest.mark.parametrize("lines", ["\n", "\r\n"])
def test_a_mailbox_is_its_mails_in_order(lines: str) -> None:
    first = mail(
        "From: a@b.c",
        "Subject: One",
        body="Hello\n>From here on\n>>From there\n\nFrom now on 10 of us\n\n",
    )
    second = mail("From: a@b.c", "Subject: Two", body="Bye\n")
    start = b"From a@b.c Fri May 31 10:30:00 2024\n"
    data = (start + first + start + second).replace(b"\n", lines.encode())
    found = list(entries(data, "inbox.mbox"))
    assert [(entry.member, entry.is_container) for entry in found] == [
        ("1.eml", False),
        ("2.eml", False),
        ("", True),
    ]
    assert texts(found[0].read()) == [
        "From: a@b.c",
        "Hello\nFrom here on\n>From there",
        "From now on 10 of us",
    ]
    assert found[1].read().title == "Two"


def test_a_mailbox_that_begins_otherwise_loses_nothing() -> None:
    data = (
        mail("From: a@b.c", body="One\n\n")
        + b"From a@b.c Fri May 31 10:30:00 2024\n"
        + mail("From: a@b.c", body="Two\n")
    )
    assert [texts(entry.read())[-1] for entry in entries(data, "inbox.mbox") if entry.member] == [
        "One",
        "Two",
    ]


def test_a_saved_page_is_its_main_text() -> None:
    source = (
        "<html><head><title>The Page</title></head><body><nav>Menu</nav><p>Grüße</p></body></html>"
    )
    encoded = source.replace("=", "=3D").replace("ü", "=FC").replace("ß", "=DF")
    kind, parts = multipart(
        "related",
        mail("Content-Type: text/css", body="p {}"),
        mail(
            "Content-Type: text/html; charset=iso-8859-1",
            "Content-Transfer-Encoding: quoted-printable",
            "Content-ID: <root>",
            body=encoded,
        ),
        mail("Content-Type: image/png; name=logo.png", body="logo"),
    )
    data = mail(
        "From: <Saved by a browser>", "Date: Fri, 31 May 2024 10:30:00 +0200", kind, body=parts
    )
    document = extract(data, "page.mhtml")
    assert (document.title, document.type, texts(document)) == ("The Page", "mhtml", ["Grüße"])
    assert document.metadata == {
        "date": "2024-05-31T10:30:00+02:00",
        "left_out": "menus and links beside the text: 4 characters",
    }
    assert [entry.member for entry in entries(data, "page.mhtml")] == [""]


def test_a_saved_page_without_a_page_fails() -> None:
    with pytest.raises(FileFailed, match="not a readable saved page: no page is in it"):
        extract(mail("From: a@b.c", body="text"), "page.mht")


# ---- Outlook -------------------------------------------------------------------------------------

SENT = 133616178000000000  # 2024-05-31 08:30 UTC, in 100 ns since 1601


def recipient(name: str, address: str, kind: int) -> dict[tuple[str, ...], bytes]:
    return outlook({0x3001: name, 0x39FE: address}, {0x0C15: kind}, header=8)


@pytest.mark.parametrize("is_unicode", [True, False])
def test_a_message_of_outlook_reads_as_a_mail_does(is_unicode: bool) -> None:
    inner = outlook({0x0037: "Inner", 0x1000: "Forwarded text"}, header=24)
    streams = outlook(
        {
            0x0037: "Příliš",
            0x0042: 'Anna "A" Meier',
            0x5D02: "anna@b.c",
            0x1000: "Dobrý den\r\n\r\npříště\r\n",
            0x1013: b"<p>Dobr\xc3\xbd den</p>",
        },
        {0x0039: SENT, 0x3FFD: 1250},
        within={
            "__recip_version1.0_#00000000": recipient("Bob", "bob@b.c", 1),
            "__recip_version1.0_#00000001": recipient("carl@b.c", "carl@b.c", 2),
            "__attach_version1.0_#00000000": outlook(
                {0x3707: "report.dat", 0x3701: b"attached\0" * 600}, header=8
            ),
            "__attach_version1.0_#00000001": outlook(
                {}, header=8, within={"__substg1.0_3701000D": inner}
            ),
        },
        wide=is_unicode,
    )
    found = list(entries(compound(streams), "a.msg"))
    document = found[0].read()
    assert document.title == "Příliš"
    assert texts(document) == [
        (
            'From: Anna "A" Meier <anna@b.c>\nTo: Bob <bob@b.c>\nCc: carl@b.c\nDate: Fri, 31 May '
            "2024 "
            "08:30:00 +0000"
        ),
        "Dobrý den",
        "příště",
    ]
    assert document.metadata["date"] == "2024-05-31T08:30:00+00:00"
    assert document.blocks[0].place == (("subject", "Příliš"), ("date", "2024-05-31"))
    assert [(entry.member, entry.document_type) for entry in found] == [
        ("", "msg"),
        ("report.dat", ""),
        ("Inner.eml", "eml"),
    ]
    assert found[1].data == b"attached\0" * 600
    assert (found[2].read().title, texts(found[2].read())) == ("Inner", ["Forwarded text"])


def test_a_message_has_the_zone_of_its_sender_where_it_has_travelled() -> None:
    streams = outlook(
        {
            0x0037: "x",
            0x1000: "text",
            0x007D: "Received: x\r\nDate: Fri, 31 May 2024 10:30:00 +0200\r\n",
        },
        {0x0039: SENT},
    )
    assert extract(compound(streams), "a.msg").metadata["date"] == "2024-05-31T10:30:00+02:00"


def test_a_message_with_a_page_alone_is_read_in_its_code_page() -> None:
    streams = outlook({0x0037: "x", 0x1013: "<p>příště</p>".encode("cp1250")}, {0x3FDE: 1250})
    assert body(compound(streams), "a.msg") == ["příště"]


def test_packed_rich_text_is_unpacked() -> None:
    packed = (
        "2d0000002b0000004c5a4675f1c5c7a703000a00726370673132354232 "
        "0af32068656c090020627705b06c647d0a800fa0"
    )
    assert (
        unpacked_rtf(bytes.fromhex(packed)) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
    )  # [MS-OXRTFCP], section 3.1.1
    repeated = "1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0"
    assert (
        unpacked_rtf(bytes.fromhex(repeated)) == b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}"
    )  # section 3.1.2


def test_a_message_in_rich_text_alone_is_read() -> None:
    packed = bytes.fromhex(
        "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0"
    )
    assert body(compound(outlook({0x0037: "x", 0x1009: packed})), "a.msg") == ["hello world"]


@pytest.mark.parametrize("damage", ["cut", "zeros"])
def test_a_broken_message_fails(damage: str) -> None:
    whole = compound(outlook({0x0037: "x", 0x1000: "text" * 3000}))
    broken = whole[:1024] if damage == "cut" else whole[:512] + bytes(len(whole) - 512)
    with pytest.raises(FileFailed, match="not a readable Outlook message: "):
        extract(broken, "a.msg")


# ---- samples -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sample", "title", "date", "text"),
    [
        (
            "eml/kreuzberg__html_only.eml",
            "HTML Only Email",
            "2024-05-10T16:45:00+00:00",
            '- HTML entities: <, >, &, "\n- Special characters: €, ©, ®',
        ),
        (
            "eml/unstructured__email-no-utf8-2008-07-16.062410.eml",
            "RE: שלום",
            "2008-07-16T09:24:06+03:00",
            "סלבה היקר,",
        ),
        (
            "eml/unstructured__fake-email-attachment.eml",
            "Fake email with attachment",
            "2022-12-23T12:08:48-06:00",
            "- and is a quick read",
        ),
        (
            "msg/markitdown__test_outlook_msg.msg",
            "Test Email Message",
            "2024-12-22T11:23:00+03:00",
            "From: M. C. Kurtuluş <muratcan.kurtulus@gmail.com>\n",
        ),
    ],
)
def test_real_mails_are_read(sample: str, title: str, date: str, text: str) -> None:
    path = SAMPLES / sample
    document = extract(path.read_bytes(), path.name)
    assert (document.title, document.metadata["date"]) == (title, date)
    assert text in document.text


def test_the_frames_of_a_saved_page_are_read_after_it() -> None:
    frame = "<p>The tide table hangs beside the door of the harbour office, below the clock.</p>"
    kind, parts = multipart(
        "related",
        mail("Content-Type: text/html", body="<title>Harbour</title><p>The harbour.</p>"),
        mail("Content-Type: text/html", body=frame),
        mail("Content-Type: text/html", body="<p>An advertisement.</p>"),
        mail("Content-Type: text/html", body="<p>The ferry leaves at nine.</p>"),
    )
    document = extract(mail("From: <Saved by a browser>", kind, body=parts), "page.mhtml")
    assert document.title == "Harbour"
    assert document.text.startswith("The harbour.\n\nThe tide table hangs")
    assert document.text.endswith("The ferry leaves at nine.")
    assert "advertisement" not in document.text
    assert document.metadata["left_out"] == "menus and links beside the text: 17 characters"


def test_utf_8_under_the_name_of_another_charset_is_read_as_utf_8() -> None:
    head = b"From: a@b.c\r\nSubject: x\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\r\n"
    for charset in ("utf-8", "iso-8859-1"):
        assert extract(head + "Käse".encode(charset), "a.eml").text.endswith("Käse")
