"""The page of a served corpus, as it is made of values: what it shows, and that no text gets out of
hand in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from html.parser import HTMLParser
from itertools import product
from typing import Any

import pytest

from searchapp.output.html.marked_text import segments
from searchapp.output.html.page import asset
from searchapp.output.html.search_address import SearchAddress
from searchapp.output.html.search_page import (
    PageProblem,
    SearchView,
    reading_fragment,
    search_fragment,
    search_html,
)
from searchapp.output.html.search_reading import ReadingView, citation
from searchapp.output.html.shown_paths import ShownPaths
from searchapp.types.documents import DocumentRow, Hit, Label, Passage, Root
from searchapp.types.results import (
    Answer,
    CosineShares,
    LegScore,
    Match,
    OpenDocument,
    PageBoxes,
    PassageContext,
    Status,
    WordShare,
)
from tests.builders.answers import ANSWER, GUIDE, NO_MATCH, PAPER
from tests.unit.output.test_map_page import contrast

HARM = "</script><script>1</script><img src=x onerror=1>\"'\u2028\u202e\u2066\x00\x1b\ufffe"
STATUS = Status("/c", 7, 1_200, 9_000, 2, 1, 0, None, (Root(b"/docs"),), (), (), 1, 1, "current", 0)
NOW = 3 * 3600 * 10**9
ASKED = SearchAddress(q="oil")


class Page(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def links(self) -> list[str]:
        return [str(at["href"]) for tag, at in self.elements if tag == "a"]


def reading(hit: Hit = GUIDE, **changes: Any) -> ReadingView:
    row = DocumentRow(hit.path, hit.title, hit.type, 3, 10, 0, False, False)
    document = OpenDocument(row, changes.pop("metadata", {}), 7, b"")
    before, after = changes.pop("before", ()), changes.pop("after", ())
    return ReadingView(PassageContext(hit, before, after, document), **changes)


def view(**changes: Any) -> SearchView:
    usual: dict[str, Any] = {"address": ASKED, "status": STATUS, "now_ns": NOW, "answer": ANSWER}
    return SearchView(**usual | changes)


def neighbour(number: int) -> Hit:
    return replace(GUIDE, passage_id=number, text=f"passage {number}")


# ---- the address is the state --------------------------------------------------------------------


def test_an_address_says_all_that_is_not_as_by_default_and_reads_back_the_same() -> None:
    assert SearchAddress().href() == "/"
    address = SearchAddress(q="a & b", in_=("/x",), type_=("pdf", "md"), match=7, why=True)
    assert address.href() == "/?q=a+%26+b&in=%2Fx&type=pdf&type=md&match=7&why=1"
    said = {"q": "a & b", "in": ["/x"], "type": ["pdf", "md"], "match": 7, "why": True}
    assert SearchAddress.of(said) == address


def test_a_value_of_a_facet_is_toggled_and_no_match_is_read_then() -> None:
    address = SearchAddress(q="a", type_=("pdf",), match=3, k=30)
    assert address.toggled("type", "md") == "/?q=a&type=pdf&type=md"
    assert address.toggled("type", "pdf") == "/?q=a"
    assert address.toggled("year", "2024") == "/?q=a&type=pdf&since=2024&before=2025"
    assert SearchAddress(since="2024", before="2025").toggled("year", "2024") == "/"


def test_a_path_is_shown_from_its_root_on() -> None:
    paths = ShownPaths([Root(b"/home/me/docs"), Root(b"/home")])
    assert paths.path(b"/home/me/docs/a/b.md") == "docs/a/b.md"
    assert paths.folder(b"/home/me/docs/a/b.md") == "docs/a"
    assert paths.path(b"/home/other.md") == "home/other.md"
    assert paths.path(b"/else/\x1b.md") == r"/else/\x1b.md"


def test_marks_that_overlap_cut_a_text_once_at_each_of_their_ends() -> None:
    parts = segments("abcdef", [(1, 4, "x"), (3, 5, "y"), (9, 12, "z")])
    assert parts == [("a", ""), ("bc", "x"), ("d", "x y"), ("e", "y"), ("f", "")]


# ---- what is shown -------------------------------------------------------------------------------


def test_a_first_visit_says_how_much_there_is_and_how_to_ask() -> None:
    text = Page(search_html(view(address=SearchAddress(), answer=None))).text
    assert "Ask 1,200 documents" in text
    assert "title:manual" in text
    assert "read 3 h ago" in text
    assert "2 documents not searched by meaning yet" in text
    assert "1 document out of date" in text
    assert "generation 7" in text


def test_a_match_says_where_it_stands_and_how_sure_it_is() -> None:
    page = Page(search_html(view()))
    for said in ("2 matches", "Guide", "docs", "lines 10-11", "Engine › Oil", "likely", "0.90"):
        assert said in page.text
    assert "paper.pdf" in page.text
    assert "/?q=oil&match=7#here" in page.links()
    marked = [at.get("class") for tag, at in page.elements if tag == "mark"]
    assert marked == ["word", "word"]  # check, oil


def test_doubt_is_said_above_the_matches_once() -> None:
    note = "perhaps nothing here answers this: the best confidence is 0.08"
    answer = replace(ANSWER, notes=(note, '"oyl" stands in no document'))
    text = Page(search_html(view(answer=answer))).text
    assert text.count("Perhaps nothing here answers this. The best confidence is 0.08.") == 1
    assert '"oyl" stands in no document.' in text


def test_no_match_offers_what_may_find_one() -> None:
    address = SearchAddress(q="void", mode="keyword", type_=("pdf",))
    page = Page(search_html(view(address=address, answer=NO_MATCH)))
    assert "No match" in page.text
    assert "/?q=void&type=pdf" in page.links()
    assert "/?q=void&mode=keyword" in page.links()


def test_an_error_stands_where_the_matches_would() -> None:
    problem = PageProblem("bad_filter", "--since: 'x' is not a date", "write it as 2024")
    page = Page(search_html(view(answer=None, problem=problem)))
    assert "Since: 'x' is not a date." in page.text
    assert "Write it as 2024." in page.text


def test_facets_are_links_with_counts_and_chosen_ones_stay() -> None:
    facets = {"type": (("pdf", 4), ("md", 1)), "folder": (("/docs/a", 5),), "label": ()}
    page = Page(search_html(view(address=replace(ASKED, type_=("rst",)), facets=facets)))
    chosen = [at for tag, at in page.elements if tag == "a" and at.get("class") == "facet"]
    assert [at["title"] for at in chosen] == ["rst", "pdf", "md"]
    assert [at.get("aria-current") for at in chosen] == ["true", None, None]
    assert chosen[0]["href"] == "/?q=oil"
    hidden = [(at["name"], at["value"]) for tag, at in page.elements if at.get("type") == "hidden"]
    assert hidden == [("type", "rst")]


def test_a_passage_is_read_between_its_neighbours_with_a_way_to_more() -> None:
    before, after = [neighbour(n) for n in (4, 5, 6)], [neighbour(8)]
    page = Page(reading_fragment(view(reading=reading(before=before, after=after))))
    assert "passage 4" not in page.text
    assert "passage 5" in page.text
    assert "passage 8" in page.text
    assert "/?q=oil&match=7&above=8#p5" in page.links()
    assert not [link for link in page.links() if "below=" in link]


def test_a_citation_has_all_that_is_known() -> None:
    known = {"author": "Ann\nLee", "date": "2024-03-11T10:00:00"}
    assert citation(PAPER, known) == "paper.pdf, Ann Lee, 2024-03-11, p. 12, /else/paper.pdf"
    assert citation(GUIDE, {}) == "Guide, lines 10-11, /docs/guide.md"


def test_the_other_matches_of_a_document_are_next_and_previous_in_the_order_of_the_text() -> None:
    other = replace(GUIDE, passage_id=8, passage=Passage(0, 9))
    matches = (*ANSWER.matches, Match(3, 0.1, 0.1, {}, other))
    page = Page(reading_fragment(view(answer=replace(ANSWER, matches=matches), reading=reading())))
    assert "2 of 2" in page.text
    assert page.links().count("/?q=oil&match=8#here") == 2


def test_why_shows_words_by_what_they_add_the_sentence_legs_and_parts() -> None:
    match = Match(
        0,
        0.9,
        0.5,
        {"cosine": LegScore(0.5, 1), "keyword": LegScore(6.25, 2)},
        GUIDE,
        parts={"cosine": 0.6, "keyword": 0.3},
        confidence=0.41,
        sentence=(0, 25),
        shares=CosineShares(0.5, 0.1, 0.1, (WordShare(10, 13, 0.2), WordShare(14, 19, 0.1))),
        highlights=((10, 13, 1.0), (14, 19, 0.5), (20, 25, 0.01)),
    )
    shown = view(address=replace(ASKED, why=True), reading=reading(explained=match))
    page = Page(reading_fragment(shown))
    classes = [at.get("class") for tag, at in page.elements if tag == "mark"]
    legend = [f"heat{level}" for level in range(1, 6)] + ["sentence"]
    text = ["sentence", "sentence heat5", "sentence", "sentence heat3", "sentence"]
    assert classes == legend + text
    for said in ("Meaning0.500 rank 1", "Words6.250 rank 2", "+0.600", "perhaps 0.41", "adds most"):
        assert said in re.sub(r"\s*\n\s*", "", page.text), said


def test_a_page_of_a_pdf_has_its_picture_and_the_boxes_of_the_passage() -> None:
    boxes = PageBoxes(600.0, 800.0, ((10.0, 20.0, 110.0, 40.0),), 12)
    address = replace(ASKED, match=9, tab="page")
    page = Page(reading_fragment(view(address=address, reading=reading(PAPER, page=boxes))))
    images = [at for tag, at in page.elements if tag == "image"]
    assert images == [{"href": "/api/v1/documents/4/pages/12.png", "width": "600", "height": "800"}]
    drawn = [at for tag, at in page.elements if tag == "rect" and "x" in at]
    assert drawn == [{"id": "here", "x": "10.0", "y": "20.0", "width": "100.0", "height": "20.0"}]
    assert "/?q=oil&match=9#here" in page.links()


# ---- no text gets out of hand --------------------------------------------------------------------


def hostile_views() -> Iterator[SearchView]:
    path = f"/docs/{HARM}".encode().replace(b"\0", b"")
    hit = replace(
        GUIDE,
        path=path,
        title=HARM,
        text=HARM,
        type=HARM,
        passage=Passage(0, 9, (HARM, HARM), (("sheet", HARM),)),
    )
    match = replace(ANSWER.matches[0], hit=hit, near_duplicates=(path,), sentence=(0, 9))
    answer = Answer(HARM, HARM, (HARM,), 1, (match,), 1.0, notes=(HARM,))
    address = SearchAddress(
        q=HARM, in_=(HARM,), type_=(HARM,), label=(HARM,), since=HARM, before=HARM, mode=HARM
    )
    facets = dict.fromkeys(("type", "folder", "label"), ((HARM, 2), ("x", 1)))
    known = {"author": HARM, "date": HARM}
    row = DocumentRow(path, HARM, HARM, 1, 1, 0, True, True, (Label(HARM),))
    context = PassageContext(hit, (hit,) * 4, (hit,) * 4, OpenDocument(row, known, 1, b""))
    read = ReadingView(context, explained=match, page_problem=HARM)
    problem = PageProblem(HARM, HARM, HARM)
    status = STATUS._replace(roots=(Root(path),))
    for shown in (None, read):
        yield SearchView(address, status, 0, answer, facets, shown, None, None)
    yield SearchView(address, status, 0, None, facets, None, problem, problem)


def plain(value: Mapping[str, str | None]) -> set[str]:
    return set(value) - {"aria-current", "hidden", "checked"}


@pytest.mark.parametrize("render", [search_html, search_fragment, reading_fragment])
def test_what_documents_hold_makes_no_element_and_no_attribute(render: Any) -> None:
    for shown in hostile_views():
        made = render(shown)
        page = Page(made)
        assert not [at for _, at in page.elements if any(name.startswith("on") for name in at)]
        assert not {tag for tag, _ in page.elements} & {"img", "iframe", "object", "style"}
        scripts = [at for tag, at in page.elements if tag == "script"]
        assert [at["src"] for at in scripts] == ["/static/search.js?"] * (render is search_html)
        assert not re.search("[\x00\x1b\u2028\u202e\u2066\ufffe\ud800-\udfff]", made)
        assert all(str(at.get("href", "/")).startswith(("/", "#")) for tag, at in page.elements), (
            "a link leads away"
        )


def test_the_page_asks_for_nothing_inline_and_nothing_elsewhere() -> None:
    for shown in (*hostile_views(), view(reading=reading())):
        page = Page(search_html(shown))
        assert not [at for _, at in page.elements if "style" in at]
        assert not [tag for tag, at in page.elements if tag == "script" and "src" not in at]
    script, style = asset("search.js"), asset("search.css")
    assert len(script.encode()) < 20_000
    assert not re.search(r"https?:", script + style)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b", script)


# ---- colours -------------------------------------------------------------------------------------


def colours(*, is_dark: bool) -> dict[str, str]:
    """The variables of the style, as the dark or the light page has them."""
    values: dict[str, str] = {}
    for name in ("base.css", "search.css"):
        dark = "".join(re.findall(r"dark\) \{(.*?)\n\}", asset(name), re.DOTALL))
        light = asset(name).replace(dark, "")
        for part in (light, dark) if is_dark else (light,):
            values |= dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6})", part))
    return {
        key: value if len(value) == 7 else f"#{value[1:]:}{value[1:]}"
        for key, value in values.items()
    }


@pytest.mark.parametrize("is_dark", [False, True])
def test_every_text_has_a_contrast_of_4_5_on_all_that_it_stands_on(is_dark: bool) -> None:
    colour = colours(is_dark=is_dark)
    papers = ("paper", "hold", "soft")
    pairs = [
        *product(("ink", "dim", "accent", "note"), papers),
        ("focus", "paper"),
        ("focus", "soft"),
    ]
    marks = ("mark", "sentence", "heat1", "heat2", "heat3", "heat4", "heat5")
    pairs += [*product(("ink",), marks), ("on-accent", "accent")]
    weak = {pair: contrast(colour[pair[0]], colour[pair[1]]) for pair in pairs}
    assert {pair: ratio for pair, ratio in weak.items() if ratio < 4.5} == {}
    assert contrast(colour["edge"], colour["paper"]) >= 3  # what controls are known by
