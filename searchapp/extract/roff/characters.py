r"""The escapes of roff to the characters that they mean: `\(co` to ©, `\fB` to nothing.

Escapes that name something to look up (strings, registers, arguments) are undone before, in
`interpreter`. Every pattern is bounded, so that the time is linear for any text.
"""

from __future__ import annotations

import re
import unicodedata

_TWO_LETTERS = (  # groff_char(7): two letters of name, then what they print
    "!=≠ %0‰ 'AÁ 'CĆ 'EÉ 'IÍ 'OÓ 'UÚ 'YÝ 'aá 'cć 'eé 'ií 'oó 'uú 'yý **∗ *AΑ *BΒ *CΞ *DΔ *EΕ "
    "*FΦ *GΓ *HΘ *IΙ *KΚ *LΛ *MΜ *NΝ *OΟ *PΠ *QΨ *RΡ *SΣ *TΤ *UΥ *WΩ *XΧ *YΗ *ZΖ *aα *bβ *cξ "
    "*dδ *eε *fφ *gγ *hθ *iι *kκ *lλ *mμ *nν *oο *pπ *qψ *rρ *sσ *tτ *uυ *wω *xχ *yη *zζ +-± "
    "+eϵ +fϕ +hϑ +pϖ ,CÇ ,cç -+∓ ->→ -DÐ -hℏ .iı .jȷ /LŁ /OØ /_∠ /lł /oø 12½ 14¼ 18⅛ 34¾ 38⅜ "
    "3d∴ 58⅝ 78⅞ :AÄ :EË :IÏ :OÖ :UÜ :YŸ :aä :eë :iï :oö :uü :yÿ <-← <<≪ <=≤ <>↔ ==≡ =~≅ >=≥ "
    ">>≫ AEÆ AN∧ Ahℵ Bq„ CL♣ CR↵ Cs¤ DI♦ Do$ Eu€ Fc» Fiffi Flffl Fnƒ Fo« HE♥ IJĲ Imℑ OEŒ OK✓ "
    "OR∨ Ofª Omº Po£ Reℜ S1¹ S2² S3³ SP♠ Sdð TPÞ Tpþ Ye¥ ^AÂ ^EÊ ^IÎ ^OÔ ^UÛ ^aâ ^eê ^iî ^oô "
    '^uû `AÀ `EÈ `IÌ `OÒ `UÙ `aà `eè `iì `oò `uù a"˝ a-¯ a.˙ a^^ aa´ ab˘ ac¸ ad¨ aeæ ahˇ an- '
    "ao˚ ap∼ aq' at@ a~~ ba| bb¦ bq‚ br| bs bu• bv| c*⊗ c+⊕ ca∩ ci○ co© cq’ ct¢ cu∪ dA⇓ da↓ "
    'dd‡ de° dg† di÷ dq" em— en– eq= es∅ eu€ f/⁄ fa∀ fc› ffff fifi flfl fm′ fo‹ ga` gr∇ hA⇔ '
    "ha^ ho˛ hy- ib⊆ if∞ ijĳ ip⊇ is∫ lA⇐ lB[ lC{ la⟨ lb⎩ lc⌈ lf⌊ lh☜ lk⎨ lq“ lt⎧ lz◊ mcµ md⋅ "
    "mi− mo∈ mu× nb⊄ nc⊅ ne≢ nm∉ no¬ oAÅ oaå oeœ oq‘ or| pc· pd∂ pl+ pp⊥ ps¶ pt∝ r!¡ r?¿ rA⇒ "
    "rB] rC} ra⟩ rb⎭ rc⌉ rf⌋ rg® rh☞ rk⎬ rn rq” rs\\ rt⎫ ru_ sb⊂ sc§ sd″ sh# sl/ sp⊃ sq□ sr√ "
    "ssß st∋ te∃ tf∴ ti~ tm™ tsς uA⇑ ua↑ ul_ vA⇕ vSŠ vZŽ va↕ vsš vzž wp℘ |=≃ ~=≈ ~AÃ ~NÑ ~OÕ "
    "~aã ~nñ ~oõ ~~≈ "
)
_CHARACTERS = {
    **{entry[:2]: entry[2:] for entry in _TWO_LETTERS.split(" ") if entry},
    "coproduct": "∐",
    "hbar": "ℏ",
    "integral": "∫",
    "product": "∏",
    "sqrt": "√",
    "sum": "∑",
    "t+-": "±",
    "tdi": "÷",
    "tmu": "×",
    "tno": "¬",
}
_ACCENTS = {
    "aa": "\u0301",
    "ga": "\u0300",
    "a^": "\u0302",
    "^": "\u0302",
    "a~": "\u0303",
    "~": "\u0303",
    "ad": "\u0308",
    "ac": "\u0327",
    "ah": "\u030c",
    "ao": "\u030a",
    "'": "\u0301",
    "`": "\u0300",
    ":": "\u0308",
    "ab": "\u0306",
    "a-": "\u0304",
}
_SINGLE = {
    "-": "-",
    ".": ".",
    "'": "'",
    "`": "`",
    "_": "_",
    "e": "\\",
    "E": "\\",
    "\\": "\\",
    " ": " ",
    "~": " ",
    "0": " ",
    "t": "\t",
    "a": " ",
    **dict.fromkeys("|^&):%/,c{}dru!?pzhvxlLDXRSHAB*n$\nfFmMgkVYOsCN([obw", ""),
}
_NAME = r"(?:\(..|\[[^\]]{0,60}\]|[^(\[])"
_ESCAPE = re.compile(
    r"\\(?:"
    r"\((?P<two>..)"
    r"|\[(?P<long>[^\]]{0,200})\]"
    r"|C(?P<mark>['\"])(?P<named>[^'\"]{0,60})(?P=mark)"
    r"|N(?P<quote>.)(?P<number>\d{1,7})(?P=quote)"
    rf"|[fFmMgkVYO*]{_NAME}|n[-+]?{_NAME}"
    r"|s(?:[-+]?(?:\([-+]?..|\[[^\]]{0,20}\]|'[^']{0,20}')|[1-3]\d|[-+]?\d)"
    r"|h(?P<edge>.)(?P<move>.{0,60}?)(?P=edge)"
    r"|[vxlLDXRSHAB](?P<bound>.).{0,300}?(?P=bound)"
    r"|(?P<over>[obZw])(?P<limit>.)(?P<inside>.{0,300}?)(?P=limit)"
    r"|(?P<single>.|\n|\Z)"
    r")"
)
_COMMENT = re.compile(r'(?<!\\)(?:\\\\)*(\\["#])')
_GLUE = re.compile(r"(?<!\\)(?:\\\\)*\\c\s*$")
_HEX = re.compile(r"u(?:ni)?([0-9A-Fa-f]{4,6})((?:_[0-9A-Fa-f]{4,6}){0,8})$")
_MAX_DEPTH = 4  # of escapes within the argument of an escape


