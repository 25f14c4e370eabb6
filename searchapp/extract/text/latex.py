"""LaTeX by lines: sectioning commands are headings, and lines of pure markup are not seen."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from searchapp.extract.text.markup_lines import (
    LineKind,
    MarkupHeader,
    MarkupLine,
    plain_line,
)
from searchapp.extract.text.plain import iso_date

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


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
_SWITCHED_OFF, _ON_AGAIN = (re.compile(rf"\s*\\{name}(?![A-Za-z])") for name in ("iffalse", "fi"))
_TABLE = re.compile(r"\s*\\begin\{(tabular[x*]?|longtable|array|tabularx|tabulary)\}")
_PURE_MARKUP = re.compile(
    r"\s*(?:\\(?:begin|end|label|vspace|hspace|input|include|includegraphics|bibliography|bibliographystyle|usepackage|documentclass"
    r"|maketitle|tableofcontents|newpage|clearpage|cleardoublepage|pagebreak|noindent|centering|appendix|bigskip|medskip|smallskip|hline"
    r"|toprule|midrule|bottomrule|listoffigures|listoftables|pagestyle|thispagestyle|setlength|frontmatter|mainmatter|backmatter|\\)"
    r"\*?(?:\[[^\]]*\]|\{[^{}]*\})*\s*)+(?:%.*)?$"
)
# an accent over a letter, in braces or not; one that is a letter itself takes a space or a brace
_TEX_ACCENT = re.compile(
    r"""\\(?:(["'`^~=.])\s*|([cvuHrkdb])(?:\s+|(?=\{)))"""
    r"""(?:\{\s*\\?([A-Za-z])\s*\}|\\([ij])(?![A-Za-z])\s*|\\?([A-Za-z]))"""
)
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
    "d": "\u0323",
    "b": "\u0331",
}
_GREEK_NAMES = str.split(
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau "
    "upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega"
)
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
    "dh": "ð",
    "th": "þ",
    "TH": "Þ",
    "i": "i",
    "j": "j",
    **dict(zip(_GREEK_NAMES, "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΦΨΩ", strict=True)),
    **dict.fromkeys(("texteuro", "euro", "EUR"), "€"),
    **dict.fromkeys(("pounds", "textsterling"), "£"),
    **dict.fromkeys(("S", "textsection"), "§"),
    **dict.fromkeys(("copyright", "textcopyright"), "©"),
    **dict.fromkeys(("dots", "ldots", "textellipsis"), "…"),
    **dict.fromkeys(("og", "guillemotleft"), "«"),
    **dict.fromkeys(("fg", "guillemotright"), "»"),
    "P": "¶",
    "textregistered": "®",
    "texttrademark": "™",
    "textdegree": "°",
}
_TEX_LETTER = re.compile(
    r"\\(" + "|".join(sorted(_TEX_LETTERS, key=len, reverse=True)) + r")(?:\{\}|\s+|(?![A-Za-z]))"
)
_BRACED_LETTER = re.compile(r"\{([^\W\d_a-zA-Z])\}")  # what an accent in braces leaves
_COMMENT = re.compile(r"(?<!\\)%.*")
_SPACED_COMMENT = re.compile(r"\s%\s.*")
_HAS_ADDRESS = re.compile(r"\\(?:url|href|path|verb|nolinkurl)\b")  # where % may be a letter
_SLANTED = re.compile(
    r"\\(?:emph|textbf|textit|textsl|textsc|texttt|textrm|textsf|underline|mbox)\{([^{}]*)\}"
)
_MOST_SLANTS = 4  # of words within others
_HYPHEN = re.compile(r"\\[-/]")
_ESCAPED = re.compile(r"(?<!\\)\\([&%#_$])")
_TEX_ASIDE = re.compile(r"\\(?:thanks|footnote|label|inst|orcid|email|affil)\*?\{[^{}]*\}")
_TEX_COMMAND = re.compile(r"\\[A-Za-z@]+\*?\s*(?:\[[^\]\[]{0,200}\])?")


