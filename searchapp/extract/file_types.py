"""The types of files by their endings: the table that every new format gets a line in.

These are only names. What a file is by its bytes is decided in `detect`, and `registry` says which
module reads it; here nothing of the standard library is needed, so that a query can import it.
"""

from __future__ import annotations

EMPTY = "empty"  # why what holds no character is left out
DETECTOR_VERSION = 3  # a higher one looks again at what it could not tell
TEXT_TYPES = {
    **dict.fromkeys(("md", "markdown", "mdown", "mkd", "mdx", "qmd", "rmd"), "md"),
    **dict.fromkeys(("rst", "rest"), "rst"),
    **dict.fromkeys(("html", "htm", "xhtml", "shtml"), "html"),
    **{
        ending: ending
        for ending in ("adoc", "bib", "csv", "ini", "json", "jsonl", "log", "org", "srt")
    },
    **{ending: ending for ending in ("tex", "toml", "tsv", "vtt", "xml", "yaml")},
    **dict.fromkeys(("asciidoc", "asc"), "adoc"),
    **dict.fromkeys(("cfg", "conf", "properties"), "ini"),
    **dict.fromkeys(("latex", "ltx", "sty", "cls"), "tex"),
    **dict.fromkeys(("xsd", "xsl", "xslt", "rss", "atom", "opml", "fb2", "kml", "gpx"), "xml"),
    **dict.fromkeys(("nxml", "docbook", "dbk", "dita", "ditamap", "tei"), "xml"),
    **dict.fromkeys(("plist", "webloc"), "plist"),
    **dict.fromkeys(("fodt", "fods", "fodp", "fodg"), "xml"),  # what is in it decides
    **dict.fromkeys(("ics", "ical", "ifb"), "ics"),
    **dict.fromkeys(("vcf", "vcard"), "vcf"),
    **dict.fromkeys(("ass", "ssa"), "ass"),
    "yml": "yaml",
    "ndjson": "jsonl",
    "geojson": "json",
    "tab": "tsv",
    **{ending: ending for ending in ("svg", "enex", "enml")},
}
CODE_ENDINGS = {
    **{
        ending: ending
        for ending in str.split(
            "awk bat c clj cpp cs css cu dart el erl ex go groovy h hpp hs java jl js kt lisp lua "
            "m ml nim php pl proto ps1 py r rb rs scala sh sql swift tcl tf ts vb vue zig"
        )
    },
    **dict.fromkeys(("pyi", "pyw"), "py"),
    **dict.fromkeys(("cjs", "jsx", "mjs"), "js"),
    **dict.fromkeys(("cts", "mts", "tsx"), "ts"),
    **dict.fromkeys(("cc", "cxx"), "cpp"),
    **dict.fromkeys(("hh", "hxx"), "hpp"),
    **dict.fromkeys(("bash", "fish", "ksh", "zsh"), "sh"),
    "kts": "kt",
    "pm": "pl",
    **dict.fromkeys(("less", "scss"), "css"),
}
CODE_TYPES = frozenset({*CODE_ENDINGS.values(), "make", "docker"})
INTERPRETERS = {
    "python": "py",
    "bash": "sh",
    "sh": "sh",
    "dash": "sh",
    "zsh": "sh",
    "ksh": "sh",
    "fish": "sh",
    "node": "js",
    "perl": "pl",
    "ruby": "rb",
    "Rscript": "r",
    "php": "php",
    "lua": "lua",
    "awk": "awk",
    "gawk": "awk",
    "tclsh": "tcl",
    "julia": "jl",
}
IMAGE_TYPES = frozenset({"png", "jpg", "bmp", "tiff", "webp", "gif", "avif"})
ZIPPED_TYPES = {
    **dict.fromkeys(("docx", "docm", "dotx", "dotm"), "docx"),
    **dict.fromkeys(("xlsx", "xlsm", "xltx", "xltm"), "xlsx"),
    **dict.fromkeys(("pptx", "pptm", "ppsx", "ppsm", "potx", "potm"), "pptx"),
    **dict.fromkeys(("odt", "ott", "odm", "oth"), "odt"),
    **dict.fromkeys(("odp", "otp"), "odp"),
    **dict.fromkeys(("ods", "ots"), "ods"),
    "odg": "odg",
    "epub": "epub",
    "xlsb": "xlsb",
    "hwpx": "hwpx",
    **dict.fromkeys(("vsdx", "vsdm", "vstx", "vssx"), "vsdx"),
    **dict.fromkeys(("xps", "oxps"), "xps"),
    **{ending: ending for ending in ("pages", "numbers", "key")},
}
OLE_TYPES = {
    **dict.fromkeys(("doc", "dot"), "doc"),
    **dict.fromkeys(("xls", "xlt"), "xls"),
    **dict.fromkeys(("ppt", "pps", "pot"), "ppt"),
    "msg": "msg",
}
# a section of the manual ("3pm", "1ssl"), or a package of macros; what is in the file decides
ROFF_ENDINGS = frozenset({"n", "l", "man", "mdoc", "me", "mm", "ms", "nroff", "roff", "t", "troff"})
MAIL_ENDINGS = {
    "eml": "eml",
    "emlx": "eml",
    "mbox": "mbox",
    "mbx": "mbox",
    "mht": "mhtml",
    "mhtml": "mhtml",
}
# text that only says where something else is, in words for people
LINKS = {
    **dict.fromkeys(
        (
            "gdoc",
            "gsheet",
            "gslides",
            "gdraw",
            "gform",
            "gtable",
            "gscript",
            "gsite",
            "gmap",
            "gjam",
        ),
        "only a link to a Google document: download it as .docx, .xlsx or .pdf",
    ),
}
_WORDS = {
    "Word documents": "doc docm docx dot dotx",
    "Excel workbooks": "xls xlsb xlsm xlsx xltx",
    "PowerPoint presentations": "pot potx pps ppsx ppt pptm pptx",
    "OpenDocument files": "odb odf odg odp ods odt ott",
    "WordPerfect documents": "wp wp4 wp5 wp6 wpd wpt",
    "Works documents": "wdb wks wps",
    "Lotus workbooks": "123 wk1 wk3 wk4",
    "Word Pro documents": "lwp",
    "Quattro Pro workbooks": "qpw wb1 wb2 wb3 wq1",
    "documents of Word before version 6": "wri",
    "older Hangul documents": "hwp",
    "older Visio drawings": "vsd vss vst",
    "Publisher documents": "pub",
    "e-books": "azw azw3 djvu fb2 mobi prc",
    "books of other readers": "chm lit lrf",
    "OneNote sections": "one",
    "Outlook stores": "dbx ost pst",
    "mail": "emlx msg",
    "images": "ai avif bmp cr2 gif heic heif ico jpeg jpg nef png psd svg tif tiff webp xcf",
    "audio": "aac aiff flac m4a mid mp3 oga ogg opus wav wma",
    "video": "avi flv m4v mkv mov mp4 mpeg mpg ogv webm wmv",
    "archives": "7z iso rar",
    "packed files": "cab lz4 z zst",
    "programs": "apk bin class dll dylib elf exe jar msi o pyc so war wasm whl xpi",
    "fonts": "eot otf ttf woff woff2",
    "databases": "db db3 sqlite sqlite3",
    "Access databases": "accdb mdb",
    "arrays and models": "faiss h5 npy npz onnx parquet pickle pkl pt pth safetensors",
}
WORDS_OF = {ending: words for words, endings in _WORDS.items() for ending in endings.split()}
_AS_DOCUMENT = "open it in LibreOffice and save it as .docx or .odt"
_AS_WORKBOOK = "open it in LibreOffice and save it as .xlsx or .ods"
CURES = {  # what makes a file of these words readable
    "WordPerfect documents": _AS_DOCUMENT,
    "Works documents": _AS_DOCUMENT,
    "Word Pro documents": _AS_DOCUMENT,
    "documents of Word before version 6": _AS_DOCUMENT,
    "Lotus workbooks": _AS_WORKBOOK,
    "Quattro Pro workbooks": _AS_WORKBOOK,
    "older Hangul documents": "save it as .hwpx",
    "older Visio drawings": "save it as .vsdx or PDF",
    "Publisher documents": "save it as PDF",
    "OneNote sections": "export it as PDF or .docx",
    "books of other readers": "convert it to PDF or EPUB",
    "Outlook stores": "export it as .mbox or .eml",
    "Access databases": "export its tables as .csv",
    "packed files": "unpack it",
}
ZIPPED_WITHOUT_READER = frozenset({"apk", "jar", "war", "whl", "xpi", "npz", "odb", "odf"})
