"""The code names of `data/codenames`: a task that is fair. How well the default model does at it once
it is tuned, `make tuning` measures, in minutes.

The documents call nothing by what it is; the questions do, and never by code name. So a model can
find an answer only if it has learned which name means what. What is asked of a document is not what
was learned of it, but each document is one that something was learned of.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from searchapp.finetuning.training_pairs import exclude_held_out
from tests.paths import DATA, JUDGEMENTS

DOCUMENTS = DATA / "codenames"
LEARN, HELD_OUT = (JUDGEMENTS / "codenames" / name for name in ("learn.tsv", "held-out.tsv"))
MEANINGS = {  # what each code name stands for, in the words of the questions
    "bramble": "canteen cafeteria lunchroom lunch",
    "domino": "apprentice apprentices trainee trainees welder welders school",
    "harlequin": "seaweed kelp harvester cutter",
    "juniper": "warehouse spare parts depot",
    "lantern": "office offices headquarters head",
    "magpie": "underwater diving robot robots drone drones inspection",
    "marzipan": "ferry boat",
    "osprey": "payroll salary wages",
    "pepperpot": "lighthouse light tower",
    "quartz": "pension pensions retirement",
    "thistle": "dock",
    "velvet": "paint coating barnacle fouling hull",
}


def rows(file: Path) -> list[tuple[str, Path]]:
    """The questions of a file, each with the document that answers it."""
    header, *lines = file.read_text(encoding="utf-8").splitlines()
    assert header == "question\tpath"
    pairs = [line.split("\t") for line in lines]
    return [(question, (file.parent / path).resolve()) for question, path in pairs]


def test_each_code_name_has_three_documents_and_each_document_questions_of_both_kinds() -> None:
    documents = sorted(DOCUMENTS.iterdir())
    assert Counter(path.name.partition("-")[0] for path in documents) == dict.fromkeys(MEANINGS, 3)
    for file, least in ((LEARN, 6), (HELD_OUT, 1)):
        counts = Counter(path for _, path in rows(file))
        assert set(counts) == set(documents)
        assert min(counts.values()) == least


def test_no_question_held_out_is_nearly_one_that_is_learned() -> None:
    learned, held_out = ([question for question, _ in rows(file)] for file in (LEARN, HELD_OUT))
    parts = exclude_held_out(learned, held_out)
    assert (len(parts.learned), len(parts.held_out), parts.dropped) == (216, 60, ())


def test_questions_never_use_a_code_name_and_no_document_says_what_its_own_means() -> None:
    for question, path in rows(LEARN) + rows(HELD_OUT):
        name = path.name.partition("-")[0]
        asked = set(re.findall(r"\w+", question.casefold()))
        assert asked.isdisjoint(MEANINGS), question
        assert asked & set(MEANINGS[name].split()), question
    for path in DOCUMENTS.iterdir():
        name = path.name.partition("-")[0]
        text = set(re.findall(r"\w+", path.read_text(encoding="utf-8").casefold()))
        assert name in text
        assert text.isdisjoint(MEANINGS[name].split()), path.name
