"""Web pages as people save them: what is their main text is found, what only surrounds
it is not.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from searchapp.errors import FileFailed
from searchapp.extract.entries import extract
from searchapp.extract.web import html

if TYPE_CHECKING:
    from collections.abc import Callable

NAV = """<nav><ul><li><a href="/">Home</a></li><li><a href="/news">Latest news</a></li><li><a href="/shop">Our shop</a></li></ul></nav>"""
FOOTER = """<footer><ul><li><a href="/imprint">Imprint</a></li><li><a href="/privacy">Privacy</a></li></ul><p>All rights reserved</p></footer>"""
SUBJECTS_TEXT = (
    "otters herons beavers salmon kingfishers voles newts dippers mayflies alders willows reeds"
)
WORDS_TEXT = (
    "under the old stone bridge they wait for morning mist to rise before feeding "
    "along quiet banks near our village mill"
)
SUBJECTS, WORDS = SUBJECTS_TEXT.split(), WORDS_TEXT.split()


def sentences(seed: int, count: int) -> str:
    """Sentences that differ by seed and need no meaning, about 25 words each."""
    return " ".join(
        f"{SUBJECTS[(seed + number) % 12].capitalize()} "
        f"{' '.join(WORDS[(seed * 5 + number * 3 + place) % 21] for place in range(22))}"
        f" number {seed * 100 + number}."
        for number in range(count)
    )


def paragraphs(seed: int, count: int) -> list[str]:
    return [sentences(seed + number, 4) for number in range(count)]


def marked(texts: list[str]) -> str:
    return "".join(f"<p>{text}</p>" for text in texts)


def page(body: str, *, head: str = "<title>A page</title>") -> bytes:
    return f"<!doctype html><html><head><meta charset='utf-8'>{head}</head><body>{body}</body></html>".encode()


def teasers(count: int) -> str:
    return "".join(
        f'<div class="card"><a href="/{number}"><h3>Elsewhere {number}</h3>Read this too</a></div>'
        for number in range(count)
    )


def blog() -> tuple[bytes, str]:
    first, second = paragraphs(1, 3), paragraphs(7, 3)
    menu = "".join(
        f'<li><a href="/archive/{month}">Archive month {month}</a></li>' for month in range(30)
    )
    body = f"""{NAV}<div id="content"><article><header><h1>Rivers at dawn</h1><p class="byline">By Ann Marsh</p></header>{marked(first)}
    <h2>Second walk</h2>{marked(second)}<pre>heron --count
  three</pre></article></div><div class="sidebar"><h3>Archive</h3><ul>{menu}</ul></div>{FOOTER}"""
    return page(body), "\n".join(
        ["Rivers at dawn", "By Ann Marsh", *first, "Second walk", *second, "heron --count three"]
    )


def news() -> tuple[bytes, str]:
    texts = paragraphs(20, 6)
    body = f"""<header class="site"><a href="/">The Daily Reed</a></header>{NAV}<main><h1>Mill saved from flood</h1>
    <p>Published in spring</p>{marked(texts[:3])}
    <aside class="related"><h3>Related</h3><ul><li><a href="/x">Older flood stories here</a></li></ul></aside>
    {marked(texts[3:])}</main><section><h2>More from us</h2>{teasers(12)}</section><script>track()</script>{FOOTER}"""
    return page(body), "\n".join(["Mill saved from flood", "Published in spring", *texts])


def forum() -> tuple[bytes, str]:
    posts = [(f"walker{number}", sentences(40 + number, 2 + number % 3)) for number in range(9)]
    body = "".join(
        f"""<div class="post"><div class="user"><a href="/u/{name}">{name}</a></div><div class="content"><p>{text}</p></div>
        <button>Reply</button><button>Like</button></div>"""
        for name, text in posts
    )
    wanted = ["Why do herons wait?", *(text for _, text in posts)]
    return page(
        f"{NAV}<h1>Why do herons wait?</h1><div class='thread'>{body}</div>{FOOTER}"
    ), "\n".join(wanted)


def documentation() -> tuple[bytes, str]:
    chapters = ["File menu", "Share settings", "Navigation", "Social structure"]
    texts = [paragraphs(60 + 5 * number, 2) for number in range(4)]
    sections = "".join(
        f"""<section id="{name.lower().replace(" ", "-")}"><h3>{name}<a class="headerlink" href="#x">¶</a></h3>{marked(text)}
        <pre>run --{name.lower().replace(" ", "-")}</pre><aside class="note"><p>Mind the {name.lower()} well.</p></aside></section>"""
        for name, text in zip(chapters, texts, strict=True)
    )
    links = "".join(
        f'<li><a href="/doc/{number}">Chapter {number} of the book</a></li>' for number in range(60)
    )
    table = "<table><tr><th>Option<th>Meaning<tr><td>depth<td>how deep the water is</table>"
    glossary = (
        "<dl><dt>Holt</dt><dd>The den of an otter beside a "
        "river.</dd><dt>Drey</dt><dd>What a squirrel builds in a tree.</dd></dl>"
    )
    body = f"""<div class="sphinxsidebar"><ul>{links}</ul></div><div class="body"><h1>Handbook</h1>{sections}{table}{glossary}</div>{FOOTER}"""
    wanted = ["Handbook"]
    for name, text in zip(chapters, texts, strict=True):
        wanted += [
            name,
            *text,
            f"run --{name.lower().replace(' ', '-')}",
            f"Mind the {name.lower()} well.",
        ]
    wanted += [
        "Option Meaning depth how deep the water is",
        "Holt The den of an otter beside a river. Drey What a squirrel builds in a tree.",
    ]
    return page(body), "\n".join(wanted)


def shop() -> tuple[bytes, str]:
    about = paragraphs(90, 2)
    rows = [
        ("Weight", "3 kg"),
        ("Material", "oiled oak"),
        ("Warranty", "ten years"),
        ("Delivery", "two days"),
    ]
    body = f"""{NAV}<div class="breadcrumbs"><a href="/">Home</a> &gt; <a href="/oars">Oars</a></div>
    <main><h1>Oak oar</h1><p>Price: 84.00</p>
    <button>Add to basket</button>{marked(about)}<h2>Details</h2><table>{"".join(f"<tr><th>{a}<td>{b}" for a, b in rows)}</table>
    <h2>Reviews</h2><p>Light and strong, says Bo.</p></main><div class="related"><h2>Others bought</h2>{teasers(15)}</div>{FOOTER}"""
    wanted = [
        "Oak oar",
        "Price: 84.00",
        *about,
        "Details",
        *(f"{a} {b}" for a, b in rows),
        "Reviews",
        "Light and strong, says Bo.",
    ]
    return page(body), "\n".join(wanted)


def recipe() -> tuple[bytes, str]:
    goods = ["200 g rye flour", "one spoon of salt", "half a litre of water", "two ripe plums"]
    steps = [
        f"Step {number}: stir the dough and wait for {number} hours in a warm place."
        for number in range(1, 7)
    ]
    story = paragraphs(110, 3)
    body = f"""{NAV}<div class="cookie-banner"><p>We use cookies for everything.</p></div>
    <article><h1>Plum bread</h1>{marked(story)}<h2>Ingredients</h2>
    <ul>{"".join(f"<li>{each}" for each in goods)}</ul><h2>Method</h2><ol>{"".join(f"<li>{each}" for each in steps)}</ol></article>
    <aside><h3>Newsletter</h3><p>Sign up today</p></aside>{FOOTER}"""
    return page(body), "\n".join(["Plum bread", *story, "Ingredients", *goods, "Method", *steps])


def wiki() -> tuple[bytes, str]:
    texts = paragraphs(130, 6)
    panel = "".join(
        f'<li><a href="/lang/{number}">Language {number}</a></li>' for number in range(80)
    )
    box = "<table class='infobox'><tr><th>Family<td>Mustelids<tr><th>Length<td>one metre</table>"
    links = [text.replace("bridge", '<a href="/bridge">bridge</a>') for text in texts]
    body = f"""<div id="mw-navigation"><ul>{panel}</ul></div><div id="content"><h1>Otter</h1><div class="mw-body">{box}{marked(links[:2])}
    <div id="toc"><h2>Contents</h2><ul><li><a href="#life">Life</a></li><li><a href="#food">Food</a></li></ul></div><h2 id="life">Life</h2>
    {marked(links[2:4])}<h2 id="food">Food</h2>{marked(links[4:])}</div></div><div id="footer"><p>Text is free</p></div>"""
    wanted = [
        "Otter",
        "Family Mustelids Length one metre",
        *texts[:2],
        "Life",
        *texts[2:4],
        "Food",
        *texts[4:],
    ]
    return page(body), "\n".join(wanted)


def mailing_list() -> tuple[bytes, str]:
    mail = f"Hello all,\n\n{sentences(160, 6)}\n\n> {sentences(170, 2)}\n\nBest,\nBo"
    links = (
        "<ul><li>Previous message: <a href='1.html'>[list] older</a></li><li>Next message: "
        "<a href='3.html'>[list] newer</a></li></ul>"
    )
    body = (
        "<h1>[list] Counting otters</h1><b>Bo Reed</b> <i>Mon May 6 "
        f"2024</i>{links}<hr><pre>{mail.replace('>', '&gt;')}</pre><hr>{links}"
    )
    return (
        page(body),
        (
            "[list] Counting otters Bo Reed Mon May 6 2024 Previous message older Next message "
            "newer "
            f"{mail}"
        ),
    )


def only_a_table() -> tuple[bytes, str]:
    rows = [
        f"<tr><td>Gauge {number}<td>{number * 7} cm<td>river {SUBJECTS[number % 12]}"
        for number in range(150)
    ]
    return page(
        f"{NAV}<table><tr><th>Name<th>Level<th>Where{''.join(rows)}</table>{FOOTER}"
    ), re.sub("<[^>]*>", " ", "Name Level Where" + " ".join(rows))


def shell() -> tuple[bytes, str]:
    texts = paragraphs(190, 3)
    about = {
        "@context": "https://schema.org",
        "@graph": [
            {"@type": "WebSite", "name": "Reed"},
            {
                "@type": "NewsArticle",
                "headline": "Beavers return",
                "articleBody": "\n\n".join(texts),
            },
        ],
    }
    head = f"<title>App</title><script type='application/ld+json'>{json.dumps(about)}</script>"
    return page(
        "<div id='root'></div><noscript>Please turn scripts on</noscript>", head=head
    ), "\n".join(["Beavers return", *texts])


def word_f1(found: str, wanted: str) -> float:
    one, other = (Counter(re.findall(r"\w+", text)) for text in (found, wanted))
    return 2 * sum((one & other).values()) / (sum(one.values()) + sum(other.values()))


@pytest.mark.parametrize(
    "make",
    [blog, news, forum, documentation, shop, recipe, wiki, mailing_list, only_a_table, shell],
)
def test_the_main_text_of_a_page_is_found(make: Callable[[], tuple[bytes, str]]) -> None:
    made, wanted = make()
    document = html.read(made, "html")
    found = "\n".join(document.text[block.start : block.end] for block in document.blocks)
    assert word_f1(found, wanted) >= 0.95, found


def text_of(body: str) -> str:
    return html.read(page(body), "html").text


def test_a_section_whose_id_is_made_from_its_heading_is_no_menu() -> None:
    section = f'<section id="file-menu"><h3>File menu</h3>{marked(paragraphs(1, 2))}</section>'
    assert "File menu" in text_of(
        f"{NAV}<h1>Editor</h1>{section}{marked(paragraphs(5, 8))}{FOOTER}"
    )


def test_code_and_captions_among_the_text_stay_in_a_long_page() -> None:
    texts = paragraphs(1, 16)
    figure = (
        "<figure><pre>let otter = 1;</pre><figcaption>Listing 1: an otter</figcaption></figure>"
    )
    found = text_of(
        f"{NAV}<article><h1>Otters</h1>{marked(texts[:8])}{figure}{marked(texts[8:])}</article>{FOOTER}"
    )
    assert "let otter = 1;" in found
    assert "Listing 1: an otter" in found


def test_an_aside_is_a_note_within_an_article_and_furniture_beside_it() -> None:
    found = text_of(
        "<article><h1>A</h1><p>Text</p><aside><p>A note on "
        f"it</p></aside></article><aside><p>Beside</p></aside>{NAV}"
    )
    assert "A note on it" in found
    assert "Beside" not in found


def test_definitions_after_the_last_paragraph_of_a_long_page_are_kept() -> None:
    definitions = "<dl><dt>Holt</dt><dd>The den of an otter.</dd></dl>"
    assert "The den of an otter." in text_of(
        f"{NAV}<div><h1>Otters</h1>{marked(paragraphs(1, 16))}{definitions}</div>{FOOTER}"
    )


def test_a_recipe_that_only_a_script_shows_is_read_from_its_description() -> None:
    about = [
        {
            "@type": "Recipe",
            "name": "Plum &amp; rye",
            "recipeIngredient": ["plums", "rye"],
            "recipeInstructions": [{"text": "<p>Stir.</p>"}],
        }
    ]
    document = html.read(
        page(
            f"<script type='application/ld+json'>{json.dumps(about)}</script><div id='app'></div>"
        ),
        "html",
    )
    assert document.text == "Plum & rye\n\n- plums\n- rye\n\nStir."


@pytest.mark.parametrize(
    "source", ["{", "[" * 100_000, "[1, null, {}]", '{"@graph": [{"mainEntity": {"text": 3}}]}']
)
def test_a_description_that_is_none_is_left_alone(source: str) -> None:
    document = html.read(
        page(f"<script type='application/ld+json'>{source}</script><p>Seen</p>"), "html"
    )
    assert document.text == "Seen"


def test_control_characters_are_no_part_of_a_page() -> None:
    page = b'<body>\x01first\x0c<ul class="nav"><li><a href="/">Home</a></ul>\x02second</body>'
    assert html.read(page, "html").text.split() == ["first", "second"]


# ---- content, whatever its place is called ------------------------------------------------------

_LONG = "".join(
    f"<p>The record of year {year} tells how the keepers measured the silt beside the wharf, and "
    "what the carters were paid for each load that they took up to the fields.</p>"
    for year in range(1900, 1950)
)
_MENU = "<nav>" + "".join(f'<a href="/{n}">Point {n}</a> ' for n in range(30)) + "</nav>"


def _text(body: str) -> str:
    return extract(f"<html><body>{body}</body></html>".encode(), "a.html").text


def test_a_box_is_judged_by_what_it_says_and_not_by_its_name() -> None:
    hours = (
        '<div class="sidebar"><h2>Opening hours</h2><p>Tuesday to Sunday, nine to five</p></div>'
    )
    links = (
        '<div class="sidebar"><h2>Most read</h2><ul><li><a href="/x">The eel</a></li></ul></div>'
    )
    text = _text(f"{_MENU}<main><h1>Wharf</h1>{_LONG}</main>{hours}{links}")
    assert text.endswith("Opening hours\n\nTuesday to Sunday, nine to five")
    assert "eel" not in text
    assert "Point 3" not in text


def test_a_wrapper_named_after_a_sidebar_is_none() -> None:
    page = f'{_MENU}<div class="content-with-sidebar"><h1>Wharf</h1>{_LONG}</div>'
    assert "year 1949" in _text(page)


def test_comments_and_sections_after_the_article_are_kept_and_lists_that_lead_away_are_not() -> (
    None
):
    after = (
        '<div class="comments"><p>The heronry moved.</p></div></article>'
        '<div class="more"><h2>More news</h2><ul><li><a href="/n">Eels are late</a></li></ul></div>'
    )
    text = _text(f"{_MENU}<article><h1>Wharf</h1>{_LONG}{after}")
    assert text.endswith("The heronry moved.")


def test_frames_and_shadow_roots_that_a_page_keeps_are_read_in_their_place() -> None:
    frame = "<iframe srcdoc='&lt;p&gt;The tide table.&lt;/p&gt;'></iframe>"
    card = '<my-card><template shadowrootmode="open"><p>The eel trap.</p></template></my-card>'
    unseen = "<template><p>Not shown.</p></template>"
    assert _text(f"<p>One.</p>{frame}{card}{unseen}") == "One.\n\nThe tide table.\n\nThe eel trap."


def test_pictures_drawings_formulas_captions_and_readings_say_what_they_show() -> None:
    assert _text(
        "<p>Pictures.</p><img alt='Diagram of the sluice'><img alt='IMG_1234.jpg'>"
        "<a href='/x'><img alt='Read all of it'></a>"
        "<figure><img alt='An otter'><figcaption>An otter, in May</figcaption></figure>"
        "<svg><title>Flow chart</title><text>Millpond level</text></svg>"
        "<svg><title>Close the menu</title></svg>"
        "<p>So <math alttext='E=mc^2'><mi>E</mi></math> holds.</p>"
        "<table><caption>Depths</caption><tr><td>Alder</td><td>3</td></tr></table>"
        "<p><ruby>東京<rp>(</rp><rt>とうきょう</rt></ruby>の水門</p>"
    ).split("\n\n") == [
        "Pictures.",
        "Diagram of the sluice",
        "An otter, in May",
        "Flow chart\nMillpond level",
        "So E=mc^2 holds.",
        "Depths\nAlder | 3",
        "東京の水門 (とうきょう)",
    ]


def test_a_page_that_needs_scripts_says_what_it_says_without_them() -> None:
    app = "<div id=app></div>"
    assert _text(f"<noscript><p>The ferry leaves at nine.</p></noscript>{app}") == (
        "The ferry leaves at nine."
    )
    with pytest.raises(FileFailed):
        _text(f"<noscript><p>Please enable JavaScript.</p></noscript>{app}")


def test_what_is_left_out_of_a_page_is_counted() -> None:
    page = f"<html><body>{_MENU}<main>{_LONG}</main></body></html>"
    found = extract(page.encode(), "a.html").metadata["left_out"]
    assert found == "menus and links beside the text: 259 characters"


@pytest.mark.parametrize(
    ("after", "kept"),
    [
        (
            "<section id=c><h2>Comments</h2><p>A reader saw the heronry move.</p></section>",
            "heronry",
        ),
        ("<div><h2>Open</h2><p>Tuesday to Sunday 9-17</p></div>", "9-17"),
        ("<dl><dt>staithe</dt><dd>a landing stage for boats</dd></dl>", "staithe"),
        ("<table><caption>Depths</caption><tr><td>Alder</td><td>3</td></tr></table>", "Depths"),
    ],
)
def test_what_follows_an_article_and_says_something_is_kept(after: str, kept: str) -> None:
    assert kept in _text(f"{_MENU}<main><article><h1>Wharf</h1>{_LONG}</article>{after}</main>")


PROSE = (
    "".join(
        f"<p>The {part} of the old ferry was tarred in spring, and the keeper wrote down every crossing "
        "in a book that is still kept in the parish chest behind the organ.</p>"
        for part in ("hull", "deck", "rudder", "mast", "keel", "bell", "oars", "sails")
    )
    * 5
)
FOOT = "<ul><li><a href=/a>About</a></li><li><a href=/b>Jobs</a></li></ul><p>© 2019 Ferry House</p>"


@pytest.mark.parametrize(
    "contact",
    [
        "Ferry House, Quay Street 7, 12345 Quillham",
        "Telephone 0123 456789",
        "Open daily from 8 to 20, on Sundays 10:00 - 12:00",
        "1625 Quay Street, Fenland 20006 | 202-628-8500",
    ],
)
@pytest.mark.parametrize("foot", ["footer", "div class=site-footer", "div class=share-box"])
def test_the_foot_of_a_page_is_kept_where_it_tells_an_address_or_hours(
    contact: str, foot: str
) -> None:
    page = f"<main><h1>Ferry</h1>{PROSE}</main><{foot}><p>{contact}</p>{FOOT}</{foot.partition(' ')[0]}>"
    text = extract(page.encode(), "a.html").text
    assert text.endswith(f"behind the organ.\n\n{contact}")


def test_a_section_of_its_own_after_the_article_is_kept() -> None:
    page = f"<div><h1>Ferry</h1>{PROSE}</div><section><h2>Heronry</h2><p>It moved upstream.</p>"
    assert extract(page.encode(), "a.html").text.endswith("Heronry\n\nIt moved upstream.")


def test_teasers_of_other_pages_after_the_article_are_left_out() -> None:
    teaser = "<h3><a href=/{0}>Page {0}</a></h3><p>What the other page {0} tells of the town.</p>"
    teasers = "".join(teaser.format(number) for number in range(3))
    page = f"<main><h1>Ferry</h1>{PROSE}<div class=related>{teasers}</div></main>"
    assert "other page" not in extract(page.encode(), "a.html").text


@pytest.mark.parametrize(
    ("attributes", "marks"),
    [
        ("", "1. 2. 9. 10."),
        ('start="5"', "5. 6. 9. 10."),
        ("type=a", "a. b. i. j."),
        ("type=I reversed", "IV. III. IX. VIII."),
        ('style="list-style: lower-roman inside"', "i. ii. ix. x."),
        ('style="list-style-type:none"', "- - - -"),
    ],
)
def test_the_items_of_a_list_have_the_numbers_that_its_reader_sees(
    attributes: str, marks: str
) -> None:
    text = _text(
        f"<ol {attributes}><li>Alder<ul><li>Wet</li></ul></li><li></li><li value=9>Elm</li><li>Ash</li></ol>"
    )
    first, _, third, last = marks.split()
    assert text == f"{first} Alder\n- Wet\n{third} Elm\n{last} Ash"


def test_a_box_of_few_letters_is_kept_where_it_tells_figures_below_a_heading() -> None:
    boxes = "".join(
        f'<aside class="sidebar"><h3>{head}</h3><p>{said}</p></aside>'
        for head, said in (("Open", "Mon-Fri 9-17<br>Sat 10-12"), ("Find", "us on the Web"))
    )
    text = _text(f"{_MENU}<main><h1>Wharf</h1>{_LONG}</main>{boxes}")
    assert text.endswith("Open\n\nMon-Fri 9-17\nSat 10-12")


def test_what_several_pictures_or_the_title_say_is_said_once() -> None:
    pictures = "<p><img alt='The ferry at the quay'></p>" * 3 + "<img alt='The old ferry house'>"
    page = f"<h1>The old ferry house</h1>{pictures}<p>Words</p>"
    text = extract(page.encode(), "a.html").text
    assert text == "The old ferry house\n\nThe ferry at the quay\n\nWords"


def test_soft_hyphens_are_not_in_the_words_of_a_page() -> None:
    page = "<p>Was&shy;ser&shy;werk</p><ul><li>Kraft\xadwerk</li></ul>"
    assert extract(page.encode(), "a.html").text == "Wasserwerk\n\n- Kraftwerk"


def test_a_saved_page_of_frames_alone_has_their_text_however_short() -> None:
    page = (
        "MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=B\r\n\r\n--B\r\n"
        "Content-Type: text/html\r\nContent-Location: file:///a.htm\r\n\r\n"
        "<frameset><frame src=s.htm><noframes>Uses frames.</noframes></frameset>\r\n--B\r\nContent-Type: text/html\r\n"
        "Content-Location: file:///s.htm\r\n\r\n<p>Fenders: 12</p>\r\n--B--\r\n"
    )
    assert extract(page.encode(), "a.mht").text == "Fenders: 12"


def test_lists_of_links_below_headings_of_a_short_article_are_its_text() -> None:
    body = "<div><h1>Fenland</h1><p>The fens were drained by nine generations of keepers and pumps.</p>"
    body += "<h2>Sights</h2><ul><li><a href=/t>Tollhouse</a></li><li><a href=/g>Gasworks</a></li></ul></div>"
    menu = "".join(f"<li><a href=/m{at}>Menu {at}</a></li>" for at in range(9))
    document = extract(f"<body>{body}<footer><ul>{menu}</ul></footer></body>".encode(), "a.html")
    assert document.text.endswith("Sights\n\n- Tollhouse\n- Gasworks")


def test_a_formula_of_a_page_is_read_where_it_stands_and_once() -> None:
    formula = "<math><mi>volume</mi><mo>=</mo><mfrac><mi>radius</mi><mi>height</mi></mfrac></math>"
    drawn = f"<span class=katex-mathml>{formula}</span><span class=katex-html>volume=rh</span>"
    page = f"<p>The {drawn} holds.</p><table><tr><td>cell</td><td>{formula}</td></tr></table>"
    assert extract(f"<body>{page}</body>".encode(), "a.html").text == (
        "The volume = radius/height holds.\n\ncell | volume = radius/height"
    )


def test_drawings_and_places_on_a_map_are_said_to_show_what_their_labels_say() -> None:
    page = '<p>Weirs.</p><svg role="img" aria-label="Chart of the pond"><path/></svg>'
    page += '<map><area alt="Upper weir with a ladder" href="#u"></map>'
    page += '<svg role="img" aria-label="Chart of eels"><text>May</text></svg><svg aria-label="A sign"/>'
    assert extract(f"<body>{page}</body>".encode(), "a.html").text == (
        "Weirs.\n\nChart of the pond\n\nUpper weir with a ladder\n\nChart of eels\nMay"
    )


def test_lists_nested_without_end_give_no_more_than_they_say() -> None:
    assert len(_text("<ol><li>reed " * 2_000)) < 20_000
