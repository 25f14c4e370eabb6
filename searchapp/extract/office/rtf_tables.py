"""The control words of RTF and the code pages of its fonts.

These are only tables (Rich Text Format Specification 1.9.1); `rtf` walks through a file with them.
"""

from __future__ import annotations

CHARACTERS = {
    **dict.fromkeys(("line", "lbr", "column"), "\n"),
    **dict.fromkeys(("emspace", "enspace", "qmspace"), " "),
    **dict(
        zip(
            ("tab", "emdash", "endash", "bullet", "lquote", "rquote", "ldblquote", "rdblquote"),
            "\t—–•‘’“”",
            strict=True,
        )
    ),
}
SYMBOLS = {b"~": "\xa0", b"_": "-", b"\\": "\\", b"{": "{", b"}": "}"}
ANSI_FONT = "ansi"  # its bytes are of the code page of the document
SYMBOL_FONT = "symbol"  # its bytes mean nothing without the font
CODE_PAGES = {
    number: f"cp{page}"
    for number, page in (
        (128, 932),
        (129, 949),
        (161, 1253),
        (162, 1254),
        (163, 1258),
        (177, 1255),
        (178, 1256),
        (186, 1257),
        (204, 1251),
        (222, 874),
        (238, 1250),
        (255, 437),
    )
} | {0: ANSI_FONT, 2: SYMBOL_FONT, 77: "mac_roman", 130: "johab", 134: "gb18030", 136: "big5"}
PAGES = {"ansi": "cp1252", "mac": "mac_roman", "pc": "cp437", "pca": "cp850"}
SKIPPED = frozenset(
    str.split(
        "colortbl pict objdata fldinst nonesttables shprslt xe tc tcn listtable rsidtbl "
        "filetbl revtbl themedata datastore private ftnsep ftnsepc ftncn aftnsep aftnsepc aftncn "
        "bkmkstart bkmkend atnid atnref atndate atntime atnparent annotref passwordhash userprops "
        "nextfile template falt panose"
    )
)
STARRED = frozenset(
    str.split("shpinst annotation atnauthor footnote pn fldrslt shptxt nesttableprops")
)
NOTES = {"footnote": "note", "annotation": "note", "shptxt": "note"}
EDGES = {
    **dict.fromkeys(("header", "headerl", "headerr", "headerf"), "edge"),
    **dict.fromkeys(("footer", "footerl", "footerr", "footerf"), "edge"),
}
FACTS = frozenset(
    str.split(
        "title author subject keywords doccomm creatim revtim operator company manager category"
    )
)
METADATA = {"author": "author", "subject": "subject", "keywords": "tags", "doccomm": "description"}
