r"""Manual pages and other roff become what a reader sees of them, with headings, items and lines."""

from __future__ import annotations

import gzip
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from searchapp.errors import FileError, FileFailed
from searchapp.extract.detect import type_of
from searchapp.extract.entries import entries, extract
from searchapp.extract.roff.roff import read
from searchapp.types.documents import Document

LAMP = rb""".\" a comment
.TH LAMP 1 2024-05-06 "Lamps 1.0" "User Commands"
.SH NAME
lamp \- turn the lamp on or off
.SH SYNOPSIS
.B lamp
[\fIOPTION\fR]... \c
.IR FILE ...
.SH "OPTIONS OF IT"
Common ones, as in
.BR light (7),
are:
.TP
.BR \-a ", " \-\-all
switch on
all lamps
.TP
\fB\-b\fR, \fB\-\-bright\fR=\fILEVEL\fR
set the level
.IP \(bu 2
a bullet
.SS Rare
.PD 0
.TP
.B \-x
.TP
.B \-y
two names
.PD
.PP
See
.UR https://lamp.example/
the site
.UE .
.SH EXAMPLES
.EX
lamp \-a |
    tee \e

lamp \-x
.EE
"""


def page(source: str, *, name: str = "a.1") -> Document:
    return extract(f".TH A 1\n{source}".encode(), name)


def outline(document: Document) -> list[tuple[str, tuple[str, ...], str]]:
    return [
        (block.kind, block.headings, document.text[block.start : block.end])
        for block in document.blocks
    ]


def body(source: str) -> str:
    return page(source).text


# ---- pages ---------------------------------------------------------------------------------------


def test_a_manual_page_gives_its_sections_items_and_code() -> None:
    document = extract(LAMP, "lamp.1")
    assert (document.type, document.title) == ("roff", "lamp(1) - turn the lamp on or off")
    assert dict(document.metadata) == {"date": "2024-05-06"}
    options, rare = ("OPTIONS OF IT",), ("OPTIONS OF IT", "Rare")
    assert outline(document) == [
        ("heading", (), "NAME"),
        ("prose", ("NAME",), "lamp - turn the lamp on or off"),
        ("heading", (), "SYNOPSIS"),
        ("prose", ("SYNOPSIS",), "lamp [OPTION]... FILE..."),
        ("heading", (), "OPTIONS OF IT"),
        ("prose", options, "Common ones, as in light(7), are:"),
        ("list", options, "-a, --all  switch on all lamps"),
        ("list", options, "-b, --bright=LEVEL  set the level"),
        ("list", options, "•  a bullet"),
        ("heading", options, "Rare"),
        ("list", rare, "-x, -y  two names"),
        ("prose", rare, "See the site <https://lamp.example/>."),
        ("heading", (), "EXAMPLES"),
        ("code", ("EXAMPLES",), "lamp -a |\n    tee \\"),
        ("code", ("EXAMPLES",), "lamp -x"),
    ]
    assert document.text.endswith("lamp -a |\n    tee \\\n\nlamp -x")


def test_each_part_of_a_page_has_its_line_in_the_source() -> None:
    document = extract(LAMP, "lamp.1")
    assert not document.has_lines
    lines = LAMP.decode().split("\n")
    places = [dict(block.place)["line"] for block in document.blocks]
    assert [lines[int(line) - 1] for line in (*places[5:8], places[-1])] == [
        "Common ones, as in",
        '.BR \\-a ", " \\-\\-all',
        "\\fB\\-b\\fR, \\fB\\-\\-bright\\fR=\\fILEVEL\\fR",
        "lamp \\-x",
    ]


MDOC = rb""".Dd May 6, 2024
.Dt LAMP 1
.Os
.Sh NAME
.Nm lamp ,
.Nm light
.Nd turn the lamp on
.Sh SYNOPSIS
.Nm
.Op Fl ab
.Op Fl o Ar file | Cm none
.Oo
.Fl -long Ns = Ns Ar n
.Oc
.Ar
.Nm
.Fl h
.Sh DESCRIPTION
The
.Nm
utility reads
.Pa /etc/lamp.conf ,
see
.Xr lamp.conf 5 .
.Dq Quoted words .
.Bl -tag -width Ds
.It Fl a , Fl -all
All lamps.
.It Xo
.Fl o
.Ar file
.Xc
Into a file
.Pq the last one .
.El
.Bl -enum
.It
First.
.It
Second.
.El
.Bl -column a b
.It Sy Name Ta Sy Use
.It red Ta stop
.El
.Dl lamp -a
.Bd -literal
if (on)
	off();
.Ed
.Fn lamp_on "int level" "char *name"
.Ex -std
.Rs
.%A A. One
.%A B. Two
.%T Lamps
.Re
"""


