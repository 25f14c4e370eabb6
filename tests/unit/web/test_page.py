"""What the page's addresses answer, of a corpus in memory, without a browser."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest

from searchapp.corpus import Corpus
from searchapp.search.query import Query
from searchapp.testing import HashEncoder, MemoryBackend
from searchapp.web.page import PARAMETERS
from searchapp.web.problems import BUSY_S
from tests.builders.asgi import HOST, Served
from tests.builders.house import HereCorpus


def text_of(served: Served, address: str) -> str:
    return served.ask(address).body.decode()


def first_match(served: Served, question: str) -> str:
    return text_of(served, f"/?q={question}").partition('data-read="')[2].partition('"')[0]


def test_the_page_and_its_parts_show_the_same(served: Served) -> None:
    page = text_of(served, "/?q=lamp")
    assert page.startswith("<!doctype html>")
    assert "The lamp" in page
    whole, part = (
        re.findall(r'<li class="match".*?</li>', text, re.DOTALL)
        for text in (page, text_of(served, "/fragments/search?q=lamp"))
    )
    assert whole == part != []
    match = first_match(served, "lamp")
    read = text_of(served, f"/fragments/reading?q=lamp&match={match}")
    assert read.startswith('<section id="reading"')
    assert read.strip() in text_of(served, f"/?q=lamp&match={match}")


def test_every_link_of_the_page_leads_somewhere(served: Served) -> None:
    match = first_match(served, "dawn")
    page = text_of(served, f"/?q=dawn&match={match}&why=1")
    links = {html.unescape(link) for link in re.findall(r'(?:href|src)="(/[^"]*)"', page)}
    assert len(links) > 15
    for link in links:
        assert served.ask(link.partition("#")[0]).status == 200, link


@pytest.mark.parametrize(
    ("address", "status", "said"),
    [
        ("/?q=lamp&since=someday", 400, "Since: &#39;someday&#39; is not a date."),
        ("/?q=lamp&shape=round", 400, "There is no option"),
        ("/?q=lamp&mode=magic", 400, "Mode cannot be"),
        ("/?q=lamp&in=relative", 400, "In cannot be &#39;relative&#39;."),
        ("/?match=99999", 404, "There is no passage 99999."),
        ("/fragments/reading?match=99999", 404, "There is no passage 99999."),
    ],
)
def test_what_is_wrong_stands_in_the_page_with_its_status(
    served: Served, address: str, status: int, said: str
) -> None:
    reply = served.ask(address)
    assert (reply.status, reply.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert said in reply.body.decode()
    assert 'role="alert"' in reply.body.decode()


def test_a_server_that_is_busy_says_when_to_ask_again(corpus: Corpus) -> None:
    served = Served(corpus, most_waiting=-2)
    reply = served.ask("/?q=lamp")
    assert reply.status == 503
    assert reply.headers["retry-after"] == str(BUSY_S)
    assert "Too many questions at once" in reply.body.decode()
    served.workers.close()


def test_a_failure_of_the_server_is_a_page_too(corpus: Corpus) -> None:
    class Failing(HereCorpus):
        def query(self, *_: Any, **__: Any) -> Any:
            raise RuntimeError("a secret of the house")

    served = Served(Failing(corpus.backend, encoder=HashEncoder(dim=512)))
    reply = served.ask("/?q=lamp")
    assert reply.status == 500
    assert "The server failed." in reply.body.decode()
    assert "secret" not in reply.body.decode()
    served.workers.close()


def test_reading_one_match_after_another_asks_once(corpus: Corpus) -> None:
    class Counting(HereCorpus):
        asked = 0

        def query(self, question: Any = (), **options: Any) -> Any:
            self.asked += isinstance(question, Query)
            return super().query(question, **options)

    counting = Counting(corpus.backend, encoder=HashEncoder(dim=512))
    served = Served(counting)
    for match in re.findall(r'data-read="(\d+)"', text_of(served, "/?q=dawn")):
        assert served.ask(f"/fragments/reading?q=dawn&match={match}").status == 200
    assert counting.asked == 1
    counting.ingest()  # nothing changed
    text_of(served, "/?q=dawn")
    assert counting.asked == 1
    served.workers.close()


def test_a_corpus_that_is_not_there_says_how_to_begin() -> None:
    served = Served(HereCorpus(MemoryBackend(), encoder=HashEncoder(dim=512)))
    assert "searchapp ingest" in text_of(served, "/")
    assert served.ask("/?q=lamp").status == 409
    served.workers.close()


def test_a_browser_that_is_not_let_in_is_told_so_in_a_page(served: Served) -> None:
    browser = [HOST, ("accept", "text/html,application/xhtml+xml,*/*;q=0.8")]
    for address, status, said in (
        ("/", 401, "<code>searchapp serve --open</code>"),
        ("/?code=old", 403, "This link has been used, or is too old."),
    ):
        reply = served.ask(address, headers=browser)
        assert (reply.status, reply.headers["content-type"]) == (status, "text/html; charset=utf-8")
        assert said in reply.body.decode()
        assert "default-src 'none'" in reply.headers["content-security-policy"]
        assert served.ask(address, headers=[HOST]).json["status"] == status
    assert served.ask("/", headers=browser).headers["www-authenticate"] == "Bearer"


def test_the_map_leads_from_each_point_to_its_passage(served: Served) -> None:
    reply = served.ask("/map")
    assert reply.status == 200
    data = json.loads(re.findall(r'type="application/json">(.*?)</script>', reply.body.decode())[0])
    assert len(data["at"]) == 4
    for document, at in zip(data["document"], data["at"], strict=True):
        link = data["documents"][document][2] + at
        assert re.fullmatch(r"/\?match=\d+#here", link)
        assert served.ask(link.partition("#")[0]).status == 200
    assert "style=" not in reply.body.decode()
    assert served.ask("/map").body == reply.body


def test_only_the_files_of_the_page_are_served_and_they_may_be_kept(served: Served) -> None:
    for name, kind in (("search.js", "text/javascript"), ("base.css", "text/css")):
        reply = served.ask(f"/static/{name}?v")
        assert reply.status == 200
        assert reply.headers["content-type"].startswith(kind)
        assert "immutable" in reply.headers["cache-control"]
    for name in ("page.py", "..%2fpage.py", "pair.js", ".."):
        assert served.ask(f"/static/{name}").status in (400, 404), name


def test_a_page_never_names_a_path_to_read(served: Served, folder: Path) -> None:
    assert "path" not in PARAMETERS
    page = text_of(served, "/?q=lamp")
    assert 'data-do="refresh"' in page
    assert str(folder.parent) not in re.sub(r"<[^>]*>", "", page.partition("Cite as")[0])
