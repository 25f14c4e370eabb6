"""What is no text is left out of every document and said; what only looks like it stays."""

from __future__ import annotations

import base64
import hashlib
import random
import time
from collections.abc import Callable

import pytest

from searchapp.errors import FileSkipped
from searchapp.extract.drawings import svg
from searchapp.extract.entries import extract
from searchapp.extract.noise import noise_in
from searchapp.extract.text.bibtex import _value
from searchapp.extract.text.latex import tex_plain
from searchapp.extract.web.html import _cleaned


def _in_lines(text: str, width: int) -> str:
    return "\n".join(text[at : at + width] for at in range(0, len(text), width))


def _records(form: str) -> str:
    """The lines of a program for a device."""
    places = range(0, 320, 16)
    return "".join(form.format(at, _BYTES[at : at + 16].hex().upper()) + "\n" for at in places)


_RANDOM = random.Random(11)
_BYTES = random.Random(7).randbytes(3000)
_PACKED = base64.b64encode(_BYTES).decode()
_LINES = base64.encodebytes(_BYTES).decode()
_DUMP = "".join(
    f"{at:08x}: {_BYTES[at : at + 16].hex(' ', 2)}  {'.' * 16}\n" for at in range(0, 320, 16)
)
_PAIRS = "".join(_BYTES[at : at + 16].hex(" ") + "\n" for at in range(0, 320, 16))
_SCRIPT = "!function(e,t){var n=e.x;return this.a===null?t(n):void 0}(window,document);" * 20
_STYLE = ".a{color:red;margin:0}.b>.c:hover{padding:1px 2px}" * 20


@pytest.mark.parametrize(
    ("noise", "said"),
    [
        (f"![a](data:image/png;base64,{_PACKED})", "a picture of 4.0 kB left out"),
        (f"url(data:application/x;base64,{_PACKED})", "an embedded file of 4.0 kB left out"),
        (_PACKED, "base64 of 4.0 kB left out"),
        (_LINES, "base64 of 4.1 kB left out"),
        (_LINES.replace("\n", "\n "), "base64 of 4.1 kB left out"),
        (
            f"-----BEGIN CERTIFICATE-----\n{_LINES[:100]}\n-----END CERTIFICATE-----",
            "a PEM block of 154 B left out",
        ),
        (_BYTES.hex(), "a dump of bytes of 6.0 kB left out"),
        (_DUMP, "a dump of bytes of 1.4 kB left out"),
        (_PAIRS, "a dump of bytes of 960 B left out"),
        (", ".join(f"0x{byte:02x}" for byte in _BYTES[:100]), "a dump of bytes of 598 B left out"),
        (_BYTES[:300].hex(":"), "a dump of bytes of 899 B left out"),
        (_in_lines(_BYTES[:950].hex(), 64), "a dump of bytes of 1.9 kB left out"),
        (
            _in_lines((b"The swan nests early. " * 40).hex(), 64),
            "a dump of bytes of 1.8 kB left out",
        ),
        (_in_lines(_BYTES[:990].hex(), 40), "a dump of bytes of 2.0 kB left out"),
        (_records(":10{:04X}00{}AB"), "a dump of bytes of 880 B left out"),
        (_records("S113{:04X}{}1F"), "a dump of bytes of 860 B left out"),
        (base64.b32encode(_BYTES).decode(), "base32 of 4.8 kB left out"),
        (_in_lines(base64.b32encode(_BYTES).decode(), 76), "base32 of 4.9 kB left out"),
        (base64.b85encode(_BYTES).decode(), "base85 of 3.8 kB left out"),
        (_in_lines(base64.b85encode(_BYTES).decode(), 76), "base85 of 3.8 kB left out"),
        (base64.a85encode(_BYTES, adobe=True, wrapcol=75).decode(), "base85 of 3.8 kB left out"),
        (_SCRIPT, "a minified script of 1.5 kB left out"),
        (_STYLE, "a minified script of 1.0 kB left out"),
    ],
)
def test_noise_is_left_out_and_said(noise: str, said: str) -> None:
    document = extract(f"The swan nests early.\n\n{noise}\n\nAfter it.\n".encode(), "note.txt")
    shown = [document.text[block.start : block.end] for block in document.blocks]
    assert (shown[0], shown[-1]) == ("The swan nests early.", "After it.")
    assert len("".join(shown)) < 60
    assert document.metadata["incomplete"] == said