def test_a_page_of_mdoc_gives_the_same_kinds_of_parts() -> None:
    document = extract(MDOC, "lamp.1")
    assert (document.type, document.title) == ("roff", "lamp(1) - turn the lamp on")
    assert dict(document.metadata) == {"date": "2024-05-06"}
    about = ("DESCRIPTION",)
    assert outline(document)[1:] == [
        ("prose", ("NAME",), "lamp, light - turn the lamp on"),
        ("heading", (), "SYNOPSIS"),
        (
            "prose",
            ("SYNOPSIS",),
            "lamp [-ab] [-o file | none] [--long=n] file ...\nlamp -h",
        ),
        ("heading", (), "DESCRIPTION"),
        (
            "prose",
            about,
            "The lamp utility reads /etc/lamp.conf, see lamp.conf(5). “Quoted words”.",
        ),
        ("list", about, "-a, --all  All lamps."),
        ("list", about, "-o file  Into a file (the last one)."),
        ("list", about, "1.  First."),
        ("list", about, "2.  Second."),
        ("table", about, "Name | Use"),
        ("table", about, "red | stop"),
        ("code", about, "lamp -a"),
        ("code", about, "if (on)\n\toff();"),
        (
            "prose",
            about,
            (
                "lamp_on(int level, char *name) The lamp utility exits 0 on success, and >0 if an "
                "error occurs. A. One and B. Two, Lamps."
            ),
        ),
    ]


def test_spaces_of_mdoc_are_as_its_macros_say() -> None:
    start = ".Dd May 6, 2024\n.Dt A 1\n.Os\n.Sh X\n"
    line = ".Op Fl L Xo Sm off Ar a : Ar b Sm on Xc\n.Pf ( Ar c Ns ) , Ap s\n"
    assert extract((start + line).encode(), "a.1").text == "X\n\n[-L a:b] (c),'s"


@pytest.mark.parametrize(
    ("heading", "name", "title"),
    [
        ("LAMP 8", "lamp \\- a light", "lamp(8) - a light"),
        ("lamp 3pm", "Lamp::Bulb \\- a light", "lamp(3pm) - a light"),
        ("LAMP_BULB 1", "lamp bulb \\- a light", "lamp_bulb(1) - a light"),
        ("LAMP 1", "other, lamp \\- a light", "lamp(1) - a light"),
        ("LAMP 1SSL", "lamp \\- a light", "lamp(1ssl) - a light"),
        ("LAMP 1", "no dash", "LAMP(1)"),
        ("LAMP", "lamp - a light", "lamp - a light"),
    ],
)
def test_the_title_is_the_page_as_it_is_written_in_its_name_section(
    heading: str, name: str, title: str
) -> None:
    document = extract(f".TH {heading}\n.SH NAME\n{name}\n.SH X\ny\n".encode(), "a.1")
    assert document.title == title


def test_a_redirect_says_which_page_is_meant() -> None:
    document = extract(b'.so man3/printf.3\n.\\" the old name\n', "fprintf.3")
    assert (document.type, document.title) == ("roff", "See printf(3)")
    assert document.text == "See printf(3), in man3/printf.3."


def test_a_compressed_page_is_a_member_with_its_title() -> None:
    member, container = entries(gzip.compress(LAMP), "lamp.1.gz")
    assert (member.member, member.document_type) == ("lamp.1", "roff")
    assert container.is_container
    document = member.read()
    assert document.title == "lamp(1) - turn the lamp on or off"
    assert document.blocks[1].place == (("member", "lamp.1"), ("line", 4))


def test_the_encoding_is_the_one_that_a_page_names() -> None:
    source = "'\\\" -*- coding: koi8-r -*-\n.TH A 1\n.SH ИМЯ\nлампа\n"
    assert extract(source.encode("koi8-r"), "a.1").text == "ИМЯ\n\nлампа"


