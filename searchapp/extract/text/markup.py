"""LaTeX, Org and AsciiDoc: the source text itself; patterns of lines tell headings, code, tables
and what is no text.

One mechanism for the three: each line is given a kind by its format's own function, and runs of
lines of a kind are blocks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from searchapp.extract.lines import line_spans, span_of
from searchapp.extract.text.plain import decode, iso_date
from searchapp.types.documents import Block, BlockKind, Document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from searchapp.types.documents import Span

_Kind: TypeAlias = Literal["blank", "unseen", "heading", "prose", "list", "code", "table"]


@dataclass(frozen=True, slots=True)
class _Line:
    """What a line is; `level` and `name` are a heading's."""

    kind: _Kind
    level: int = 0
    name: str = ""


@dataclass(slots=True)
class _Header:
    """What a document says of itself, gathered line by line."""

    title: str = ""
    metadata: dict[str, str] = field(default_factory=dict)


_Classify: TypeAlias = (
    "Callable[[Sequence[str], _Header], Iterator[_Line]]"  # one _Line for each line, in order
)


def read(data: bytes, document_type: str) -> Document:
    """Marked-up text by headings and paragraphs, with its lines; comments, settings and lines of
    pure markup are in no block.
    """
    text = decode(data)
    lines = line_spans(text)
    header = _Header()
    kinds = list(_FORMATS[document_type]([text[slice(*line)] for line in lines], header))
    blocks = tuple(_blocks(text, lines, kinds, header.title))
    metadata = {name: value for name, value in header.metadata.items() if value}
    return Document(text, document_type, title=header.title, blocks=blocks, metadata=metadata)


def _blocks(
    text: str, lines: Sequence[Span], kinds: Sequence[_Line], title: str
) -> Iterator[Block]:
    path: list[tuple[int, str]] = []
    first = 0
    while first < len(kinds):
        line = kinds[first]
        last = first + 1
        names = tuple(name for _, name in path)
        if line.kind == "heading":
            path = [each for each in path if each[0] < line.level]
            yield Block(
                *span_of(text, lines, first, last), "heading", tuple(name for _, name in path)
            )
            path += [(line.level, line.name)] if line.name != title else []
        elif line.kind not in {"blank", "unseen"}:
            last = _end(kinds, first)
            yield Block(*span_of(text, lines, first, last), _block_kind(line.kind), names)
        first = last


def _end(kinds: Sequence[_Line], first: int) -> int:
    """Where a run of lines of one kind ends; prose may go on within a list's item."""
    last = first + 1
    together = {"list": ("list", "prose")}.get(kinds[first].kind, (kinds[first].kind,))
    while last < len(kinds) and kinds[last].kind in together:
        last += 1
    return last


def _block_kind(kind: _Kind) -> BlockKind:
    return "prose" if kind in {"blank", "unseen"} else kind  # type: ignore[return-value]  # the five others are kinds of blocks


def _plain(line: str) -> _Line:
    return _Line("prose" if line.strip() else "blank")


# ---- LaTeX ---------------------------------------------------------------------------------------

_SECTIONS = {
    "part": 1,
    "chapter": 2,
    "section": 3,
    "subsection": 4,
    "subsubsection": 5,
    "paragraph": 6,
    "subparagraph": 7,
}
_SECTION = re.compile(r"\s*\\(" + "|".join(_SECTIONS) + r")\*?\s*(?:\[[^\]]*\])?\s*\{")
_DECLARED = re.compile(r"\\(title|author|date)\s*(?:\[[^\]]*\])?\s*\{")
_BEGIN_CODE = re.compile(r"\s*\\begin\{(verbatim\*?|lstlisting|minted|Verbatim|alltt|comment)\}")
_TABLE = re.compile(r"\s*\\begin\{(tabular[x*]?|longtable|array|tabularx|tabulary)\}")
_PURE_MARKUP = re.compile(
    r"\s*(?:\\(?:begin|end|label|vspace|hspace|input|include|includegraphics|bibliography|bibliographystyle|usepackage|documentclass"
    r"|maketitle|tableofcontents|newpage|clearpage|cleardoublepage|pagebreak|noindent|centering|appendix|bigskip|medskip|smallskip|hline"
    r"|toprule|midrule|bottomrule|listoffigures|listoftables|pagestyle|thispagestyle|setlength|frontmatter|mainmatter|backmatter|\\)"
    r"\*?(?:\[[^\]]*\]|\{[^{}]*\})*\s*)+(?:%.*)?$"
)
_TEX_ACCENT = re.compile(r"""\\(["'`^~=.cvuHrk])\s*(?:\{\s*\\?([A-Za-z])\s*\}|\\?([A-Za-z]))""")
_ACCENTS = {
    '"': "̈",
    "'": "́",
    "`": "̀",
    "^": "̂",
    "~": "̃",
    "=": "̄",
    ".": "̇",
    "c": "̧",
    "v": "̌",
    "u": "̆",
    "H": "̋",
    "r": "̊",
    "k": "̨",
}
_TEX_LETTERS = {
    "ss": "ß",
    "ae": "æ",
    "AE": "Æ",
    "oe": "œ",
    "OE": "Œ",
    "o": "ø",
    "O": "Ø",
    "aa": "å",
    "AA": "Å",
    "l": "ł",
    "L": "Ł",
}
_TEX_LETTER = re.compile(
    r"\\(" + "|".join(sorted(_TEX_LETTERS, key=len, reverse=True)) + r")(?:\{\}|\s+|(?![A-Za-z]))"
)
_TEX_ASIDE = re.compile(r"\\(?:thanks|footnote|label|inst|orcid|email|affil)\*?\{[^{}]*\}")
_TEX_COMMAND = re.compile(r"\\[A-Za-z@]+\*?\s*(?:\[[^\]]*\])?")


