"""The comparison with other programs: what is measured, what is left out, and its table."""

import base64
import json
import sys

import numpy as np
import pytest

from benchmarks.embedding_server import embedded
from benchmarks.keeping import processor_class
from benchmarks.rival_environments import RIVALS
from benchmarks.rival_tools import TOOLS, Command, Ours, Tool
from benchmarks.versus import Failed, run
from searchapp.testing import HashEncoder
from tools.rival_figures import comparison


@pytest.mark.parametrize(
    ("flags", "name"),
    [
        ("sse2 avx2 avx512f avx512_bf16 amx_bf16", "AMX"),
        ("sse2 avx2 avx512f avx512_bf16", "AVX-512 with bf16"),
        ("sse2 avx2 avx512f", "AVX-512"),
        ("sse2 avx2", "AVX2"),
    ],
)
def test_a_processor_is_told_by_what_it_multiplies_best_with(flags: str, name: str) -> None:
    assert processor_class(flags) == name


def test_each_tool_has_a_name_of_its_own_and_both_kinds_have_ours() -> None:
    names = [tool.name for tool in TOOLS]
    assert len(set(names)) == len(names)
    assert {"searchapp", "searchapp --mode keyword"} <= set(names)


def test_the_program_of_each_rival_is_in_the_tree() -> None:
    programs = [tool.program for tool in TOOLS if not isinstance(tool, Ours)]
    assert [name for name in programs if not (RIVALS / name).is_file()] == []


def test_a_tool_that_is_not_installed_has_no_version() -> None:
    assert Tool("none", "none.py", "no-such-package", home="nowhere").version() == ""


def test_a_command_asks_no_hub_and_is_not_told_that_it_runs_in_ci(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CI", "true")
    environment = Command(("true",), {"NAME": "value"}).whole_environment()
    assert (environment["HF_HUB_OFFLINE"], environment["NAME"]) == ("1", "value")
    assert "CI" not in environment


@pytest.mark.slow
def test_a_rival_that_fails_says_why_and_one_that_hangs_is_ended() -> None:
    with pytest.raises(Failed, match="no model here"):
        run(Command((sys.executable, "-c", "raise SystemExit('no model here')")), 60)
    with pytest.raises(Failed, match="ended after"):
        run(Command((sys.executable, "-c", "import time; time.sleep(60)")), 0.2)


def test_the_server_cuts_a_text_at_the_limit_and_answers_in_either_form() -> None:
    encoder = HashEncoder()
    limit = encoder.identity.max_tokens
    long = " ".join(["word"] * (limit + 5))
    body: dict[str, object] = {"input": [long, "word"], "model": "any"}
    (first, second) = json.loads(json.dumps(embedded(encoder, body)))["data"]
    assert first["embedding"] == encoder.encode_passages([" ".join(["word"] * limit)])[0].tolist()
    answer = embedded(encoder, {**body, "encoding_format": "base64"})
    (_, in_base64) = json.loads(json.dumps(answer))["data"]
    numbers = np.frombuffer(base64.b64decode(in_base64["embedding"]), dtype="<f4")
    assert numbers.tolist() == second["embedding"]


def results(others_cores: float) -> dict[str, object]:
    def tool(finds_by: str, seconds: float) -> dict[str, object]:
        kinds = ("ingest", "query")
        times = {f"{kind}_s": seconds for kind in kinds}
        computed = {f"{kind}_cpu_s": 2 * seconds for kind in kinds}
        about = {"version": "1", "model": "one", "finds_by": finds_by, "processor": "AVX2"}
        return {**about, **times, **computed, "ingest_mb": 300.0, "query_mb": 20.0}

    return {
        "others_cores": others_cores,
        "tools": {
            "slow": tool("meaning", 30),
            "searchapp": tool("meaning", 2),
            "quick": tool("words", 0.01),
            "searchapp --mode keyword": tool("words", 0.2),
        },
    }


def test_each_row_has_its_model_its_processor_and_its_ratio_to_ours() -> None:
    rows = comparison(results(others_cores=0), by_words=False).splitlines()
    assert len(rows) == 4  # two of heads
    assert rows[2] == "| slow | 1 | one | AVX2 | 30.0 s (15×) | 30.00 s (15×) | 300, 20 MB | – |"
    assert rows[3].startswith("| searchapp | 1 | one | AVX2 | 2.0 s | 2.00 s | 300, 20 MB |")


def test_those_that_find_by_words_are_compared_with_our_keyword_mode() -> None:
    rows = comparison(results(others_cores=0), by_words=True).splitlines()
    assert rows[2] == "| quick | 1 | AVX2 | 0.0 s (0.05×) | 0.01 s (0.05×) | 300, 20 MB | – |"
    assert len(rows) == 4


def test_beside_other_programs_processor_time_is_shown() -> None:
    rows = comparison(results(others_cores=1.1), by_words=False).splitlines()
    assert "| 60.0 s (15×) | 60.00 s (15×) |" in rows[2]
