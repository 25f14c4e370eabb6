"""The words for a gap: as transformers gives them by hand, from tiny checkpoints that are
pre-trained here in seconds, of two families.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tokenizers import (
    AddedToken,
    ByteLevelBPETokenizer,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
)

from searchapp.analysis.fill_mask import Gap, Guess, predict
from searchapp.errors import EncoderError, UsageError
from searchapp.output.fill_mask import gaps_json, gaps_text
from searchapp.output.terminal import TerminalStyle

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.model

SENTENCES = (
    "the fox is red",
    "the sea is blue",
    "the grass is green",
    "the ravens fly over the sea",
    "the foxes run in the grass",
)
FAMILIES = ("bert", "roberta")


def wordpiece(folder: Path) -> None:
    words = sorted(
        {word for sentence in SENTENCES for word in sentence.split()} - {"ravens", "foxes"}
    )
    tokens = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *words,
        "raven",
        "##s",
        "##es",
        ".",
        "##n",
        "##x",
    ]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.add_special_tokens(tokens[:5])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))


def byte_level(folder: Path) -> None:
    tokenizer = ByteLevelBPETokenizer()
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    tokenizer.train_from_iterator(
        SENTENCES * 9, vocab_size=320, min_frequency=2, special_tokens=special, show_progress=False
    )
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True, special=True)])
    tokenizer._tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    tokenizer._tokenizer.save(str(folder / "tokenizer.json"))


def pretrained(folder: Path, family: str) -> None:
    """A checkpoint with its head, taught the sentences by hiding one token of each at a time."""
    import torch

    folder.mkdir()
    (wordpiece if family == "bert" else byte_level)(folder)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    mask = tokenizer.token_to_id("[MASK]" if family == "bert" else "<mask>")
    hidden = [
        ([*encoding.ids[:at], mask, *encoding.ids[at + 1 :]], at, encoding.ids[at])
        for encoding in tokenizer.encode_batch(list(SENTENCES))
        for at in range(1, len(encoding.ids) - 1)
    ]
    padding, rows = 0 if family == "bert" else 1, range(len(hidden))
    most = max(len(ids) for ids, _, _ in hidden)
    batch = torch.tensor([ids + [padding] * (most - len(ids)) for ids, _, _ in hidden])  # (n, t)
    places, wanted = [at for _, at, _ in hidden], torch.tensor([token for _, _, token in hidden])
    torch.manual_seed(3)
    module = made(family, tokenizer.get_vocab_size())
    optimiser = torch.optim.AdamW(module.parameters(), lr=1e-2)
    for _ in range(60):
        logits = module(batch, attention_mask=(batch != padding).long()).logits[
            list(rows), places
        ]  # (n, vocabulary)
        torch.nn.functional.cross_entropy(logits, wanted).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        optimiser.zero_grad()
    module.save_pretrained(folder)


def made(family: str, vocabulary: int) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from transformers import AutoConfig, AutoModelForMaskedLM

        settings = {
            "vocab_size": vocabulary,
            "hidden_size": 48,
            "num_hidden_layers": 1,
            "num_attention_heads": 4,
            "intermediate_size": 96,
            "max_position_embeddings": 34,
            "hidden_dropout_prob": 0.0,
            "attention_probs_dropout_prob": 0.0,
            "initializer_range": 0.1,
            "pad_token_id": 0 if family == "bert" else 1,
        }
        return AutoModelForMaskedLM.from_config(AutoConfig.for_model(family, **settings))


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folders = {family: tmp_path_factory.mktemp("checkpoints") / family for family in FAMILIES}
    for family, folder in folders.items():
        pretrained(folder, family)
    return folders


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def by_hand(folder: Path, text: str, gap: int = 0) -> list[tuple[int, float]]:
    """Every token's number and probability, the likeliest first, as transformers gives them in
    float64.
    """
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from transformers import AutoModelForMaskedLM

        module = AutoModelForMaskedLM.from_pretrained(folder).double().eval()
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    ids = tokenizer.encode(text).ids
    masks = [
        at for at, number in enumerate(ids) if tokenizer.id_to_token(number) in ("[MASK]", "<mask>")
    ]
    with torch.no_grad():
        row = module(torch.tensor([ids])).logits[0, masks[gap]].softmax(-1).tolist()
    return sorted(enumerate(row), key=lambda pair: -pair[1])


@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_fills_a_gap_with_the_word_that_it_was_taught(
    checkpoints: dict[str, Path], cache: Path, family: str
) -> None:
    for sentence, word in (
        ("the fox is [MASK]", "red"),
        ("the sea is <mask>", "blue"),
        ("the grass is [mask]", "green"),
    ):
        [gap] = predict(sentence, cache=cache, model=str(checkpoints[family]), k=3)
        assert (gap.guesses[0].word, gap.guesses[0].is_piece, len(gap.guesses)) == (word, False, 3)
        assert gap.guesses[0].probability > 0.8
        assert sentence[gap.start : gap.end].lower() in ("[mask]", "<mask>")


@pytest.mark.parametrize("family", FAMILIES)
def test_probabilities_are_those_of_transformers_by_hand(
    checkpoints: dict[str, Path], cache: Path, family: str
) -> None:
    folder = checkpoints[family]
    own = "[MASK]" if family == "bert" else "<mask>"
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    gaps = predict("the [MASK] is <mask>", cache=cache, model=str(folder), k=8)
    assert len(gaps) == 2
    for number, gap in enumerate(gaps):
        expected = by_hand(folder, f"the {own} is {own}", number)[:8]
        assert [guess.token for guess in gap.guesses] == [
            tokenizer.id_to_token(token) for token, _ in expected
        ]
        assert [guess.probability for guess in gap.guesses] == pytest.approx(
            [part for _, part in expected], abs=1e-5
        )


def test_all_of_the_vocabulary_adds_up_to_one(checkpoints: dict[str, Path], cache: Path) -> None:
    [gap] = predict("the fox is [MASK]", cache=cache, model=str(checkpoints["bert"]), k=10_000)
    assert sum(guess.probability for guess in gap.guesses) == pytest.approx(1, abs=1e-9)
    assert len({guess.token for guess in gap.guesses}) == len(gap.guesses) == 23


def test_a_piece_that_goes_on_with_the_word_before_is_told_from_a_word(
    checkpoints: dict[str, Path], cache: Path
) -> None:
    [gap] = predict(
        "the raven[MASK] fly over the sea", cache=cache, model=str(checkpoints["bert"]), k=1
    )
    assert (gap.guesses[0].word, gap.guesses[0].token, gap.guesses[0].is_piece) == (
        "s",
        "##s",
        True,
    )
    [gap] = predict("the [MASK] is red", cache=cache, model=str(checkpoints["roberta"]), k=400)
    found = {guess.token: guess for guess in gap.guesses}
    assert (found["Ġfox"].word, found["Ġfox"].is_piece) == ("fox", False)
    assert (found["e"].word, found["e"].is_piece) == ("e", True)
    assert not found["."].is_piece
    [gap] = predict("[MASK] fox is red", cache=cache, model=str(checkpoints["roberta"]), k=400)
    assert not any(guess.is_piece for guess in gap.guesses)


def test_a_model_without_a_head_is_refused_before_torch_is_imported(cache: Path) -> None:
    code = """
