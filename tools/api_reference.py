"""Write the reference of the server's API from its table of endpoints: `python -m
tools.api_reference`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from searchapp.search.query_options import IN_REQUESTS, Option
from searchapp.web.api import BASE, ENDPOINTS, Endpoint
from searchapp.web.problems import statuses

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "api.md"
HEAD = """\
# API of the server

What `searchapp serve` answers to programs ([Serve other programs](../how-to/api.md) shows how).
The same table makes this page and the description that programs read, `/openapi.json` (OpenAPI
3.1). A GET takes its options in the address, each at most ten times, a POST takes them as an object
of JSON. Keys of answers are only ever added.

"""


def page() -> str:
    """The whole page."""
    codes = "\n".join(
        f"| {status} | {', '.join(map(_code, names))} |" for status, names in statuses()
    )
    return (
        f"{HEAD}"
        f"| address below `{BASE}` | gives |\n|---|---|\n"
        f"{''.join(map(_row, ENDPOINTS))}"
        "| `GET /events` | What the corpus is like now, and again when that changes: server-sent "
        "events. |\n\n"
        "`GET /health` says that the server lives, without a token.\n\n"
        f"## Options of a question\n\n{_options(IN_REQUESTS)}\n"
        f"## Other options\n\n{_options(_others())}\n"
        "## Problems\n\n"
        "What is wrong comes as `application/problem+json` (RFC 9457): `type`, `title`, `status`, "
        "`code`,\nand `detail`, which names the cure.\n\n"
        f"| status | codes |\n|---|---|\n{codes}\n"
    )


def _row(endpoint: Endpoint) -> str:
    names = [name for name, option in endpoint.options.items() if not _is_of_question(option)]
    takes = f" Takes {', '.join(map(_code, names))}" if names else ""
    asked = any(map(_is_of_question, endpoint.options.values()))
    rest = (
        (" and options of a question." if takes else " Takes options of a question.")
        if asked
        else ""
    )
    methods = ", ".join(endpoint.methods)
    ending = rest or ("." if takes else "")
    return f"| `{methods} {endpoint.path}` | {endpoint.summary}{takes}{ending} |\n"


def _others() -> Mapping[str, Option]:
    return {
        name: option
        for endpoint in ENDPOINTS
        for name, option in endpoint.options.items()
        if not _is_of_question(option)
    }


def _is_of_question(option: Option) -> bool:
    return IN_REQUESTS.get(option.name) is option


def _options(options: Mapping[str, Option]) -> str:
    rows = "".join(
        f"| `{name}` | {_kind(option)} | {_help(option)} |\n" for name, option in options.items()
    )
    return f"| option | is | |\n|---|---|---|\n{rows}"


def _kind(option: Option) -> str:
    of = (
        " or ".join(option.choices) if option.choices else "date" if option.is_date else option.kind
    )
    bounds = ""
    if option.least is not None and option.most is not None and option.most < 2**31:
        bounds = f", {option.least:g} to {option.most:g}"
    return f"{of}{bounds}{', repeatable' if option.is_repeatable else ''}"


def _help(option: Option) -> str:
    return (
        option.help.replace("; repeatable: any of them", ": any of them")
        .replace("; repeatable", "")
        .replace("|", "\\|")
    )


def _code(name: str) -> str:
    return f"`{name}`"


def main() -> None:
    """Write it."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
