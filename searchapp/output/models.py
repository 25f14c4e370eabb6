"""How models look, and the report of a corpus that moved to another model: tables for people,
values for JSON. Pure, as `answers` is.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from searchapp.humanize import human_bytes, human_duration, one_line, pluralize
from searchapp.output.terminal import (
    BOLD,
    CYAN,
    DIM,
    GREEN,
    PLAIN,
    RED,
    TerminalStyle,
    display_width,
    joined,
    table,
)

if TYPE_CHECKING:
    from searchapp.encoders.catalog import InstalledModel
    from searchapp.encoders.model_info import ModelInfo
    from searchapp.encoders.verification import ModelPart
    from searchapp.types.encodings import OtherEncoding, ReembedReport
    from searchapp.types.results import FileOutcome
    from searchapp.types.vectors import EncoderIdentity

_MOST_LEFT = 20  # documents that left, listed one by one
_STATE_STYLES = {"sound": GREEN, "note": CYAN, "derived": RED, "wrong": RED}
_STATE_WORDS = {"sound": "sound", "note": "note", "derived": "wrong", "wrong": "wrong"}


# ---- which there are -----------------------------------------------------------------------------


def models_json(models: Iterable[InstalledModel]) -> dict[str, object]:
    """The models on this machine, for programs."""
    return {"models": [_installed_json(model) for model in models]}


def models_text(models: Sequence[InstalledModel], style: TerminalStyle = PLAIN) -> str:
    """A model on each line. Without a width: name, family, dimensions, tokens, pooling, parameters,
    size and state, separated by tabs.
    """
    rows = [(one_line(model.model), *_fields(model), _state(model)) for model in models]
    if style.width is None:
        return joined("\t".join(row) for row in rows)
    widths = (
        [max(display_width(row[column]) for row in rows) for column in range(len(rows[0]))]
        if rows
        else []
    )
    return joined(_line(row, widths, model, style) for row, model in zip(rows, models, strict=True))


def _line(
    row: Sequence[str], widths: Sequence[int], model: InstalledModel, style: TerminalStyle
) -> str:
    padded = [
        f"{field}{' ' * (width - display_width(field))}"
        for field, width in zip(row, widths, strict=True)
    ]
    if model.info is None:
        state = style.paint(row[-1], RED if model.problem else "")
        return f"{style.paint(padded[0], DIM)}  {state}"
    state = style.paint(row[-1], GREEN if model.is_current else "")
    return "  ".join((style.paint(padded[0], BOLD), *padded[1:-1], state)).rstrip()


def _fields(model: InstalledModel) -> tuple[str, ...]:
    facts = model.info
    if facts is None:
        return ("", "", "", "", "", "")
    return (
        facts.family,
        f"{facts.dim} dimensions",
        f"{facts.max_length} tokens",
        facts.pooling,
        f"{_millions(facts.parameters)} parameters",
        human_bytes(facts.size),
    )


def _state(model: InstalledModel) -> str:
    parts = [f"cannot be used: {one_line(model.problem)}"] if model.problem else []
    if model.info is None and not model.problem:
        parts.append("unpacked when it is first used")
    parts += ["the corpus's"] if model.is_current else []
    parts += (
        [f"{pluralize(model.kept, 'document')} beside the current encoding"]
        if model.kept is not None and not model.is_current
        else []
    )
    return "; ".join(parts)


def _installed_json(model: InstalledModel) -> dict[str, object]:
    facts = model.info
    return {
        "model": model.model,
        "origin": model.origin,
        "is_current": model.is_current,
        "documents_beside": model.kept,
        "problem": model.problem or None,
        "facts": None if facts is None else _facts_json(facts),
    }


# ---- what one is ---------------------------------------------------------------------------------


def card_json(facts: ModelInfo, converted_bytes: int | None) -> dict[str, object]:
    """One model for programs."""
    return _facts_json(facts) | {"converted_bytes": converted_bytes}


def card_text(facts: ModelInfo, converted_bytes: int | None, style: TerminalStyle = PLAIN) -> str:
    """All that is known of one model."""
    lines = [
        ("model", one_line(facts.model)),
        ("folder", style.path(os.fsencode(facts.path))),
        ("family", f"{facts.family}, {facts.layers} layers of {facts.heads} heads"),
        ("vectors", f"{facts.dim} dimensions, {facts.pooling} pooling, unit length"),
        ("limit", f"{facts.max_length} tokens, special ones included"),
        ("vocabulary", f"{facts.vocabulary:,} word pieces"),
        ("prompts", _prompts(facts)),
        (
            "missing words",
            "it can fill them in (masked-language-model head)"
            if facts.has_masked_head
            else "it has no head to fill them in",
        ),
        ("parameters", f"{facts.parameters:,}, {facts.precision}"),
        *((name, f"{human_bytes(size)}, SHA-256 {digest}") for name, size, digest in facts.weights),
        ("fingerprint", facts.fingerprint),
        ("licence", one_line(facts.licence) or "not stated"),
        (
            "converted",
            "not yet: when it is first needed"
            if converted_bytes is None
            else f"for this processor, {human_bytes(converted_bytes)}",
        ),
    ]
    return joined(table(lines, style))


def _prompts(facts: ModelInfo) -> str:
    prompts = {"question": facts.query_prompt, "passage": facts.document_prompt}
    return (
        ", ".join(f"{before}: {one_line(prompt)!r}" for before, prompt in prompts.items() if prompt)
        or "none"
    )


def _facts_json(facts: ModelInfo) -> dict[str, object]:
    names = (
        "model",
        "family",
        "layers",
        "heads",
        "dim",
        "max_length",
        "vocabulary",
        "pooling",
        "parameters",
        "precision",
        "fingerprint",
    )
    return {
        **{name: getattr(facts, name) for name in names},
        "folder": str(facts.path),
        "prompts": {"query": facts.query_prompt, "document": facts.document_prompt},
        "weights": [
            {"file": name, "bytes": size, "sha256": digest} for name, size, digest in facts.weights
        ],
        "bytes": facts.size,
        "licence": facts.licence or None,
        "has_masked_head": facts.has_masked_head,
    }


def _millions(number: int) -> str:
    return f"{number / 1e6:,.1f} M" if number < 1e9 else f"{number / 1e9:,.1f} G"


# ---- whether it is whole -------------------------------------------------------------------------


def parts_json(model: str, parts: Iterable[ModelPart]) -> dict[str, object]:
    """The state of each part of a model, for programs."""
    entries = [
        {"part": part.name, "state": part.state, "told": part.finding, "hint": part.hint or None}
        for part in parts
    ]
    return {
        "model": model,
        "is_sound": all(entry["state"] in ("sound", "note") for entry in entries),
        "parts": entries,
    }


def parts_text(parts: Sequence[ModelPart], style: TerminalStyle = PLAIN) -> str:
    """The state of each part of a model, and the hint below a part that is wrong."""
    width = max((len(part.name) for part in parts), default=0)
    lines = []
    for part in parts:
        state = style.paint(f"{_STATE_WORDS[part.state]:<5}", _STATE_STYLES[part.state])
        lines.append(f"{state}  {part.name:<{width}}  {one_line(part.finding)}")
        if part.hint:
            lines.append(f"{' ' * (width + 9)}{style.paint('hint:', CYAN)} {one_line(part.hint)}")
    return joined(lines)


# ---- going over to another -----------------------------------------------------------------------


def reembedded_json(done: ReembedReport) -> dict[str, object]:
    """The report of a move to another model, for programs."""
    names = (
        "is_in_place",
        "is_former_kept",
        "generation",
        "documents",
        "passages",
        "embedded",
        "taken_over",
        "joined",
    )
    return {
        "model": done.after.model,
        "before": _identity_json(done.before),
        "after": _identity_json(done.after),
        **{name: getattr(done, name) for name in names},
        "left": [
            {"path": os.fsdecode(file.path), "outcome": file.outcome, "reason": file.reason}
            for file in done.left
        ],
        "notes": list(done.notes),
        "took_s": round(done.took_s, 3),
    }


def reembedded_text(done: ReembedReport, style: TerminalStyle = PLAIN) -> str:
    """The report of a move to another model, and how to continue it or to go back."""
    name, former = one_line(done.after.model), one_line(done.before.model)
    if not done.is_in_place:
        stopped = (
            f"interrupted: the corpus answers by {former} as before; "
            f"{pluralize(done.documents, 'document')} by {name} are kept"
        )
        return joined(
            [style.paint(stopped, RED), f"to go on from here: searchapp model use {name}"]
        )
    said = (
        f"{name}: {pluralize(done.documents, 'document')}, "
        f"{pluralize(done.passages, 'passage')}, {done.embedded:,} embedded"
    )
    lines = [style.paint(f"the corpus now uses {said}, in {human_duration(done.took_s)}", BOLD)]
    if done.taken_over:
        lines.append(
            f"{pluralize(done.taken_over, 'document')} taken over from the stored text, without "
            "the files"
        )
    if done.joined:
        lines.append(f"{pluralize(done.joined, 'document')} joined")
    lines += [_left_line(file, style) for file in done.left[:_MOST_LEFT]]
    if len(done.left) > _MOST_LEFT:
        lines.append(
            f"left: {pluralize(len(done.left) - _MOST_LEFT, 'document')} more; --json lists all"
        )
    lines += [f"note: {one_line(note)}" for note in done.notes]
    if done.is_former_kept:
        lines.append(
            f"the encoding by {former} is kept; to go back to it: searchapp model use {former}"
        )
    return joined(lines)


def _left_line(entry: FileOutcome, style: TerminalStyle) -> str:
    reason = f": {one_line(entry.reason)}" if entry.reason else ""
    return f"left: {style.path(entry.path)}: {entry.outcome}{reason}"


def encodings_json(others: Iterable[OtherEncoding]) -> list[dict[str, object]]:
    """The other encodings of a corpus, for programs."""
    return [
        {
            "folder": encoding.place,
            "encoder": encoding.encoder and _identity_json(encoding.encoder),
            "documents": encoding.documents,
            "bytes": encoding.size,
        }
        for encoding in others
    ]


def encodings_text(others: Iterable[OtherEncoding], documents: int) -> str:
    """A line for each other encoding of a corpus of so many documents: what it holds, and the
    command that uses it.
    """
    return joined(
        f"beside the current encoding: {_encoding_line(encoding, documents)}" for encoding in others
    )


def _encoding_line(encoding: OtherEncoding, documents: int) -> str:
    if encoding.encoder is None:
        return (
            f"{encoding.name}, with nothing in it that can be read; to delete it: "
            f"searchapp model drop {encoding.name}"
        )
    name = one_line(encoding.encoder.model)
    return (
        f"{name}, {encoding.documents:,} of {documents:,} documents, {human_bytes(encoding.size)}; "
        f"to go over to it: searchapp model use {name}"
    )


def _identity_json(identity: EncoderIdentity) -> dict[str, object]:
    return {
        "model": identity.model,
        "fingerprint": identity.fingerprint,
        "dim": identity.dim,
        "max_tokens": identity.max_tokens,
    }