# ---- escapes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (r"a \fBbold\fR \f(CWmono\fP \f[I]it\f[]", "a bold mono it"),
        (r"\(co \[u00E9] \[u0065_0301] \(:u \[a aa]", "© é é ü á"),
        (r"\[char65]\N'66' \C'Eu'", "AB €"),
        (r"\-x\&y\|z\^w \e \\", r"-xyzw \ \ ".strip()),
        (r"a\ b\~c\0d", "a b c d"),
        (r"\*(lqquoted\*(rq \*R", "“quoted” ®"),
        (r"\s+1big\s0 \s-2small\s+2 \s[12]x\s0 \s-2000 \s10y", "big small x 000 y"),
        (r"a\h'2n'b \v'1'c\l'1i'", "a b c"),
        (r"\m[red]c\m[] \o'aa' \z_x", "c a _x"),
        (r"text \" a comment", "text"),
        ("one\\c\ntwo", "onetwo"),
        ("one\\\ntwo", "onetwo"),
        (r"\fBa\fR\fIb\fR, \fBc\fR(1)", "ab, c(1)"),
        (r"100\% \q\&.", "100 q."),
        (r"\[no such] [\[braceleft]", "["),
    ],
)
def test_an_escape_prints_what_it_means(source: str, text: str) -> None:
    assert body(source) == text


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (".B a b", "a b"),
        ('.BR "a b" c', "a bc"),
        ('.BI \\-o\\  file " or " """x"""', '-o file or "x"'),
        (".B\nnext line", "next line"),
        (".SM small", "small"),
        (".MT a@b.example\nAda\n.ME ,", "Ada <a@b.example>,"),
        (".UR http://x.example\n.UE", "<http://x.example>"),
        (".SY lamp\n.OP \\-f file\n.YS", "lamp [-f file]"),
        ("a\n.br\nb", "a\nb"),
        ("a\n  indented", "a\nindented"),
        (".no such macro\nx", "x"),
        ('.IX Item "index"\nx', "x"),
        (".ce\ncentred\nnot", "centred\nnot"),
    ],
)
def test_a_macro_joins_words_as_they_are_printed(source: str, text: str) -> None:
    assert body(source) == text


def test_a_line_that_what_follows_hangs_on_is_its_tag() -> None:
    document = page(
        ".PP\n\\-e, \\-\\-edit\n.RS 4\nOpen it.\n.RE\n.PP\nA sentence.\n.RS\nmore\n.RE\n"
    )
    assert outline(document) == [
        ("list", (), "-e, --edit  Open it."),
        ("prose", (), "A sentence."),
        ("prose", (), "more"),
    ]


# ---- the language --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (".if n terminal\n.if t paper\n", "terminal"),
        (".ie t \\{\\\npaper\n.\\}\n.el \\{\\\nterminal\nline\n.\\}\nend", "terminal line end"),
        (".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\nit\\*(Aqs", "it's"),
        (".ds W word\n.as W s\n\\*W and \\*[W]", "words and words"),
        (".if !'a'b' x\n.if 'a'b' y\n.if \"a\"a\" z", "x z"),
        (".nr N 2+3*2\n.if \\nN=10 ten\n.if (\\nN>3)&(1) more", "ten more"),
        ('.de X\nargument \\\\$1 of \\\\n(.$: \\\\$*\n..\n.X "a b" c', "argument a b of 2: a b c"),
        (".de Y END\nin\n.END\n.Y\nout", "in out"),
        (".de X\none\n..\n.am X\ntwo\n..\n.als Z X\n.Z\n.rn X V\n.V", "one two one two"),
        (".ig\nunseen\n..\nseen", "seen"),
        (".if d X x\n.ds X\n.if d X y\n.rm X\n.if d X z", "y"),
        (".eo\n\\fBas is\n.ec\n\\fBbold", "\\fBas is bold"),
        (".tr \\(*W-\n\\(*W", "-"),
        ('.PS\nbox "unseen"\n.PE\n.GS\nunseen\n.GE\nx', "x"),
        (".[\nunseen\n.]\nx", "x"),
        (".nop x\n.if F CR y", "x"),
        (".ft B\n.hy 0\n.ad l\n.in +4\nx", "x"),
    ],
)
def test_definitions_and_conditions_are_followed(source: str, text: str) -> None:
    assert body(source) == text


def test_a_table_gives_its_rows_without_its_format() -> None:
    document = page(
        ".TS\nallbox tab(;);\nlb l\nl l.\nName;Use\n_\n\\fBred\\fR;T{\nto\n.B stop\nhere\nT}\n.TE\n"
    )
    assert outline(document) == [
        ("table", (), "Name | Use"),
        ("table", (), "red | to stop here"),
    ]


def test_an_equation_is_a_line_that_can_be_read() -> None:
    source = (
        ".EQ\ndelim $$\n.EN\nthe sum\n.EQ\nsum from i x sup 2 over { sqrt y }\n.EN\nof $alpha <= 1$"
    )
    assert body(source) == "the sum ∑_i x^2 / √ y of α ≤ 1"


def test_papers_of_other_macros_have_their_headings() -> None:
    paper = b".TL\nOn\nlamps\n.AU\nAda\n.NH 1\nFirst part\n.PP\nText.\n.DS\ncode\n.DE\n"
    document = extract(paper, "paper.ms")
    assert document.type == "roff"
    assert (document.title, outline(document)) == (
        "On lamps",
        [
            ("heading", (), "On lamps"),
            ("prose", (), "Ada"),
            ("heading", (), "First part"),
            ("prose", ("First part",), "Text."),
            ("code", ("First part",), "code"),
        ],
    )