def _tex(lines: Sequence[str], header: _Header) -> Iterator[_Line]:
    begins = next(
        (
            index + 1
            for index, line in enumerate(lines)
            if line.lstrip().startswith(r"\begin{document}")
        ),
        0,
    )
    _declare(lines, header)
    ending = ""
    for index, line in enumerate(lines):
        if index < begins:
            yield _Line("unseen")
        elif ending:
            kind: _Kind = (
                "unseen"
                if "comment" in ending
                else "table"
                if "tab" in ending or "array" in ending
                else "code"
            )
            is_end = ending in line
            ending = "" if is_end else ending
            is_bare = _PURE_MARKUP.match(line) if kind == "table" else is_end
            yield _Line(
                "unseen" if is_bare else kind if line.strip() or kind == "code" else "blank"
            )
        elif line.lstrip().startswith(r"\end{document}"):
            yield from [_Line("unseen")] * (len(lines) - index)
            return
        else:
            opened = _BEGIN_CODE.match(line) or _TABLE.match(line)
            ending = (
                f"\\end{{{opened[1]}}}" if opened and f"\\end{{{opened[1]}}}" not in line else ""
            )
            yield _Line("unseen") if ending else _tex_line(lines, index)


def _tex_line(lines: Sequence[str], index: int) -> _Line:
    line = lines[index]
    if match := _SECTION.match(line):
        name = _tex_plain(_argument(lines, index, match.end()))
        return _Line("heading", _SECTIONS[match[1]], name) if name else _Line("unseen")
    if line.lstrip().startswith("%") or _DECLARED.match(line.lstrip()) or _is_pure_markup(line):
        return _Line("unseen")
    return _Line("list") if re.match(r"\s*\\item\b", line) else _plain(line)


def _is_pure_markup(line: str) -> bool:
    return len(line) < 500 and _PURE_MARKUP.match(line) is not None


def _declare(lines: Sequence[str], header: _Header) -> None:
    """Sets title, author and date from the commands of those names."""
    for index, line in enumerate(lines):
        match = _DECLARED.match(line.lstrip())
        if not match:
            continue
        argument = _argument(lines, index, len(line) - len(line.lstrip()) + match.end())
        if match[1] == "title":
            header.title = header.title or _tex_plain(argument)
        elif match[1] == "author":
            names = (
                _tex_plain(each.split("\\\\")[0]) for each in re.split(r"\\and\b|\\AND\b", argument)
            )
            header.metadata.setdefault("author", "; ".join(filter(None, names)))
        else:
            header.metadata.setdefault("date", iso_date(_tex_plain(argument)))


def _argument(lines: Sequence[str], index: int, start: int) -> str:
    """The text from a position in a line to the brace that closes it, at most 20 lines further
    down.
    """
    text = "\n".join(
        _uncommented(line) for line in [lines[index][start:], *lines[index + 1 : index + 20]]
    )
    depth = 1
    for match in re.finditer(r"\\.|[{}]", text):
        depth += {"{": 1, "}": -1}.get(match[0], 0)
        if depth == 0:
            return text[: match.start()]
    return text.split("\n")[0]


def _uncommented(line: str) -> str:
    return re.sub(r"(?<!\\)%.*", "", line)


def _tex_plain(text: str) -> str:
    """A command's argument as its reader sees it."""
    import unicodedata

    text = _TEX_ACCENT.sub(
        lambda match: unicodedata.normalize("NFC", (match[2] or match[3]) + _ACCENTS[match[1]]),
        _TEX_ASIDE.sub("", text),
    )
    text = _TEX_LETTER.sub(lambda match: _TEX_LETTERS[match[1]], text)
    text = _TEX_COMMAND.sub("", text.replace("\\\\", " ").replace("~", " "))
    return " ".join(
        re.sub(r"\\(?=[^\w\s])|[{}]|(?<!\\)\$", "", text)
        .replace("---", "—")
        .replace("--", "–")
        .split()
    )