@pytest.mark.parametrize(
    "text",
    [
        f"The file's hash is {hashlib.sha512(b'a').hexdigest()}, as it should be.",
        "\n".join(hashlib.sha256(bytes([number])).hexdigest() for number in range(50)),
        "https://example.org/" + "Ab3dE6gH1" * 60,
        "ACGTTGCAAC" * 100,
        "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSGAEKAVQVKVKALPDAQFEVV" * 5,
        "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz" * 5,
        "水門は朝七時に開きます。" * 60,
        "3" * 300,
        "-" * 300,
        "/usr/lib/python3/site-packages/searchapp/extract/spreadsheets/workbook/" * 5,
        "a_very_long_name_of_a_function_that_goes_on_and_on_and_never_ends_at_all" * 4,
        "\n".join(f"{year} 12 45 67 89 23 45 67 89 12" for year in range(1900, 1950)),
        "\n".join("12 45 67 89 23 45 67 89 12 34" for _ in range(20)),
        "Then he (the clerk; see above) said: yes, sir; no, sir. " * 60,
        '{"time":"2024-03-01","level":"info","message":"the gate opens","user":"moss"}' * 20,
        "PATH=" + "/opt/Tool7/bin:/usr/Local2/bin:/home/Moss/Bin9:" * 12,
    ],
)
def test_text_that_looks_like_noise_stays(text: str) -> None:
    assert list(noise_in(text)) == []


def _sums(*kinds: str, before: str = "") -> list[str]:
    return [
        before + hashlib.new(kinds[number % len(kinds)], bytes([number])).hexdigest()
        for number in range(12)
    ]


def _identifiers(length: int, letters: str, before: str = "") -> str:
    some = random.Random(length)
    return "\n".join(before + "".join(some.choices(letters, k=length)) for _ in range(12))


_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_PERSONS_TEXT = {
    "names of tests": (
        "Http2ClientTest_Returns404_WhenUserIsMissing\nLoginPageTest_Shows3Errors_AfterBadPassword\n"
        "Cart2Test_KeepsItems_WhenSessionIsRenewed_V2\nOrderApiV1Test_Rejects_NegativeAmounts_Twice\n"
        "InvoiceTest_RoundsTo2Digits_InHungarianForint\nExport7Test_WritesUtf8_WithBom_ForExcel2016"
    ),
    "long names of tests": "\n".join(
        f"TheLoginPageOfTheWaterGateTest_Shows{number}Errors_AfterTheThirdBadPassword"
        for number in range(9)
    ),
    "pictures": "\n".join(
        f"IMG_2024050{day}_141210_Budapest_Chain_Bridge_HDR" for day in range(1, 9)
    ),
    "paths": "\n".join(f"src/Main/Java8/Core_V2/Util-X1/Io/HttpUrlV{v}/DbX9/Q0A" for v in range(9)),
    "long paths": "\n".join(
        f"src/Main/Java8/Core_V2/Util-X1/Io/HttpUrlV{v}/DbX9/Q0A/Tests/Unit7/Io2" for v in range(9)
    ),
    "accounts": _identifiers(44, _BASE58),
    "signatures in base58": _identifiers(88, _BASE58),
    "films": _identifiers(44, _BASE58, "Qm"),
    "wallets": _identifiers(40, "0123456789abcdefABCDEF", "0x"),
    "sha1 and sha256": "\n".join(_sums("sha1", "sha256")),
    "rows of hashes": "\n".join(",".join(_sums("sha1", "sha256", "sha512")[:3]) for _ in range(9)),
    "payments": "\n".join(_sums("sha256", before="0x")),
    "buses": "\n".join(f"{h:02}00 {h:02}12 {h:02}25 {h:02}38 {h:02}51" for h in range(5, 21)),
    "decades": "\n".join(f"{year} 75 35 572 {year - 1880}" for year in range(1900, 2030, 10)),
    "heights": "\n".join(f"{height} 12 34 56 78" for height in range(1000, 1900, 100)),
    "rooms": "\n".join(f"10{n}0 10{n} 43 87 65 room 10{n}" for n in range(10)),
    "payments of 2024": "\n".join(
        f"{number} 1000 2000 3000 4000 paid by Anna" for number in range(2000, 2048, 8)
    ),
    "a log": '{"user":null,"referer":null,"agent":"X(11;a)","order":null,"at":"a(b)"}' * 9,
    "a line of JSON": '{"said":[' + '"var a=>{b(c)&&d;}",' * 40 + "null]}",
    "fingerprints": "\n".join(
        f"{number} {bytes.fromhex(each).hex(':').upper()}"
        for number, each in enumerate(_sums("sha512"))
    ),
}


@pytest.mark.parametrize("name", _PERSONS_TEXT)
def test_names_hashes_and_figures_stay(name: str) -> None:
    assert list(noise_in(f"Title\n\n{_PERSONS_TEXT[name]}\n\nEnd.\n")) == []


@pytest.mark.parametrize(
    "noise",
    [
        _LINES[20:],  # its first line is shorter, as in a contact
        "".join(f"{_LINES[at : at + 76]}\\n" for at in range(0, 770, 77)),
        base64.urlsafe_b64encode(_BYTES).decode(),
        "".join(f"{at:08x}  {bytes(16).hex(' ')}\n" for at in range(0, 320, 16)),
        "".join(
            f"{at:04x}: {b'The swan nests .'.hex(' ')}  The swan nests .\n"
            for at in range(0, 80, 16)
        ),
    ],
)
def test_noise_is_known_whole(noise: str) -> None:
    found = list(noise_in(f"Title\n\n{noise}\n\nEnd.\n"))
    assert sum(each.end - each.start for each in found) >= len(noise.strip()) - 2


