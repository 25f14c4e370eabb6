"""What type a file is: its bytes first, its name second.

The type is the format's usual ending, in lower case. Files without a reader are refused here, in
words that their owner understands.
"""

from __future__ import annotations

import codecs
import io
import re
import unicodedata
import zipfile
import zlib
from pathlib import PurePosixPath
from posixpath import splitext

from searchapp.errors import FileFailed, FileSkipped
from searchapp.extract.file_types import (
    CODE_ENDINGS,
    CURES,
    EMPTY,
    INTERPRETERS,
    LINKS,
    MAIL_ENDINGS,
    OLE_TYPES,
    ROFF_ENDINGS,
    TEXT_TYPES,
    WORDS_OF,
    ZIPPED_TYPES,
    ZIPPED_WITHOUT_READER,
)
from searchapp.extract.signatures import (
    HEIF,
    IMAGES,
    IWORK,
    OBJECTS_OF_IWORK,
    OLE,
    OLE_STREAMS,
    OLE_WITHOUT_READER,
    PACKED,
    PALM,
    SIGNATURES,
    SIGNED,
    STORED,
    TNEF,
    WITHOUT_READER,
    ZIP,
    ZIPPED_MIMETYPES,
    ZIPPED_PARTS,
)
from searchapp.extract.xml_types import is_xml, xml_type

_SNIFFED = 8192  # bytes: enough to tell text from everything else
BOMS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",  # before UTF-16, whose mark begins it
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_LEAST_PAIRS = 8  # of UTF-16 in other than Latin letters
_MOSTLY = 0.6  # of its characters are letters
_SHIFTING = b"\x1b$)C"
_LAST_PLANE = 0x10  # of Unicode
_NO_LETTERS = frozenset(["Cc", "Cs", "Co", "Cn"])  # control, surrogate, private use, unassigned
_CONTROL = bytes(code for code in range(32) if code not in b"\a\b\t\n\v\f\r\x1b")
_SEPARATORS = b"\x01\x1c\x1d\x1e\x1f"  # which divide fields and records
_UNSEPARATING = _CONTROL.translate(None, _SEPARATORS)
_LINES_OF_TABLE = 5
_PLAIN_PDF = re.compile(rb"\s*%PDF-\d\.\d[ \t]*[\r\n].*?^\d+ \d+ obj\b", re.DOTALL | re.MULTILINE)
_PLAIN_RICH_TEXT = re.compile(rb"\s*\{\\rtf\d?\\")
_MBOX_START = re.compile(rb"From \S++(?>.*?\d\d:\d\d).*+\n(?:>?From .*+\n)?[A-Za-z][A-Za-z0-9-]*:")
_MAIL_HEADER = re.compile(
    rb"^(from|to|cc|subject|date|received|return-path|message-id|mime-version|delivered-to|reply-to|content-type|x-[\w-]+):",
    re.IGNORECASE | re.MULTILINE,
)
_HTML_START = re.compile(
    rb"\s*(<\?xml[^>]*>\s*)?(?>(?:<!--.*?-->\s*+)*)<(!doctype\s+html|html[\s>])",
    re.IGNORECASE | re.DOTALL,
)
_BEGINNINGS = {b"WEBVTT": "vtt", b"BEGIN:VCALENDAR": "ics", b"BEGIN:VCARD": "vcf"}
_RELATED = re.compile(
    rb"^content-type:[ \t]*multipart/(?:related|alternative)", re.IGNORECASE | re.MULTILINE
)
_ROFF_ENDING = re.compile(r"\d[a-z_+\d]{0,11}")
_ROFF_TITLE = re.compile(rb"^[.'][ \t]*(?:TH[ \t]+\S|Dd[ \t]+\S|Dt[ \t]+\S)", re.MULTILINE)
# another page's name, and nothing else but comments
_ROFF_REDIRECT = re.compile(rb"(?>(?:[.']\\\".*\n|\s)*)\.so[ \t]+\S+(?>(?:\n[.']\\\".*|\s)*)\Z")
_ROFF_LINE = re.compile(
    rb"""[.'][ \t]*(?:\\["#].*|(?:TH|SH|SS|TP|IP|PP|P|LP|HP|RS|RE|B|I|[BIR][BIR]|TL|NH|AU|AB|EX"""
    rb"""|EE|DS|DE|T[SE]|Sh|Ss|Pp|Bl|El|It|Bd|Ed|Nm|lp|pp|sh|np|ip|br|sp|nf|fi|ft|ds|nr|de|ie|i|if"""
    rb"""|el|so|ce|in|ti|ad|na|hy|nh|po|ll|pl|\(\w|\)\w)(?:[ \t].*)?|)"""
)
_SHEBANG = re.compile(rb"#!\s*(?:\S*/)?([A-Za-z]+)[\d.]*(?:[ \t]+(?:-S[ \t]+)?([A-Za-z]+)[\d.]*)?")


