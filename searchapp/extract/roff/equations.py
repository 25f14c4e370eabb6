"""Equations in the language of eqn, as a line that can be read: `x sup 2 over y` to `x^2 / y`."""

from __future__ import annotations

import re

_GREEK = str.split(
    "alpha α beta β gamma γ delta δ epsilon ε zeta ζ eta η theta θ iota ι kappa κ lambda λ mu μ nu "
    "ν xi ξ omicron ο pi π rho ρ sigma σ tau τ upsilon υ phi φ chi χ psi ψ omega ω GAMMA Γ DELTA Δ "
    "THETA Θ LAMBDA Λ XI Ξ PI Π SIGMA Σ PHI Φ PSI Ψ OMEGA Ω"
)
_SILENT = str.split(
    "left right roman italic bold fat rm mark lineup bar hat tilde vec dot dotdot under dyad pile "
    "lpile cpile rpile above size delim define ndefine tdefine ccol lcol rcol matrix { } ~ ^"
)
_WORDS = {
    **dict(zip(_GREEK[::2], _GREEK[1::2], strict=True)),
    "sub": "_",
    "sup": "^",
    "over": "/",
    "smallover": "/",
    "sqrt": "√",
    "sum": "∑",
    "int": "∫",
    "prod": "∏",
    "union": "∪",
    "inter": "∩",
    "inf": "∞",
    "partial": "∂",
    "half": "½",
    "prime": "′",
    "times": "×",
    "cdot": "·",
    "del": "∇",
    "grad": "∇",
    "approx": "≈",
    "<=": "≤",
    ">=": "≥",
    "!=": "≠",
    "==": "≡",
    "+-": "±",
    "->": "→",
    "<-": "←",
    "...": "…",
    "from": "_",
    "to": "^",
    "nothing": "",
    "lim": "lim",
    **dict.fromkeys(_SILENT, ""),
}
_TOKEN = re.compile(r'"([^"]*)"|[{}~^]|[A-Za-z]+|\.\.\.|[<>=!+-]=|->|<-|\+-|[^\s{}~^A-Za-z"]|"')
_TIGHT = re.compile(r" ?([_^]) ?")


def equation_text(source: str) -> str:
    """An equation on one line; "" for one of settings only."""
    words = []
    for match in _TOKEN.finditer(source):
        token = match[0]
        words.append(match[1] if match[1] is not None else _WORDS.get(token, token))
    return _TIGHT.sub(r"\1", " ".join(filter(None, words)))


def inline_equations(text: str, delimiters: str) -> str:
    """A line whose equations between two delimiters are put in words."""
    opening, closing = delimiters[0], delimiters[-1]
    pieces = []
    at = 0
    while (start := text.find(opening, at)) >= 0:
        end = text.find(closing, start + 1)
        if end < 0:
            break
        pieces += [text[at:start], equation_text(text[start + 1 : end])]
        at = end + 1
    return "".join([*pieces, text[at:]])
