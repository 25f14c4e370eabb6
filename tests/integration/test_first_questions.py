"""Eight questions at once, the first of their process, as a server gets them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from searchapp.config import ENGINES
from searchapp.corpus import Corpus
from searchapp.search.query_options import MODES
from tests.paths import DATA

_CHILD = """
import json, sys, threading
from searchapp.corpus import Corpus

corpus, modes = Corpus.open(sys.argv[1]), sys.argv[2:]
gate = threading.Barrier(8)

def answer(number):
    question = "how long do lentils boil?"
    found = corpus.query(question, mode=modes[number % len(modes)], highlights=True, k=3)
    return [(match.passage_id, match.score, match.highlights) for match in found.matches]

def ask(number, answers):
    gate.wait()
    try:
        answers[number] = answer(number)
    except BaseException as error:
        answers[number] = repr(error)

answers = {}
threads = [threading.Thread(target=ask, args=(number, answers)) for number in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(json.dumps([[answers[number] for number in range(8)], [answer(n) for n in range(8)]]))
"""

_IMPORTS = """
import sys, threading, time
from searchapp.encoders.openvino_engine import import_openvino

class Slow:
    def find_spec(self, name, path=None, target=None):
        time.sleep(0.3 if name == "openvino" else 0)

sys.meta_path.insert(0, Slow())
gate, failures = threading.Barrier(8), []

def load():
    gate.wait()
    try:
        import_openvino().Core
    except BaseException as error:
        failures.append(repr(error))

threads = [threading.Thread(target=load) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(failures)
"""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Path:
    folder = tmp_path_factory.mktemp("first") / "corpus"
    made = Corpus(Corpus.open(folder).backend, cache=model_cache)
    made.ingest([DATA / "kitchen"])
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_eight_first_questions_at_once_are_all_answered(
    corpus: Path, model_cache: Path, engine: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, str(corpus), *MODES],
        env=os.environ | {"SEARCHAPP_CACHE": str(model_cache), "SEARCHAPP_ENGINE": engine},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    first, later = json.loads(done.stdout)
    assert first == later
    assert all(len(answer) == 3 for answer in first)


@pytest.mark.slow
def test_openvino_is_loaded_by_several_at_once() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _IMPORTS], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode) == ("[]\n", 0), done.stderr