def type_of(data: bytes, name: str) -> str:
    """The type of a file; raises FileSkipped for an empty file and one that nothing here can read,
    FileFailed for an encrypted one.
    """
    if not data or data.isspace():
        raise FileSkipped(EMPTY)
    ending = splitext(name)[1][1:].lower()
    if _is_pdf(data, ending):
        return "pdf"
    if _is_rich_text(data, ending):
        return "rtf"
    if data[:1] == b"\x30" and SIGNED in data[:32]:
        return "p7m"
    if not is_text(data, ending):
        return _binary_type(data, ending)
    if ending in LINKS and len(data) <= _SNIFFED:
        raise FileSkipped(LINKS[ending])
    return _text_type(data, name, ending)


def is_text(data: bytes, ending: str) -> bool:
    """True for bytes that read as text in some encoding."""
    head = data[:_SNIFFED]
    for mark, encoding in BOMS.items():
        if head.startswith(mark):
            return _has_letters(head[len(mark) :], encoding)
    if _has_signature(head) and not _may_be_prose(head, ending):
        return False
    if is_utf16(head) or utf32_of(head):
        return True
    if _SHIFTING in head:  # ISO-2022-KR changes its alphabet by two controls
        head = head.translate(None, b"\x0e\x0f")
    if len(head.translate(None, _UNSEPARATING)) == len(head):
        return True
    return _controls(head) <= max(4, len(head) // 20)


def is_utf16(data: bytes) -> bool:
    """True for UTF-16 without a byte order mark: NULs in one byte of nearly every pair in Latin
    letters; in others in one of some pairs, for spaces and line ends, and letters in what it means.
    """
    head = data[: _SNIFFED & ~1]
    if 0 not in head:
        return False
    pairs = len(head) // 2
    first, second = head[0::2].count(0), head[1::2].count(0)
    few, many = sorted((first, second))
    if pairs >= 2 and many > 0.4 * pairs:
        return few <= 0.02 * pairs
    if pairs < _LEAST_PAIRS or few or many < 0.02 * pairs:
        return False
    text = head.decode("utf-16-le" if second else "utf-16-be", "replace")
    return sum(map(str.isalpha, text)) > _MOSTLY * len(text.replace(" ", "")) and all(
        sign.isspace() or unicodedata.category(sign) not in _NO_LETTERS for sign in text[:-1]
    )


def utf32_of(data: bytes) -> str:
    """Which UTF-32 without a byte order mark the bytes are, "" where they are none: a NUL and a
    plane's number in every four bytes, and letters in what they mean.
    """
    head = data[: _SNIFFED & ~3]
    size = len(head) // 4
    if size < 2 or len(head) % 4 or 0 not in head:
        return ""
    for encoding, zeros, planes in (
        ("utf-32-le", head[3::4], head[2::4]),
        ("utf-32-be", head[0::4], head[1::4]),
    ):
        if zeros.count(0) == size and max(planes) <= _LAST_PLANE and _has_letters(head, encoding):
            return encoding
    return ""


def _has_signature(head: bytes) -> bool:
    return head.startswith(SIGNATURES) or head[4:8] == b"ftyp" or head[257:262] == b"ustar"


def _may_be_prose(head: bytes, ending: str) -> bool:
    """True where a signature of printable letters may be the first word of a text: no control byte
    follows, the name claims no format.
    """
    return ending != "pdf" and ending not in WORDS_OF and not _controls(head)


def _controls(head: bytes) -> int:
    return len(head) - len(head.translate(None, _CONTROL))


def _has_letters(head: bytes, encoding: str) -> bool:
    """True where the head means text in the encoding that its byte order mark promises; other bytes
    may begin like a mark.
    """
    # takes no offence at a character cut in two
    text = codecs.getincrementaldecoder(encoding)("replace").decode(head)
    wrong = sum(
        not character.isspace()
        and (character == "\ufffd" or unicodedata.category(character) in _NO_LETTERS)
        for character in text
    )
    return wrong <= max(1, len(text) // 20)


def _is_pdf(data: bytes, ending: str) -> bool:
    """True for a PDF, which may start with up to a kilobyte of something else, or have lost its
    first line.
    """
    if ending == "pdf" and b"endobj" in data:
        return True
    if b"%PDF-" not in data[:_SNIFFED]:
        return False
    if _may_be_prose(data[:_SNIFFED], ending):
        return _PLAIN_PDF.match(data[:_SNIFFED]) is not None
    if data[:1024].lstrip(b"\xef\xbb\xbf\0 \t\r\n\f").startswith(b"%PDF-"):
        return True
    is_archive = data.startswith(ZIP)  # in which a PDF may stand as it is
    return (
        b"%PDF-" in data[:1024]
        and not is_archive
        and (ending == "pdf" or b"startxref" in data[-2048:])
    )


def _is_rich_text(data: bytes, ending: str) -> bool:
    if b"{\\rtf" not in data:
        return False
    if _may_be_prose(data[:_SNIFFED], ending):
        return _PLAIN_RICH_TEXT.match(data) is not None
    return data.lstrip().startswith(b"{\\rtf")


def _binary_type(data: bytes, ending: str) -> str:
    """The type of a file that is no text; raises FileSkipped where nothing reads it."""
    if data.startswith(ZIP):
        return _zipped_type(data, ending)
    if data.startswith(OLE):
        return _ole_type(data, ending)
    if data.startswith(TNEF):
        return "tnef"
    if data[257:262] == b"ustar":
        return "tar"
    for mark, kind in (*PACKED, *IMAGES, *STORED):
        if data.startswith(mark) and (kind != "bmp" or ending == "bmp"):
            return kind
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "webp"
    if data[4:8] == b"ftyp" and data[8:12] in HEIF:
        return HEIF[data[8:12]]
    if data[60:68] in PALM:
        return "mobi"
    raise FileSkipped(_no_reader(_binary_ending(data, ending)))


def _zipped_type(data: bytes, ending: str) -> str:
    """Many formats are ZIP files: the names in them tell, else the ending; all others
    are archives.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = [info.filename.replace("\\", "/") for info in archive.infolist()]
            first = archive.infolist()[0] if names[:1] == ["mimetype"] else None
            mimetype = (
                archive.read(first).strip()
                if first and first.file_size < 100 and first.compress_type == zipfile.ZIP_STORED
                else b""
            )
    except (
        zipfile.BadZipFile,
        NotImplementedError,
        RuntimeError,
        ValueError,
        OSError,
        KeyError,
        zlib.error,
    ):
        names, mimetype = [], b""
    kinds = [kind for part, kind in ZIPPED_PARTS if any(name.startswith(part) for name in names)]
    kinds += [kind for known, kind in ZIPPED_MIMETYPES.items() if mimetype.startswith(known)]
    claimed = ZIPPED_TYPES.get(ending, "")
    if any(name == "Index.zip" or OBJECTS_OF_IWORK.fullmatch(name) for name in names):
        kinds.append(claimed if claimed in IWORK else "pages")
    if kinds:
        return claimed if claimed in kinds else kinds[0]
    if ending in ZIPPED_WITHOUT_READER:
        raise FileSkipped(_no_reader(ending))
    return claimed or "zip"


def _ole_type(data: bytes, ending: str) -> str:
    """Old Office files and Outlook mails share a format: the names of their streams tell, else the
    ending.
    """
    import olefile

    try:
        with olefile.OleFileIO(io.BytesIO(data)) as container:
            streams = {entry[0] for entry in container.listdir() if entry}
    except Exception:  # noqa: BLE001 - a broken one makes olefile raise anything
        streams = set()
    if "EncryptedPackage" in streams:
        raise FileFailed("encrypted: needs a password")
    kinds = [kind for stream, kind in OLE_STREAMS.items() if stream in streams]
    claimed = OLE_TYPES.get(ending, "")
    if not kinds and not claimed:
        other = next((kind for name, kind in OLE_WITHOUT_READER.items() if name in streams), "")
        raise FileSkipped(_no_reader(other or ending))
    return claimed if claimed in kinds or not kinds else kinds[0]


def _binary_ending(data: bytes, ending: str) -> str:
    """The ending that names a binary file best: the file's own where its content allows it, else
    the content's.
    """
    import puremagic

    try:
        guesses = [match.extension.lstrip(".") for match in puremagic.magic_string(data[:_SNIFFED])]
    except (puremagic.PureError, ValueError):
        guesses = []
    old = next((kind for mark, kind in WITHOUT_READER.items() if data.startswith(mark)), "")
    if old or ending in guesses:
        return old if old and WORDS_OF.get(ending) != WORDS_OF[old] else ending
    return next((guess for guess in guesses if guess in WORDS_OF), ending)


def _no_reader(ending: str) -> str:
    words = WORDS_OF.get(ending, "binary files")
    cure = f": {CURES[words]}" if words in CURES else ""
    return f"no reader for {words}{f' (.{ending})' if ending else ''}{cure}"


def _text_type(data: bytes, name: str, ending: str) -> str:
    """The type of a file that is text: what its name claims, else what it begins like."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        data = data.decode("utf-16", "replace").encode("utf-8", "replace")
    head = data[:_SNIFFED].removeprefix(codecs.BOM_UTF8)
    if ending in MAIL_ENDINGS:
        return MAIL_ENDINGS[ending]
    if ending in {"ipynb", "p7m"}:
        return ending
    known = TEXT_TYPES.get(ending) or CODE_ENDINGS.get(ending)
    if known:
        return xml_type(head) if known == "xml" else known
    if kind := _named_type(name, ending):
        return kind
    if _HTML_START.match(head):
        return "html"
    if ending == "txt":
        return "txt"
    if is_xml(data):
        return xml_type(head)
    if _is_roff(head, ending):
        return "roff"
    kind = _beginning_type(head) or _shebang_type(data)
    is_table = OLE_TYPES.get(ending) == "xls" and kind == "txt"  # named for Excel to open it
    return _table_type(head) if is_table else kind


def _table_type(head: bytes) -> str:
    """What a text is in which tabs stand, or as many commas or semicolons in each of the first
    lines.
    """
    if b"\t" in head:
        return "tsv"
    lines = head.splitlines()[:_LINES_OF_TABLE]
    counts = [{line.count(sign) for line in lines if line.strip()} for sign in (b",", b";")]
    is_even = any(len(count) == 1 and 0 not in count for count in counts)
    return "csv" if len(lines) > 1 and is_even else "txt"


def _named_type(name: str, ending: str) -> str:
    """The type of a file of a build that its name tells; "" for all others."""
    stem = PurePosixPath(name).name.lower()
    if stem in {"makefile", "gnumakefile"} or ending == "mk":
        return "make"
    return "docker" if stem == "dockerfile" else ""


def _is_roff(head: bytes, ending: str) -> bool:
    """True for a page of the manual, and for other roff where the name allows it: most of its lines
    that begin with a dot or an apostrophe are macros, and they are at least a tenth of all.
    """
    if b"\n." not in head and not head.startswith((b".", b"'")):
        return False
    head = head.replace(b"\r\n", b"\n")
    starts = head.lstrip().startswith((b".", b"'", b"\\"))
    if starts and (_ROFF_TITLE.search(head) or _ROFF_REDIRECT.match(head)):
        return True
    if ending not in ROFF_ENDINGS and not _ROFF_ENDING.fullmatch(ending):
        return False
    lines = [line for line in head.split(b"\n") if line.strip()]
    controls = [line for line in lines if line.startswith((b".", b"'"))]
    known = sum(_ROFF_LINE.fullmatch(line) is not None for line in controls)
    return known >= 3 and 2 * known > len(controls) and 10 * known >= len(lines)


def _beginning_type(head: bytes) -> str:
    """The type of a text without a telling name, by how it begins; "" where that says nothing."""
    if _MBOX_START.match(head):
        return "mbox"
    names = {
        match[1].lower()
        for match in _MAIL_HEADER.finditer(head.split(b"\n\n")[0].split(b"\r\n\r\n")[0])
    }
    if (
        _MAIL_HEADER.match(head)
        and len(names) >= 3
        and names & {b"date", b"message-id", b"received"}
        and b"from" in names
    ):
        return "eml"
    if {b"mime-version", b"content-type"} <= names and _RELATED.search(head):
        return "mhtml"
    return next((kind for mark, kind in _BEGINNINGS.items() if head.startswith(mark)), "")


def _shebang_type(data: bytes) -> str:
    match = _SHEBANG.match(data[:200])
    if not match:
        return "txt"
    program, argument = (group.decode() if group else "" for group in match.groups())
    return INTERPRETERS.get(argument if program == "env" else program, "txt")
