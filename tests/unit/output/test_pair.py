"""How the attribution of a pair looks on a terminal, in a pipe and as JSON."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from searchapp.analysis.pair_attribution import (
    PairAttribution,
    compare,
    group_units,
)
from searchapp.encoders.model_info import ModelInfo
from searchapp.output.html.pair_page import pair_html
from searchapp.output.pair import pair_json, pair_notes, pair_text
from searchapp.output.terminal import TerminalStyle, display_width
from tests.builders.pair import SMALL, inside, pair_of, random_pair

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


def lines_of(
    pair: PairAttribution, by: ModelInfo, *, layer: int | None = None, head: int | None = None
) -> list[str]:
    style = TerminalStyle(width=80)
    return pair_text(pair, by, style, layer=layer, head=head).splitlines()


def test_a_terminal_shows_bars_their_sum_and_the_nearest(by: ModelInfo) -> None:
    lines = lines_of(pair_of(*SMALL), by)
    assert lines[:4] == ["cosine 0.707", "default, mean pooling", "A  oil pump", "B  big pump"]
    assert lines[5:10] == [
        "A           adds to the cosine              nearest in B",
        "oil         ████████████████████████  .424  ↔ big   1.00",
        "pump        ████████████████          .283  ↔ pump  1.00",
        "[CLS][SEP]                            .000",
        "sum                                   .707",
    ]
    at = lines.index("what each word of A, a row, adds with each of B, in thousandths")
    assert lines[at + 1 : at + 6] == [
        "               big    pump special    sum",
        "oil            424       0       0    424",
        "pump             0     283       0    283",
        "[CLS][SEP]       0       0       0      0",
        "sum            424     283       0    707",
    ]


def test_what_takes_away_begins_left_of_the_axis_and_has_a_minus(by: ModelInfo) -> None:
    special = [0.0, 0.0]
    pair = pair_of(
        ("plus minus", [special, [3, 0], [-1, 0], special]), ("plus", [special, [1, 0], special])
    )
    lines = lines_of(pair, by)
    assert lines[6:8] == [
        "plus              ██████████████████  1.50  ↔ plus  1.00",
        "minus       ░░░░░░                   -.500  → plus -1.00",
    ]


def test_many_words_are_put_together_and_still_add_up(by: ModelInfo) -> None:
    pair = random_pair(
        " ".join(f"w{number}" for number in range(60)),
        " ".join(f"v{number}" for number in range(50)),
    )
    for columns in (40, 80, 120):
        assert "+40 more" in pair_text(pair, by, TerminalStyle(width=columns))
    assert pair.shares is not None
    rows = group_units(pair.a, np.abs(pair.shares[0]), 7)
    assert sorted(unit for row in rows for unit in row.units) == list(range(62))
    words = [row.units[0] for row in rows if row.kind == "word"]
    assert words == sorted(words)
    assert min(abs(pair.shares[0][words])) >= max(abs(pair.shares[0][list(rows[-2].units)]))


def test_a_terminal_of_forty_columns_or_more_is_never_too_narrow(by: ModelInfo) -> None:
    words = [
        "Donaudampfschifffahrtsgesellschaft",
        "海の船",
        "e\u0301te\u0301",
        *(f"word{number}" for number in range(30)),
    ]
    pair = random_pair(" ".join(words), " ".join(reversed(words)), heads=12)
    for some in (
        pair,
        replace(pair, products=None),
        random_pair("a b 海 " * 12, "船 の " * 9, heads=12),
    ):
        for columns in (40, 41, 53, 64, 80, 119, 500):
            told = pair_text(
                some,
                replace(by, model="/home/" + "anna/" * 40),
                TerminalStyle(width=columns),
                layer=1,
            )
            assert max(map(display_width, told.splitlines())) <= min(columns, 120)


def test_wide_characters_keep_the_columns(by: ModelInfo) -> None:
    lines = lines_of(random_pair("海 の ship", "船 sails"), by)
    at = next(at for at, line in enumerate(lines) if line.startswith("what each word"))
    assert [line.split()[0] for line in lines[at + 2 : at + 6]] == [
        "海",
        "の",
        "ship",
        "[CLS][SEP]",
    ]
    assert len({display_width(line) for line in lines[at + 1 : at + 7]}) == 1


def test_colour_adds_nothing_that_is_not_there_without(by: ModelInfo) -> None:
    pair = random_pair("one two three", "four five")
    painted = pair_text(pair, by, TerminalStyle(width=120, color=True), layer=1, head=2)
    assert "\x1b[" in painted
    plain = pair_text(pair, by, TerminalStyle(width=120), layer=1, head=2)
    assert ESCAPE.sub("", painted).replace("; blue is more than 0, orange is less", "") == plain


def test_one_head_and_the_average_of_all_can_be_shown(by: ModelInfo) -> None:
    weights: list[list[float]] = [[1, 0, 0, 0], [0.1, 0.2, 0.3, 0.4], [0, 1, 0, 0], [0, 0, 0, 1]]
    read = inside("oil pump", SMALL[0][1], attention=weights)
    both = read._replace(
        attentions=np.concatenate([read.attentions, np.roll(read.attentions, 1, axis=-1)], axis=1),
    )
    pair = compare(
        ["oil pump", "oil pump"], [both, both], [both.hidden_states[-1].mean(axis=0)] * 2
    )
    lines = lines_of(pair, by, layer=1, head=1)
    at = lines.index(
        "A, layer 1, head 1: how much of the attention of each word, a row, goes to each,"
    )
    assert lines[at + 1 : at + 5] == [
        "in hundredths",
        "      [CLS]   oil  pump [SEP]",
        "[CLS]   100     0     0     0",
        "oil      10    20    30    40",
    ]
    lines = lines_of(pair, by, layer=1)
    at = next(
        at for at, line in enumerate(lines) if line.startswith("A, layer 1, all heads on average")
    )
    assert lines[at + 4] == "oil      25    15    25    35"


def test_a_pipe_gets_the_share_of_every_word_alone(by: ModelInfo) -> None:
    assert pair_text(pair_of(*SMALL), by) == (
        "cosine\t0.707107\n"
        "\n"
        "A\tshare\tnearest\tcosine\tmutual\n"
        "[CLS]\t0.000000\t\t\t\n"
        "oil\t0.424264\tbig\t1.000000\tmutual\n"
        "pump\t0.282843\tpump\t1.000000\tmutual\n"
        "[SEP]\t0.000000\t\t\t\n"
        "\n"
        "B\tshare\tnearest\tcosine\tmutual\n"
        "[CLS]\t0.000000\t\t\t\n"
        "big\t0.424264\toil\t1.000000\tmutual\n"
        "pump\t0.282843\tpump\t1.000000\tmutual\n"
        "[SEP]\t0.000000\t\t\t\n"
    )


def test_a_pipe_gets_every_cell_where_all_is_asked_for(by: ModelInfo) -> None:
    pair = pair_of(*SMALL)
    blocks = [block.splitlines() for block in pair_text(pair, by, everything=True).split("\n\n")]
    assert blocks[0] == ["cosine\t0.707107"]
    assert blocks[1] == [
        "A\tshare\tnearest\tcosine\tmutual",
        "[CLS]\t0.000000\t\t\t",
        "oil\t0.424264\tbig\t1.000000\tmutual",
        "pump\t0.282843\tpump\t1.000000\tmutual",
        "[SEP]\t0.000000\t\t\t",
    ]
    assert blocks[3][:3] == [
        "A x B\t[CLS]\tbig\tpump\t[SEP]",
        "[CLS]\t0.000000\t0.000000\t0.000000\t0.000000",
        "oil\t0.000000\t0.424264\t0.000000\t0.000000",
    ]
    assert blocks[4] == [
        "text\tlayer\thead\tfirst\tlast\titself\tprevious\tnext\trest",
        "A\t1\t1\t0.250000\t0.250000\t0.250000\t0.125000\t0.125000\t0.000000",
        "B\t1\t1\t0.250000\t0.250000\t0.250000\t0.125000\t0.125000\t0.000000",
    ]
    assert len(blocks) == 5
    chosen = pair_text(pair, by, layer=1).split("\n\n")
    assert [block.split("\t")[0] for block in chosen] == [
        "cosine",
        "A",
        "B",
        "A attends",
        "B attends",
    ]


def test_json_has_all_of_it(by: ModelInfo) -> None:
    told = json.loads(json.dumps(pair_json(pair_of(*SMALL), by), allow_nan=False))
    assert set(told) == {
        "model",
        "pooling",
        "cosine",
        "layers",
        "heads",
        "a",
        "b",
        "products",
        "similarities",
    }
    assert (told["model"], told["pooling"], told["cosine"]) == ("default", "mean", 0.707107)
    assert told["products"][1] == [0, 0.42426407, 0, 0]
    assert told["a"]["units"][1] == {
        "label": "oil",
        "start": 0,
        "end": 3,
        "is_word": True,
        "tokens": [1],
        "share": 0.42426407,
        "nearest": {"unit": 1, "cosine": 1.0, "is_mutual": True},
    }
    assert told["a"]["attention"] == [[[[0.25] * 4] * 4]]
    assert told["a"]["habits"] == [
        [{"first": 0.25, "last": 0.25, "itself": 0.25, "previous": 0.125, "next": 0.125, "rest": 0}]
    ]


def test_json_has_the_attention_of_the_layer_and_head_that_are_asked_for(by: ModelInfo) -> None:
    pair = random_pair("one two", "three")
    for layer, head, layers, heads in (
        (None, None, [1, 2, 3], [1, 2]),
        (2, None, [2], [1, 2]),
        (3, 1, [3], [1]),
    ):
        told = json.loads(json.dumps(pair_json(pair, by, layer=layer, head=head)))
        assert (told["layers"], told["heads"]) == (layers, heads)
        expected = pair.b.attention[layers[0] - 1 : layers[-1], heads[0] - 1 : heads[-1]]
        assert np.array(told["b"]["attention"]) == pytest.approx(expected, abs=1e-5)
        assert np.array(told["b"]["attention"]).shape == expected.shape


def test_a_model_without_shares_says_so_and_shows_none(by: ModelInfo) -> None:
    insides = [inside(*each) for each in SMALL]
    pair = compare(
        [text for text, _ in SMALL], insides, [each.hidden_states[-1][1] for each in insides]
    )
    other = replace(by, pooling="cls")
    [note] = pair_notes(pair, other)
    assert note.startswith(
        "the model default pools by its first token alone, so no word has an exact share of the "
        "cosine"
    )
    told = pair_text(pair, other, TerminalStyle(width=80))
    assert "adds" not in told
    assert "sum" not in told
    assert "oil         ↔ big   1.00" in told
    assert "how near each word of A, a row, is to each of B, in hundredths of a cosine" in told
    assert pair_json(pair, other)["products"] is None
    page = pair_html(pair, other)
    assert "no word has an exact share" in page
    assert 'class="add"' not in page
