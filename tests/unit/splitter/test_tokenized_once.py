"""A document is tokenised once: the tokens of its slices are those of its passages by themselves."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

from searchapp.splitter.splitter import split, split_all
from searchapp.types.documents import Block, BlockKind, Document, embedded_text

if TYPE_CHECKING:
    from searchapp.encoders.tokenization import Tokenization
    from searchapp.types.tokens import Tokens

_KINDS: tuple[BlockKind, ...] = ("heading", "prose", "list", "code", "table")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@pytest.fixture(scope="module")
def tokenization() -> Tokenization:
    """BERT's way to part words, with a vocabulary of letters and some pairs of them."""
    tokenizers = pytest.importorskip("tokenizers")
    from searchapp.encoders.tokenization import Tokenization

    names = ["[UNK]", "[CLS]", "[SEP]", *_LETTERS, *".,!?-_'&~。東京世", "ab", "qu"]
    names += [f"##{name}" for name in [*_LETTERS, "ab", "er", "ing"]]
    model = tokenizers.models.WordPiece(
        {name: i for i, name in enumerate(names)}, unk_token="[UNK]", max_input_chars_per_word=100
    )
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.normalizer = tokenizers.normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    tokenizer.add_special_tokens(["[CLS]", "[SEP]"])
    return Tokenization(tokenizer, "query: ")


def documents() -> list[Document]:
    """Of every kind of words and white space, some with headings, some longer than a piece."""
    chance = random.Random(5)
    words = ["abode", "Quêring", "東京世。", "x" * 130, "a-b_c", "don't", "[SEP]", "e\u0301a", "½"]
    breaks = [" ", "\n", "\n\n", "\t", "\x0c", "\x1c", "\u00a0", "\u3000", "", ". ", "。", "! "]
    made = []
    for number in range(9):
        blocks, text = list[Block](), ""
        for _ in range(chance.randint(1, 12)):
            words_of_block = chance.choices(words, k=chance.choice([1, 8, 60, 400]))
            body = "".join(word + chance.choice(breaks) for word in words_of_block)
            headings = tuple(chance.choices([*words, "long " * 40], k=chance.randint(0, 3)))
            kind = chance.choice(_KINDS)
            blocks.append(Block(len(text), len(text) + len(body), kind, headings))
            text += body + "\n\n"
        title = chance.choice(["", "Title", "a\x0cb [SEP] " * 30])
        made.append(Document(text, "txt", title, tuple(blocks) if number % 3 else ()))
    return made


@pytest.mark.parametrize("max_tokens", [8, 60, 254])
def test_slices_have_the_tokens_that_each_passage_has_alone(
    tokenization: Tokenization, max_tokens: int
) -> None:
    made = documents()
    together = split_all(made, tokenization.tokens, max_tokens=max_tokens)
    for document, found in zip(made, together, strict=True):
        texts = [
            embedded_text(passage.headings, document.text[passage.start : passage.end])
            for passage, _ in found
        ]
        alone = tokenization.tokens(texts)
        assert [ids for _, ids in found] == [tokens.ids for tokens in alone]
        assert [passage for passage, _ in found] == split(
            document, lambda texts: _spans(tokenization, texts), max_tokens=max_tokens
        )


def test_ordinary_text_is_tokenised_once(tokenization: Tokenization) -> None:
    given: list[str] = []

    def find(texts: Sequence[str]) -> list[Tokens]:
        given.extend(texts)
        return tokenization.tokens(texts)

    text = "a quick abode. " * 4_000
    document = Document(text, "txt", "Title", (Block(0, len(text), "prose", ("Head",)),))
    [found] = split_all([document], find, max_tokens=60)
    assert len(found) > 100
    assert "".join(each for each in given if not each.endswith("\n")) == text
    assert given[:2] == ["Title\n", "Head\n"]


def test_a_text_without_tokens_below_a_title_is_split(tokenization: Tokenization) -> None:
    document = Document("\u200b", "html", "Title")
    [found] = split_all([document], tokenization.tokens, max_tokens=60)
    assert [passage.passage.start for passage in found] in ([0], [])


def test_numbers_of_tokens_may_have_gaps() -> None:
    tokenizers = pytest.importorskip("tokenizers")
    from searchapp.encoders.tokenization import Tokenization

    model = tokenizers.models.WordPiece({"[UNK]": 0, "a": 70_000}, unk_token="[UNK]")
    [tokens] = Tokenization(tokenizers.Tokenizer(model), "").tokens(["a"])
    assert list(tokens.ids) == [70_000]


def test_the_model_is_given_the_prompt_and_the_passage_between_special_tokens(
    tokenization: Tokenization,
) -> None:
    [tokens] = tokenization.tokens(["abode"])
    whole = tokenization._tokenizer.encode("query: abode").ids
    assert list(tokenization.framed(tokens.ids) or ()) == whole


def _spans(tokenization: Tokenization, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
    return [
        list(zip(tokens.starts, tokens.ends, strict=True)) for tokens in tokenization.tokens(texts)
    ]