# ---- Org -----------------------------------------------------------------------------------------

_STARS = re.compile(
    r"(\*+)[ \t]+(?:(?:TODO|DONE|NEXT|WAITING|CANCELLED|CANCELED|HOLD|STARTED)[ "
    r"\t]+)?(?:\[#[A-Z0-9]\][ \t]*)?"
    r"(.*?)[ \t]*(:[\w@#%:]+:)?[ \t]*$"
)
_ORG_SETTING = re.compile(r"[ \t]*#\+(\w+)(?:\[[^\]]*\])?:[ \t]*(.*)$")
_ORG_BEGIN = re.compile(r"[ \t]*#\+begin_(\w+)", re.IGNORECASE)
_ORG_CODE = frozenset({"src", "example", "export"})
_DRAWER = re.compile(r"[ \t]*:(PROPERTIES|LOGBOOK|CLOCK):[ \t]*$", re.IGNORECASE)
_PLANNING = re.compile(r"[ \t]*(?:SCHEDULED|DEADLINE|CLOSED|CLOCK):[ \t]")
_RULE = re.compile(r"[ \t]*\|[-+|:= \t]+$")
_ORG_ITEM = re.compile(r"[ \t]*(?:[-+]|\d+[.)]|[ \t]\*)[ \t]+\S")
_ORG_NAMES = {
    "author": "author",
    "date": "date",
    "language": "language",
    "keywords": "tags",
    "filetags": "tags",
    "description": "description",
}
_ORG_LINK = re.compile(r"\[\[[^\[\]]*\]\[([^\[\]]*)\]\]|\[\[([^\[\]]*)\]\]")


def _org(lines: Sequence[str], header: _Header) -> Iterator[_Line]:
    ending = ""  # what closes the block or drawer that is open
    is_code = False
    for line in lines:
        bare = line.strip().lower()
        if ending:
            is_end = bare == ending
            yield _Line("unseen" if is_end or not is_code else "code")
            ending = "" if is_end else ending
        elif (match := _ORG_BEGIN.match(line)) and match[1].lower() in {*_ORG_CODE, "comment"}:
            ending, is_code = f"#+end_{match[1].lower()}", match[1].lower() in _ORG_CODE
            yield _Line("unseen")
        elif _DRAWER.match(line):
            ending, is_code = ":end:", False
            yield _Line("unseen")
        else:
            yield _org_line(line, header)


def _org_line(line: str, header: _Header) -> _Line:
    if match := _STARS.match(line):
        return _Line("heading", len(match[1]), _ORG_LINK.sub(r"\1\2", match[2]))
    if match := _ORG_SETTING.match(line):
        _set_org(match[1].lower(), match[2].strip(), header)
        return _Line("prose" if match[1].lower() == "caption" else "unseen")
    if (
        line.lstrip().startswith(("#+", "# "))
        or line.strip() == "#"
        or _PLANNING.match(line)
        or _RULE.match(line)
    ):
        return _Line("unseen")
    if line.lstrip().startswith("|"):
        return _Line("table")
    if re.match(r"[ \t]*:(?:[ \t]|$)", line):
        return _Line("code")
    return _Line("list") if _ORG_ITEM.match(line) else _plain(line)


def _set_org(name: str, value: str, header: _Header) -> None:
    if name == "title":
        header.title = f"{header.title} {value}".strip()
    elif name in _ORG_NAMES and value:
        value = (
            iso_date(value.strip("<>[]"))
            if name == "date"
            else "; ".join(filter(None, value.split(":")))
            if name == "filetags"
            else value
        )
        value = "; ".join(re.split(r"\s*,\s*", value)) if name in {"keywords", "author"} else value
        header.metadata.setdefault(_ORG_NAMES[name], value)


# ---- AsciiDoc ------------------------------------------------------------------------------------

