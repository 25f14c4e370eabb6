"""Texts to tokens in arrays, and from the tokens of a passage to what the model is given.

A tokenizer that parts words before anything else, as BERT's does, gives a word the same tokens in
any text, so that the tokens of a document are those of its passages, too. Others may not:
SentencePiece and byte-level ones look at the space before a word.
"""

from __future__ import annotations

from array import array
from itertools import pairwise
from typing import TYPE_CHECKING

from searchapp.types.tokens import Tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tokenizers import Encoding, Tokenizer

    from searchapp.types.tokens import TokenIds

_SMALL_VOCABULARY = 2**16  # ids of two bytes


class Tokenization:
    """A tokenizer, and the prompt that passages are embedded with."""

    def __init__(self, tokenizer: Tokenizer, prompt: str) -> None:
        self._tokenizer = tokenizer
        self._has_words = has_independent_words(tokenizer)
        highest = max(tokenizer.get_vocab(with_added_tokens=True).values(), default=0)
        self._kind = "H" if highest < _SMALL_VOCABULARY else "I"
        self._frame = self._frame_of(prompt)

    def tokens(self, texts: Sequence[str]) -> list[Tokens]:
        """Each text's content tokens, without special tokens and prompts, never truncated."""
        encodings = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [self._tokens(encoding) for encoding in encodings]

    def framed(self, ids: TokenIds) -> TokenIds | None:
        """All that the model is given for a passage of these content tokens: the prompt's before
        them, and special ones; None where that cannot be told from the tokens.
        """
        return self._frame and self._frame[0] + array(self._kind, ids) + self._frame[1]

    def _tokens(self, encoding: Encoding) -> Tokens:
        spans, words = encoding.offsets, encoding.word_ids
        joined = bytes([0, *(word == last for last, word in pairwise(words))]) if words else b""
        return Tokens(
            array("I", [start for start, _ in spans]),
            array("I", [end for _, end in spans]),
            array(self._kind, encoding.ids),
            joined if self._has_words else None,
        )

    def _frame_of(self, prompt: str) -> tuple[TokenIds, TokenIds] | None:
        if prompt and not (self._has_words and prompt.endswith(" ")):
            return None
        whole, content = (
            self._tokenizer.encode("a", add_special_tokens=is_whole).ids
            for is_whole in (True, False)
        )
        before = next((i for i in range(len(whole)) if content and whole[i] == content[0]), 0)
        if whole[before : before + len(content)] != content:
            return None
        of_prompt = self._tokenizer.encode(prompt, add_special_tokens=False).ids
        return (
            array(self._kind, [*whole[:before], *of_prompt]),
            array(self._kind, whole[before + len(content) :]),
        )


def has_independent_words(tokenizer: Tokenizer) -> bool:
    """Whether a word has the same tokens in any text: it is parted from others as BERT parts words,
    and no token that was added to the vocabulary looks beyond it.
    """
    from tokenizers import models, normalizers, pre_tokenizers

    return (
        isinstance(tokenizer.model, models.WordPiece)
        and isinstance(tokenizer.normalizer, (normalizers.BertNormalizer, type(None)))
        and isinstance(tokenizer.pre_tokenizer, pre_tokenizers.BertPreTokenizer)
        and not any(
            token.single_word
            or token.lstrip
            or token.rstrip
            or any(map(str.isspace, token.content))
            for token in tokenizer.get_added_tokens_decoder().values()
        )
    )
