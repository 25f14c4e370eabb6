"""What is no text is left out of every document and said; what only looks like it stays."""

from __future__ import annotations

import base64
import hashlib
import random

import pytest

from searchapp.errors import FileSkipped
from searchapp.extract.entries import extract
from searchapp.extract.noise import noise_in

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