# ---- which files are roff ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("lamp.1", ".TH LAMP 1\n.SH NAME\nlamp\n"),
        ("Lamp::Bulb.3pm", '\'\\" t\n.\\" c\n.de Sp\nx\n..\n.TH LAMP 3pm\n'),
        ("lamp", ".Dd May 6, 2024\n.Dt LAMP 1\n"),
        ("lamp.1.in", "\n.TH LAMP 1\n"),
        ("old.3", ".so man3/new.3\n"),
        ("part.man", ".SH OPTIONS\n.TP\n.B x\ny\n"),
        ("paper.me", ".sh 1 Lamps\n.pp\nText\n.lp\n"),
        ("lamp.1", ".TH LAMP 1\r\n.SH NAME\r\nlamp\r\n"),
    ],
)
def test_roff_is_known_by_what_is_in_it(name: str, source: str) -> None:
    assert type_of(source.encode(), name) == "roff"


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("syslog.1", "May  6 07:08:09 lamp kernel: .TH is on\n" * 5),
        ("data.1", "1 2 3\n.5 .6\n"),
        ("read.me", "Read me.\n\n.gitignore names what is left out\n.B is a file\n"),
        ("notes.1", "...\n... and so on\n.. up\n./run\n"),
        ("list", ".bashrc\n.profile\n.so\n"),
        ("lamp.txt", ".TH LAMP 1\n.SH NAME\nlamp\n"),
    ],
)
def test_other_text_stays_text_whatever_its_ending(name: str, source: str) -> None:
    assert type_of(source.encode(), name) == "txt"


# ---- broken and hostile pages --------------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    [
        ".de X\n.X\n.X\n..\n.X\n",
        ".ds a xx\n" + ".as a \\*a\n" * 60 + "\\*a\\*a\n" * 2000,
        "".join(f".ds {a} " + f"\\\\*{b}" * 9 + "\n" for a, b in zip("abcdefghij", "bcdefghijk"))  # noqa: B905 - one more
        + "\\*a\n" * 100,
        "\\*[" * 50_000,
        "\\[" * 50_000,
        "\\h'" * 50_000,
        ".if n " * 20_000,
        ".PD 0\n" + ".TP\na\n" * 20_000,
        ".TP\na\n" + ".TQ\nb\n" * 20_000,
        ".TS\nl.\n" + "\t" * 200_000 + "a\n",
        "'so /etc/passwd\n" * 1000,
        ".while 1 x\n",
        ".als X Y\n.als Y X\n.X\n.Y\n",
        ".nr a 9" + "*9" * 100_000,
    ],
)
def test_a_page_that_never_ends_is_read_in_time(source: str) -> None:
    begin = time.process_time()
    document = read(b".TH A 1\n" + source.encode() + b"\nend\n.SH X\ny\n", "roff")
    assert time.process_time() - begin < 5
    assert "root:" not in document.text
    assert len(document.text) < 4_000_000


@pytest.mark.parametrize("source", [".so tmac.an\n.PP\n", ".if t \\{\n" * 20_000 + "unseen\n"])
def test_a_page_of_which_nothing_is_seen_has_no_text(source: str) -> None:
    with pytest.raises(FileFailed, match=r"^no text found$"):
        page(source)


_LINES = [
    *LAMP.decode().split("\n"),
    *MDOC.decode().split("\n"),
    *(".if n \\{", ".\\}", ".el \\{", ".de X", "..", ".X \\$1", ".ds a \\*a", "\\*a", ".TS"),
    *("l l.", "T{", "T}", ".TE", ".EQ", ".EN", ".nf", ".fi", "\\", ".Bl -column", ".It", "\\c"),
    *(".Oc", ".Xo", ".Xc", ".Fo f", ".Fa x", ".Fc", ".Sm off", ".RS", ".RE", ".IP", ".eo"),
]
_PIECES = st.lists(st.sampled_from(_LINES), max_size=60)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([".TH A 1", ".Dd x"]), _PIECES, st.binary(max_size=200), st.integers(0, 4000)
)
def test_no_page_breaks_the_reader(first: str, lines: list[str], noise: bytes, cut: int) -> None:
    source = "\n".join([first, *lines]).encode()
    for data in (source[:cut], source[:cut] + noise + source[cut:], b".TH " + noise):
        try:
            document = read(data, "roff")
        except FileError:
            continue
        ends = [0]
        for block in document.blocks:
            ends += [block.start, block.end]
        assert ends == sorted(ends)
        assert ends[-1] == len(document.text)