_EQUALS = re.compile(r"(={1,6}|#{1,6})[ \t]+(\S.*?)(?:[ \t]+\1)?[ \t]*$")
_ATTRIBUTE = re.compile(r":!?([\w-]+)!?:(?:[ \t]+(.*))?$")
_DELIMITER = re.compile(r"(-{4,}|\.{4,}|/{4,}|\+{4,}|```)[ \t]*\w*[ \t]*$")
_ADOC_TABLE = re.compile(r"[|,:!]={3,}[ \t]*$")
_OTHER_DELIMITER = re.compile(r"(?:={4,}|\*{4,}|_{4,}|--|'{3,}|<{3,}|\+)[ \t]*$")
_ADOC_ASIDE = re.compile(
    r"//(?!/)|\[[^\]]*\][ \t]*$|(?:include|toc|ifdef|ifndef|ifeval|endif)::\S*\[[^\]]*\][ "
    r"\t]*$|(?:toc|endif)::"
    r"|image::\S*\[(?:\w+=[^\]]*)?\][ \t]*$"  # an image without a text in its place
)
_ADOC_ITEM = re.compile(r"[ \t]*(?:[*.-]+|\d+\.)[ \t]+\S")
_AUTHOR_LINE = re.compile(r"[^\W\d][^<>;:]*(?:<[^<>]+>)?(?:;[ \t]*[^\W\d][^<>;:]*(?:<[^<>]+>)?)*$")
_REVISION_LINE = re.compile(r"(?:v?[\d.]+,[ \t]*)?(\d{4}-\d{2}-\d{2})\b")
_ADOC_NAMES = {
    "author": "author",
    "authors": "author",
    "revdate": "date",
    "lang": "language",
    "keywords": "tags",
    "description": "description",
}


def _adoc(lines: Sequence[str], header: _Header) -> Iterator[_Line]:
    ending = ""
    kind: _Kind = "code"
    header_end = _adoc_header(lines, header)
    for index, line in enumerate(lines):
        bare = line.rstrip()
        if ending:
            is_end = bare == ending
            yield _Line("unseen" if is_end else "blank" if kind == "table" and not bare else kind)
            ending = "" if is_end else ending
        elif index < header_end:
            match = _EQUALS.match(line)
            yield (
                _Line("heading", 1, header.title)
                if match and header.title == _adoc_plain(match[2])
                else _Line("unseen")
            )
        elif match := _DELIMITER.match(line):
            ending, kind = match[1], "unseen" if line.startswith("////") else "code"
            yield _Line("unseen")
        elif _ADOC_TABLE.match(line):
            ending, kind = bare, "table"
            yield _Line("unseen")
        else:
            yield _adoc_line(line)


def _adoc_line(line: str) -> _Line:
    if match := _EQUALS.match(line):
        return _Line("heading", len(match[1]), _adoc_plain(match[2]))
    if _ATTRIBUTE.match(line) or _ADOC_ASIDE.match(line) or _OTHER_DELIMITER.match(line):
        return _Line("unseen")
    return _Line("list") if _ADOC_ITEM.match(line) else _plain(line)


def _adoc_header(lines: Sequence[str], header: _Header) -> int:
    """Where the body begins: after the title, the lines of author and revision, and the attributes,
    up to a blank line.
    """
    titled = -1
    for index, line in enumerate(lines):
        match = _EQUALS.match(line)
        if match and len(match[1]) == 1 and titled < 0:
            titled, header.title = index, _adoc_plain(match[2])
        elif attribute := _ATTRIBUTE.match(line):
            name, value = attribute[1].lower(), (attribute[2] or "").strip()
            _set_adoc(name, value, header)
        elif not line.strip():
            if titled >= 0:
                return index
        elif titled >= 0 and index - titled <= 2 and not line.startswith("//"):
            _set_byline(line, header, is_first=index == titled + 1)
        elif not line.startswith("//"):
            return index if titled < 0 else titled + 1
    return len(lines)


def _set_adoc(name: str, value: str, header: _Header) -> None:
    if name == "title" or (name == "doctitle" and not header.title):
        header.title = header.title or value
    elif name in _ADOC_NAMES and value:
        value = (
            iso_date(value)
            if name == "revdate"
            else "; ".join(re.split(r"\s*[,;]\s*", value))
            if name == "keywords"
            else value
        )
        header.metadata[_ADOC_NAMES[name]] = value


def _set_byline(line: str, header: _Header, *, is_first: bool) -> None:
    """Takes the authors from the line below the title, the date from the one below that."""
    if is_first and _AUTHOR_LINE.match(line):
        names = (re.sub(r"<[^<>]*>", "", each).strip() for each in line.split(";"))
        header.metadata.setdefault("author", "; ".join(filter(None, names)))
    elif match := _REVISION_LINE.match(line):
        header.metadata.setdefault("date", match[1])


def _adoc_plain(text: str) -> str:
    """A heading without its marks and the address of a link in it."""
    text = re.sub(
        r"(?:https?://|link:|xref:)[^\s\[\]]*\[([^\[\]]*)\]|\[\[[^\[\]]*\]\]|\{[\w-]+\}",
        r"\1",
        text,
    )
    return " ".join(re.sub(r"(?<!\w)[*_`+]+|[*_`+]+(?!\w)", "", text).split())


_FORMATS: dict[str, _Classify] = {"tex": _tex, "org": _org, "adoc": _adoc}
