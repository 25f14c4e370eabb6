"""What the API gives, of a corpus in memory."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

import pytest

from searchapp.corpus import Corpus
from searchapp.search.query import Query, QueryOptions
from searchapp.search.query_options import IN_REQUESTS
from searchapp.testing import HashEncoder, MemoryBackend
from searchapp.types.filters import FilterOptions
from searchapp.web.api import ENDPOINTS
from searchapp.web.schemas import SCHEMAS
from tests.builders.asgi import Served
from tests.builders.house import HereCorpus

API = "/api/v1"


def test_a_search_gives_the_answer_of_the_library_with_an_excerpt(
    served: Served, corpus: Corpus
) -> None:
    said = served.ask(f"{API}/search?q=lamp+dusk&k=2").json
    answer = corpus.query("lamp dusk", k=2)
    assert [match["id"] for match in said["matches"]] == [
        match.passage_id for match in answer.matches
    ]
    assert said["matches"][0]["excerpt"]["text"].startswith("The lamp of the quay")
    assert said["matches"][0]["excerpt"]["marks"][0] == [4, 8]
    assert said["generation"] == answer.generation


def test_json_and_address_say_the_same(served: Served, folder: Path) -> None:
    said = {"q": "dawn", "k": 3, "in": [f"{folder}/kitchen"], "mode": "keyword", "copies": True}
    address = f"{API}/search?q=dawn&k=3&in={folder}/kitchen&mode=keyword&copies=true"
    by_json, by_address = served.ask(f"{API}/search", said).json, served.ask(address).json
    assert by_json["matches"] == by_address["matches"] != []


def test_facets_count_the_best_documents(served: Served, folder: Path) -> None:
    facets = served.ask(f"{API}/search?q=dawn&k=1&facets=type&facets=folder").json["facets"]
    assert facets["type"] == [{"value": "md", "count": 3}, {"value": "txt", "count": 1}]
    assert facets["folder"] == [
        {"value": f"{folder}/harbour", "count": 2},
        {"value": f"{folder}/kitchen", "count": 2},
    ]


@pytest.mark.parametrize(
    ("query", "code", "says"),
    [
        ("q=a&kk=3", "usage", "did you mean k?"),
        ("q=a&k=0", "usage", "k cannot be 0"),
        ("q=a&k=101", "usage", "k cannot be 101"),
        ("q=a&k=x", "usage", "k is an integer"),
        ("q=a&k=1&k=2", "usage", "k is given twice"),
        ("q=a&min_confidence=nan", "usage", "min_confidence is a number"),
        ("q=a&exact=maybe", "usage", "exact is a flag"),
        ("q=a&mode=hybird", "usage", "did you mean hybrid?"),
        ("q=a&in=docs", "usage", "in cannot be 'docs'"),
        ("q=%00", "usage", "q cannot be"),
        ("q=+", "usage", "q cannot be"),
        ("", "usage", "q is missing"),
        ("q=a&since=soon", "bad_filter", "'soon' is not a date"),
    ],
)
def test_what_makes_no_sense_is_refused(served: Served, query: str, code: str, says: str) -> None:
    reply = served.ask(f"{API}/search?{query}")
    assert (reply.status, reply.json["code"]) == (400, code)
    assert says in reply.json["title"]
    assert reply.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "body", [b"[1]", b"{", b'{"q": NaN}', b'{"q": 1}', b'{"q": "a", "in": "x"}', b"[" * 100_000]
)
def test_json_that_is_none_is_refused(served: Served, body: bytes) -> None:
    assert served.ask(f"{API}/search", body).status == 400


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "said",
    [
        {"q": "a" * 500_000 + "\0"},
        {"q": " " * 500_000 + "\0"},
        {"q": "a", "where": ["a" * 500_000]},
        {"q": "a", "where": ["a=" + " " * 500_000]},
        {"q": "a", "in": ["a" * 500_000 + "*\0"]},
        {"q": "a", "type": ["." * 500_000]},
        {"q": "a", "type": [",".join(["a"] * 250_000) + ","]},
    ],
    ids=["nul", "blank", "where", "where nothing", "glob", "dots", "types"],
)
def test_a_long_text_that_makes_no_sense_is_refused_in_one_look(
    served: Served, said: dict[str, object]
) -> None:
    assert served.ask(f"{API}/search", said).status == 400


def test_dates_with_nothing_between_them_give_nothing_and_say_so(served: Served) -> None:
    said = served.ask(f"{API}/search?q=lamp&since=2025&before=2024").json
    assert said["matches"] == []
    assert any("nothing is from 2025 on and before 2024" in note for note in said["notes"])


def test_the_same_question_of_the_same_corpus_is_told_so(served: Served) -> None:
    first = served.ask(f"{API}/search?q=lamp")
    tag = ("if-none-match", first.headers["etag"])
    headers = [("host", "127.0.0.1:8765"), ("authorization", f"Bearer {served.access.token}"), tag]
    again = served.ask(f"{API}/search?q=lamp", headers=headers)
    assert (again.status, again.body) == (304, b"")


def test_a_corpus_that_was_made_anew_is_another_one_at_the_same_generation(tmp_path: Path) -> None:
    def tag() -> str:
        corpus = HereCorpus(MemoryBackend(), encoder=HashEncoder())
        corpus.ingest([tmp_path])
        served.service.corpus = corpus
        return served.ask(f"{API}/search?q=lamp").headers["etag"]

    (tmp_path / "a.txt").write_text("one lamp")
    served = Served(HereCorpus(MemoryBackend(), encoder=HashEncoder()))
    first, second = tag(), tag()
    assert first.rpartition("-")[2] == second.rpartition("-")[2]
    assert first != second
    served.workers.close()


def test_a_passage_stands_between_its_neighbours(served: Served) -> None:
    found = served.ask(f"{API}/search?q=lamp+dusk&k=1").json["matches"][0]
    context = served.ask(f"{API}/passages/{found['id']}").json
    assert context["passage"]["text"] == found["text"]
    assert context["document"]["id"] == found["document_id"]
    assert context["citation"].startswith("The lamp, ")
    assert context["citation"].endswith("harbour/lamp.md")


def test_why_is_what_explain_says_of_the_same_passage(served: Served, corpus: Corpus) -> None:
    best = corpus.query(Query.parse("lamp dusk", shares=True)).matches[0]
    why = served.ask(f"{API}/passages/{best.passage_id}/why?q=lamp+dusk").json
    assert why["shares"]["words"] == [list(word) for word in best.shares.words]  # type: ignore[union-attr]
    assert (why["rank"], why["cosine"]) == (1, round(best.cosine or 0, 6))


def test_what_is_like_a_passage_is_of_other_documents(served: Served) -> None:
    said = served.ask(f"{API}/passages/1/similar?k=3").json
    assert 1 not in [match["id"] for match in said["matches"]]
    assert len(said["matches"]) == 3


def test_documents_are_listed_page_by_page(served: Served, corpus: Corpus) -> None:
    listed: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = served.ask(f"{API}/documents?limit=3&cursor={cursor}").json
        listed += [row["path"] for row in page["documents"]]
        cursor = page["cursor"]
    assert listed == [row.path.decode() for row in corpus.documents()]


def test_a_part_of_a_text_is_given(served: Served) -> None:
    document = served.ask(f"{API}/search?q=lamp+dusk&k=1").json["matches"][0]["document_id"]
    whole = served.ask(f"{API}/documents/{document}/text").json["text"]
    part = served.ask(f"{API}/documents/{document}/text?from=4&to=8").json
    assert part == {"text": whole[4:8], "from": 4, "to": 8}


@pytest.mark.parametrize("place", ["documents/999", "passages/999", "passages/999/why?q=a"])
def test_what_never_was_is_missing(served: Served, place: str) -> None:
    assert served.ask(f"{API}/{place}").status == 404


def test_what_has_left_is_gone(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one lamp")
    corpus = HereCorpus(MemoryBackend(), encoder=HashEncoder())
    corpus.ingest([tmp_path])
    served = Served(corpus)
    number = served.ask(f"{API}/search?q=lamp").json["matches"][0]["id"]
    corpus.remove([str(tmp_path)])
    reply = served.ask(f"{API}/passages/{number}")
    assert (reply.status, reply.json["code"]) == (410, "gone")
    served.workers.close()


@pytest.mark.parametrize(
    "address",
    [
        "/api/v1/documents/../../etc/passwd",
        "/static/..%2f..%2fetc/passwd",
        "/api/v1/documents/-1",
        "/api/v1/documents/1%00",
        f"/api/v1/documents/{'9' * 5000}",
        f"/api/v1/documents/1/pages/{'9' * 5000}.png",
    ],
)
def test_no_address_is_a_path(served: Served, address: str) -> None:
    assert served.ask(address).status in (400, 404)


def test_the_original_is_given_as_bytes_to_save(served: Served, folder: Path) -> None:
    document = served.ask(f"{API}/search?q=name&k=1").json["matches"][0]["document_id"]
    reply = served.ask(f"{API}/documents/{document}/original")
    assert reply.body == (folder / "kitchen/<script>.txt").read_bytes()
    assert reply.headers["content-type"] == "application/octet-stream"
    assert reply.headers["content-disposition"] == "attachment; filename*=UTF-8''%3Cscript%3E.txt"


def test_a_server_that_only_reads_begins_no_ingest(corpus: Corpus) -> None:
    served = Served(corpus, read_only=True)
    assert served.ask(f"{API}/ingest", {}).json["code"] == "unsupported"
    assert served.ask(f"{API}/status").json["read_only"] is True


def test_an_ingest_is_begun_once_and_says_how_it_ended(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on = threading.Event()
    ingest = served.service.corpus.ingest

    def waiting(*paths: Any, **options: Any) -> Any:
        goes_on.wait(10)
        return ingest(*paths, **options)

    monkeypatch.setattr(served.service.corpus, "ingest", waiting)
    assert served.ask(f"{API}/ingest", {}).status == 202
    assert served.ask(f"{API}/ingest", {}).json["code"] == "corpus_locked"
    goes_on.set()
    served.service.ingests.end(within_s=10)
    assert served.ask(f"{API}/status").json["ingest"]["state"] in ("done", "stopped")


def test_questions_beyond_those_that_may_wait_are_told_to_come_again(corpus: Corpus) -> None:
    served = Served(corpus, most_waiting=0)
    hold = threading.Event()

    async def crowd() -> list[int]:
        held = [asyncio.create_task(served.workers.run(_Staying(), hold.wait)) for _ in range(2)]  # type: ignore[arg-type]
        await asyncio.sleep(0)
        refused = await served.reply(f"{API}/search?q=lamp")
        hold.set()
        await asyncio.gather(*held)
        accepted = await served.reply(f"{API}/search?q=lamp")
        assert refused.headers["retry-after"] == "1"
        return [refused.status, accepted.status]

    assert asyncio.run(crowd()) == [503, 200]
    served.workers.close()


def test_a_question_whose_client_has_left_is_not_begun() -> None:
    from searchapp.web.workers import ClientLeft, Workers

    workers, hold, begun = Workers(1), threading.Event(), []

    async def leaving() -> None:
        first = asyncio.create_task(workers.run(_Staying(), hold.wait))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        with pytest.raises(ClientLeft):
            await workers.run(_Leaving(), lambda: begun.append(1))  # type: ignore[arg-type]
        hold.set()
        await first

    asyncio.run(leaving())
    workers.close()
    assert begun == []


def test_an_unforeseen_failure_is_an_answer_too(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> None:
        raise RuntimeError("not thought of")

    monkeypatch.setattr(served.service.corpus, "query", broken)
    reply = served.ask(f"{API}/search?q=lamp")
    assert (reply.status, reply.json["code"], reply.json["detail"]) == (
        500,
        "internal",
        "RuntimeError",
    )


# ---- the table of options, and the description made of it ----------------------------------------


def test_the_options_of_requests_are_those_of_the_library() -> None:
    known = {*QueryOptions.__annotations__, *FilterOptions.__annotations__}
    assert {option.keyword for option in IN_REQUESTS.values()} <= known


def test_the_description_names_every_endpoint_and_every_option(served: Served) -> None:
    described = served.ask("/openapi.json").json
    assert described["openapi"] == "3.1.0"
    assert set(described["paths"]) == {API + endpoint.path for endpoint in ENDPOINTS}
    search = described["paths"][f"{API}/search"]
    named = {parameter["name"] for parameter in search["get"]["parameters"]}
    assert named == {"q", *IN_REQUESTS}
    assert (
        set(search["post"]["requestBody"]["content"]["application/json"]["schema"]["properties"])
        == named
    )


@pytest.mark.parametrize(
    ("target", "schema"),
    [
        ("search?q=lamp", "Answer"),
        ("passages/1", "PassageContext"),
        ("passages/1/why?q=lamp", "Match"),
        ("documents", "Documents"),
        ("documents/1", "OpenDocument"),
        ("documents/1/text", "Text"),
        ("status", "Status"),
        ("documents/999", "Problem"),
    ],
)
def test_answers_are_as_described(served: Served, target: str, schema: str) -> None:
    said = served.ask(f"{API}/{target}").json
    assert set(SCHEMAS[schema]["required"]) <= set(said)
    json.dumps(said)


class _Staying:
    async def receive(self) -> dict[str, str]:
        await asyncio.Event().wait()
        return {}


class _Leaving:
    async def receive(self) -> dict[str, str]:
        return {"type": "http.disconnect"}
