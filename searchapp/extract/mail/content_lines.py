"""Lines of calendars and contacts (RFC 5545, RFC 6350, and vCard 2.1, which telephones write):
unfolded, with parameters and value apart.

Written by hand: icalendar refuses vCard 2.1, loses which commas of a value were escaped, and takes
0.1 ms a line.
"""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from searchapp.errors import FileFailed
from searchapp.extract.noise import Noise
from searchapp.extract.text.encoding import decode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_FOLD = re.compile(r"(?<!=)\n[ \t]")  # after "=" a line of quoted-printable goes on
_FOLD_OF_BYTES = re.compile(rb"(?<!=)\r\n[ \t]|(?<![=\r])\n[ \t]")
_NAME = re.compile(r"(?:([\w-]+)\.)?([A-Za-z][\w-]*)")
_PARAMETER = re.compile(
    r";[ \t]*([\w-]+)(?:=(\"[^\"]*\"|[^\";:,]*(?:,(?:\"[^\"]*\"|[^\";:,]*))*))?"
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_EMBEDDED = re.compile(r"data:[\w.+-]+/[\w.+-]+[;,]", re.IGNORECASE)
_MAX_LINE = 2**20  # characters that are looked at for parameters
_DATE = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)(?:T(\d\d):?(\d\d)[\d:.]*(Z?))?")


@dataclass(frozen=True, slots=True)
class ContentLine:
    """A property: its name in capitals, its parameters, and its value with its escapes.

    `size` counts the characters of a value that is packed bytes, a photograph say; its `value` is
    empty then.
    """

    name: str
    value: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    size: int = 0
    group: str = ""  # of properties that belong together, a date and its label say

    @property
    def text(self) -> str:
        """The value without escapes."""
        return unescaped(self.value)

    @property
    def fields(self) -> list[str]:
        """The parts of a structured value, such as a name or an address."""
        return [unescaped(piece) for piece in re.split(r"(?<!\\);", self.value)]

    @property
    def date(self) -> str:
        """The value as a date, with its time; as it is where it is none."""
        match = _DATE.fullmatch(self.value.strip())
        if not match:
            return self.text
        year, month, day, hour, minute, is_utc = match.groups()
        zone = " UTC" if is_utc else f" {zone}" if (zone := self.parameters.get("TZID", "")) else ""
        return f"{year}-{month}-{day}" + (f" {hour}:{minute}{zone}" if hour else "")


def unfolded(data: bytes) -> bytes:
    """The bytes without their folds, which may divide the bytes of one letter; those of UTF-16 and
    UTF-32 as they are.
    """
    return data if b"\0" in data else _FOLD_OF_BYTES.sub(b"", data)


def content_lines(text: str) -> Iterator[ContentLine]:
    """The properties in a text, in order; lines that are none are left out."""
    text = _FOLD.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    lines = iter(text.split("\n"))
    for line in lines:
        if not (name := _NAME.match(line)):
            continue
        parameters: dict[str, str] = {}
        end = name.end()
        while match := _PARAMETER.match(line, end, _MAX_LINE):
            key, value = match[1].upper(), match[2]
            if value is None:  # vCard 2.1 gives only the value: TEL;CELL:
                is_encoding = key in {"QUOTED-PRINTABLE", "BASE64"}
                key, value = ("ENCODING" if is_encoding else "TYPE"), key
            value = value.strip('"')
            parameters[key] = f"{parameters[key]},{value}" if key in parameters else value
            end = match.end()
        if line[end : end + 1] != ":":
            continue
        yield replace(
            _line(name[2].upper(), parameters, line[end + 1 :], lines), group=name[1] or ""
        )


def _line(
    name: str, parameters: Mapping[str, str], value: str, lines: Iterator[str]
) -> ContentLine:
    encoding = parameters.get("ENCODING", "").upper()
    if encoding in {"B", "BASE64"} or _EMBEDDED.match(value):
        return ContentLine(name, "", parameters, size=len(value))
    if encoding == "QUOTED-PRINTABLE":
        while value.endswith("=") and (following := next(lines, None)) is not None:
            value = value[:-1] + following.lstrip()
        value = _from_quoted(value, parameters.get("CHARSET", ""))
    return ContentLine(name, value, parameters)


def _from_quoted(value: str, charset: str) -> str:
    packed = binascii.a2b_qp(value.encode("utf-8", "replace"))
    try:
        return packed.decode(charset or "utf-8")
    except (UnicodeDecodeError, LookupError):
        try:
            return decode(packed)
        except FileFailed:
            return packed.decode("utf-8", "replace")


def unescaped(value: str) -> str:
    """A value as its owner wrote it."""
    return _ESCAPE.sub(lambda match: "\n" if match[1] in "nN" else match[1], value).strip()


def packed_noise(lines: Iterable[ContentLine]) -> Iterator[Noise]:
    """The packed bytes among the lines, as noise that is left out."""
    for line in lines:
        if line.size:
            yield Noise(0, line.size, "picture" if line.name in _PICTURES else "embedded file")


_PICTURES = frozenset({"PHOTO", "LOGO", "IMAGE"})