def _fingerprints(count: int) -> str:
    each = hashlib.sha1(b"", usedforsecurity=False).hexdigest()
    return "\n".join([bytes.fromhex(each).hex(":").upper()] * count)


@pytest.mark.parametrize(
    "read",
    [
        lambda: list(noise_in(_fingerprints(3000))),
        lambda: list(noise_in("-----BEGIN AB-----\nAb: " + " " * 40_000 + "!")),
        lambda: list(noise_in("-----BEGIN AB-----\nAb: " * 8000)),
        lambda: tex_plain("\\a[" * 40_000),
        lambda: _value("author", "x" + " " * 60_000 + "y"),
        lambda: _cleaned("<noframes" * 30_000),
        lambda: svg._PLACE.search("matrix(" * 30_000),
    ],
)
def test_no_text_takes_time_by_its_square(read: Callable[[], object]) -> None:
    began = time.process_time()
    read()
    assert time.process_time() - began < 1.5  # a tenth of a second; by the square, many


@pytest.mark.parametrize("around", ["Größe ", "東京の水門 ", "\U0001f6a3 café\n", "\ud800 "])
def test_noise_is_found_where_it_is_among_letters_of_all_widths(around: str) -> None:
    text = f"{around * 9}{_PACKED}\n{around * 5}\n{_SCRIPT}\n{around}"
    found = [(text[start:end], kind) for start, end, kind in noise_in(text)]
    assert found == [(_PACKED, "base64"), (_SCRIPT, "minified script")]


def test_lines_stay_where_they_are() -> None:
    document = extract(f"Title\n\n{_LINES}\n## Part\n\nLast line.\n".encode(), "note.md")
    line = 1 + document.text[: document.text.index("Last")].count("\n")
    assert line == 3 + _LINES.count("\n") + 3
    assert [document.text[block.start : block.end] for block in document.blocks][-1] == "Last line."


def test_a_definition_of_a_picture_goes_as_a_whole() -> None:
    source = f"See ![][image1].\n\n[image1]: <data:image/png;base64,{_PACKED}>\n"
    document = extract(source.encode(), "note.md")
    assert document.text.strip() == "See ![][image1]."


def test_a_file_of_nothing_else_is_refused_by_its_name() -> None:
    with pytest.raises(FileSkipped, match=r"no text: base64 of 4\.1 kB left out"):
        extract(_LINES.encode(), "packed.txt")


def test_noise_joins_what_else_could_not_be_read() -> None:
    document = extract(
        f"One.\n\n{_PACKED}\n\nTwo.\n\ndata:image/gif;base64,{_PACKED}\n\n{_LINES}".encode(),
        "a.txt",
    )
    assert document.metadata["incomplete"] == "base64 of 8.1 kB, a picture of 4.0 kB left out"


def test_an_octal_dump_is_left_out_and_a_table_of_figures_is_not() -> None:
    data = bytes(range(256))
    pairs = [int.from_bytes(data[place : place + 2], "little") for place in range(0, 256, 2)]
    dump = "".join(
        f"{place:07o} {' '.join(f'{each:06o}' for each in pairs[place // 2 : place // 2 + 8])}\n"
        for place in range(0, 256, 16)
    )
    document = extract(f"Before it.\n\n{dump}\nAfter it.\n".encode(), "a.txt")
    assert document.text.split() == ["Before", "it.", "After", "it."]
    figures = dump.replace("04", "98")
    assert extract(figures.encode(), "a.txt").text == figures


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(hashlib.sha256(bytes([at])).hexdigest() for at in range(40)),
        "\n".join(hashlib.sha1(bytes([at % 2])).hexdigest() for at in range(40)),
        "\n".join(f"{hashlib.sha256(bytes([at])).hexdigest()}  a{at}.txt" for at in range(40)),
        _in_lines("".join(_RANDOM.choices("ACDEFGHIKLMNPQRSTVWY", k=600)), 60),
        "".join(_RANDOM.choices("ACGT", k=600)),
        "".join(_RANDOM.choices([chr(33 + at) for at in range(42)], [*range(42)], k=900)),
        "\n".join(
            f"data/dms/2016-01-{at}/service-2.json.gz,sha256={_PACKED[at * 43 : at * 43 + 43]},12{at}"
            for at in range(10, 40)
        ),
        "s/([^A-Za-z0-9_.~-])/sprintf('%%%02X',ord($1))/seg;$x=~tr/A-Z/a-z/;" * 5,
    ],
)
def test_hashes_sequences_and_code_are_not_taken_for_denser_codes(text: str) -> None:
    assert list(noise_in(f"Head\n\n{text}\n\nTail\n")) == []