import sys
from pathlib import Path
from searchapp.errors import EncoderError
from searchapp.analysis.fill_mask import predict
try:
    predict("a [MASK]", cache=Path(sys.argv[1]))
except EncoderError as error:
    print(error, "|", error.hint, "|", sorted({"torch", "transformers"} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, str(cache)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    message, hint, heavy = done.stdout.strip().split(" | ")
    assert (
        message
        == "The default model cannot fill gaps: its weights lack a masked-language-model head."
    )
    assert "--model google-bert/bert-base-uncased" in hint
    assert heavy == "[]"


def test_a_head_that_is_not_whole_is_refused(
    checkpoints: dict[str, Path], cache: Path, tmp_path: Path
) -> None:
    from safetensors.numpy import load_file, save_file

    folder = tmp_path / "torn"
    shutil.copytree(checkpoints["bert"], folder)
    tensors = load_file(folder / "model.safetensors")
    del tensors["cls.predictions.transform.dense.weight"]
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(
        EncoderError, match=r"The weights in .* lack cls\.predictions\.transform\.dense\.weight"
    ):
        predict("a [MASK]", cache=cache, model=str(folder))


def test_a_text_without_a_gap_or_over_the_limit_is_refused(
    checkpoints: dict[str, Path], cache: Path
) -> None:
    with pytest.raises(UsageError, match="the text has no gap"):
        predict("the fox is red", cache=cache, model=str(checkpoints["bert"]))
    assert (
        len(predict("the " * 31 + "[MASK]", cache=cache, model=str(checkpoints["bert"]), k=1)) == 1
    )
    with pytest.raises(
        UsageError, match="longer than the 34 tokens that the model reads"
    ) as caught:
        predict("the " * 34 + "[MASK]", cache=cache, model=str(checkpoints["bert"]))
    assert caught.value.hint == "leave out some words away from the gap: it is 3 tokens over"


def test_a_tokenizer_without_a_mask_is_refused(
    checkpoints: dict[str, Path], cache: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "maskless"
    shutil.copytree(checkpoints["bert"], folder)
    told = json.loads((folder / "tokenizer.json").read_text())
    told["model"]["vocab"]["[NONE]"] = told["model"]["vocab"].pop("[MASK]")
    told["added_tokens"] = [each for each in told["added_tokens"] if each["content"] != "[MASK]"]
    (folder / "tokenizer.json").write_text(json.dumps(told))
    with pytest.raises(EncoderError, match="has no token for a gap"):
        predict("a [MASK]", cache=cache, model=str(folder))


# ---- how it looks --------------------------------------------------------------------------------

TEXT = "the [MASK] is\n<mask>"


def filled(*words: Sequence[tuple[str, float, bool]]) -> list[Gap]:
    spans = ((4, 10), (14, 20))
    return [
        Gap(*span, tuple(Guess(word, word, part, piece) for word, part, piece in each))
        for span, each in zip(spans, words, strict=False)
    ]


def test_a_pipe_gets_a_line_a_word() -> None:
    gaps = filled([("fox", 0.75, False), ("s", 0.125, True)], [("red", 0.5, False)])
    assert gaps_text(TEXT, gaps) == "1\tfox\t0.750000\n1\t…s\t0.125000\n2\tred\t0.500000\n"


def test_a_terminal_gets_bars_and_the_text_with_its_gaps() -> None:
    gaps = filled([("fox", 0.75, False), ("海", 0.125, False)], [("red", 0.5, False)])
    assert gaps_text(TEXT, gaps, TerminalStyle(width=32)).splitlines() == [
        "the _1_ is _2_",
        "",
        "gap 1",
        "fox   75.0%  ██████████████",
        "海    12.5%  ██",
        "",
        "gap 2",
        "red   50.0%  ██████████",
        "",
        "each gap is filled by itself,",
        "while the others stay open",
    ]
    assert (
        gaps_text(
            "the [MASK]", filled([("fox", 0.75, False)]), TerminalStyle(width=80)
        ).splitlines()[0]
        == "the ____"
    )


def test_json_tells_words_tokens_and_places() -> None:
    told = gaps_json("m", "the [MASK]", filled([("s", 0.125, True)]))
    guess = {"word": "s", "token": "s", "probability": 0.125, "is_piece": True}
    assert told == {
        "model": "m",
        "text": "the [MASK]",
        "gaps": [{"start": 4, "end": 10, "guesses": [guess]}],
    }


def test_a_token_cannot_speak_to_the_terminal() -> None:
    assert "\x1b" not in gaps_text(
        "the [MASK]\x1b[2J", filled([("\x1b[31m", 0.5, False)]), TerminalStyle(width=40)
    )