def unescaped(text: str, *, depth: int = 0) -> str:
    """The characters that a piece of roff prints, its strings and registers put in before."""
    if "\\" not in text:
        return text
    return _ESCAPE.sub(lambda match: _meant(match, depth), text)


def without_comment(line: str) -> tuple[str, bool]:
    r"""A line up to its comment, `\"` or `\#`, and whether it had one that takes the line end."""
    match = _COMMENT.search(line) if "\\" in line else None
    if match is None:
        return line, False
    return line[: match.start(1)], match[1] == "\\#"


def is_continued(text: str) -> bool:
    r"""Whether what follows a line joins its last word: it ends in `\c`."""
    return "\\c" in text and _GLUE.search(text) is not None


def character(name: str) -> str:
    """What `\\[name]` prints; "" for a name that nobody defined."""
    if name in _CHARACTERS:
        return _CHARACTERS[name]
    if match := _HEX.match(name):
        codes = [match[1], *match[2].split("_")[1:]]
        return unicodedata.normalize("NFC", "".join(_of_code(int(code, 16)) for code in codes))
    if name.startswith("char") and name[4:].isdecimal() and len(name) < 12:
        return _of_code(int(name[4:]))
    base, *accents = name.split()[:5] or [""]
    if not accents:
        return name if len(name) == 1 else ""
    if any(accent not in _ACCENTS for accent in accents):
        return ""
    letters = _CHARACTERS.get(base, base if len(base) == 1 else "")
    return unicodedata.normalize("NFC", letters + "".join(map(_ACCENTS.__getitem__, accents)))


def _of_code(code: int) -> str:
    return chr(code) if 32 <= code <= 0x10FFFF and not 0xD800 <= code < 0xE000 else ""


def _meant(match: re.Match[str], depth: int) -> str:
    kind = match.lastgroup
    if kind == "single":
        letter = match["single"]
        return _SINGLE.get(letter, letter)
    if kind == "two":
        return character(match["two"])
    if kind == "long":
        return character(match["long"])
    if match["named"] is not None:
        return character(match["named"])
    if match["number"] is not None:
        return _of_code(int(match["number"]))
    if match["move"] is not None:
        return "" if match["move"].startswith("-") else " "
    if match["over"] is not None:
        return _overstruck(match["over"], match["inside"], depth)
    return ""


def _overstruck(kind: str, inside: str, depth: int) -> str:
    r"""What `\o`, `\b`, `\Z` and `\w` show of their argument."""
    text = unescaped(inside, depth=depth + 1) if depth < _MAX_DEPTH else ""
    if kind == "o":  # one upon the other
        return text[:1] if len(set(text)) == 1 else text
    return str(24 * len(text)) if kind == "w" else text