def tex_lines(lines: Sequence[str], header: MarkupHeader) -> Iterator[MarkupLine]:
    """What each line is; sets title and metadata in `header`."""
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
    is_off = False
    for index, line in enumerate(lines):
        is_off = is_off or (not ending and _SWITCHED_OFF.match(line) is not None)
        if index < begins or is_off:
            is_off = is_off and _ON_AGAIN.search(line) is None
            yield MarkupLine("unseen")
        elif ending:
            kind: LineKind = (
                "unseen"
                if "comment" in ending
                else "table"
                if "tab" in ending or "array" in ending
                else "code"
            )
            is_end = ending in line
            ending = "" if is_end else ending
            is_bare = _PURE_MARKUP.match(line) if kind == "table" else is_end
            yield MarkupLine(
                "unseen" if is_bare else kind if line.strip() or kind == "code" else "blank"
            )
        elif line.lstrip().startswith(r"\end{document}"):
            yield from [MarkupLine("unseen")] * (len(lines) - index)
            return
        else:
            opened = _BEGIN_CODE.match(line) or _TABLE.match(line)
            ending = (
                f"\\end{{{opened[1]}}}" if opened and f"\\end{{{opened[1]}}}" not in line else ""
            )
            yield MarkupLine("unseen") if ending else _tex_line(lines, index)


def _tex_line(lines: Sequence[str], index: int) -> MarkupLine:
    line = lines[index]
    if match := _SECTION.match(line):
        name = tex_plain(_argument(lines, index, match.end()))
        return MarkupLine("heading", _SECTIONS[match[1]], name) if name else MarkupLine("unseen")
    if line.lstrip().startswith("%") or _DECLARED.match(line.lstrip()) or _is_pure_markup(line):
        return MarkupLine("unseen")
    return MarkupLine("list") if re.match(r"\s*\\item\b", line) else plain_line(line)


def _is_pure_markup(line: str) -> bool:
    return len(line) < 500 and _PURE_MARKUP.match(line) is not None


def _declare(lines: Sequence[str], header: MarkupHeader) -> None:
    """Sets title, author and date from the commands of those names."""
    for index, line in enumerate(lines):
        match = _DECLARED.match(line.lstrip())
        if not match:
            continue
        argument = _argument(lines, index, len(line) - len(line.lstrip()) + match.end())
        if match[1] == "title":
            header.title = header.title or tex_plain(argument)
        elif match[1] == "author":
            names = (
                tex_plain(author.split("\\\\")[0])
                for author in re.split(r"\\and\b|\\AND\b", argument)
            )
            header.metadata.setdefault("author", "; ".join(filter(None, names)))
        else:
            header.metadata.setdefault("date", iso_date(tex_plain(argument)))


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


def seen_line(line: str) -> str:
    """A line of text as its reader finds it: letters with their accents, words without the commands
    that only slant them, no comment. Other markup stays.
    """
    if "%" in line:
        line = (_SPACED_COMMENT if _HAS_ADDRESS.search(line) else _COMMENT).sub("", line)
    if "\\" not in line:
        return line
    line = _HYPHEN.sub("", _lettered(line))
    for _ in range(_MOST_SLANTS):
        line, count = _SLANTED.subn(r"\1", line)
        if not count:
            break
    return _ESCAPED.sub(r"\1", line)


def _lettered(text: str) -> str:
    """Text with the letters that accents and commands stand for."""
    import unicodedata

    text = _TEX_ACCENT.sub(
        lambda match: unicodedata.normalize(
            "NFC", (match[3] or match[4] or match[5]) + _ACCENTS[match[1] or match[2]]
        ),
        text,
    )
    text = _TEX_LETTER.sub(lambda match: _TEX_LETTERS[match[1]], text)
    return _BRACED_LETTER.sub(r"\1", text)


def tex_plain(text: str) -> str:
    """A command's argument as its reader sees it."""
    text = _lettered(_TEX_ASIDE.sub("", text))
    text = _TEX_COMMAND.sub("", text.replace("\\\\", " ").replace("~", " "))
    return " ".join(
        re.sub(r"\\(?=[^\w\s])|[{}]|(?<!\\)\$", "", text)
        .replace("---", "—")
        .replace("--", "–")
        .split()
    )
