"""Small files of structured and marked-up text, built in code."""

from __future__ import annotations

import json
from typing import Any


def notebook(*cells: dict[str, Any], **metadata: Any) -> bytes:
    """A notebook of format 4."""
    return json.dumps(
        {"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    ).encode()


def old_notebook(*cells: dict[str, Any]) -> bytes:
    """A notebook of format 3, whose cells are in worksheets."""
    return json.dumps(
        {"worksheets": [{"cells": list(cells)}], "metadata": {}, "nbformat": 3}
    ).encode()


def cell(kind: str, source: str, *outputs: dict[str, Any]) -> dict[str, Any]:
    """A cell of format 4, its source as a list of lines."""
    made: dict[str, Any] = {
        "cell_type": kind,
        "source": source.splitlines(keepends=True),
        "metadata": {},
    }
    return {**made, "outputs": list(outputs)} if kind == "code" else made


def printed(text: str) -> dict[str, Any]:
    """An output that a program printed."""
    return {"output_type": "stream", "name": "stdout", "text": text.splitlines(keepends=True)}


def result(**data: str) -> dict[str, Any]:
    """An output that is the value of a cell: text_plain="42"."""
    return {
        "output_type": "execute_result",
        "data": {name.replace("_", "/"): text for name, text in data.items()},
        "metadata": {},
    }


def laughs(levels: int = 9) -> bytes:
    """XML of a few hundred bytes whose entities stand for 10 to the power of `levels` words."""
    entities = '<!ENTITY e0 "lol">' + "".join(
        f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, levels + 1)
    )
    return (
        f'<?xml version="1.0"?><!DOCTYPE l [{entities}]><l a="&e{levels};">&e{levels};</l>'.encode()
    )


def subtitles(*cues: tuple[int, str], web: bool = False) -> bytes:
    """SRT, or WebVTT, of (second of the start, text)."""
    mark = "." if web else ","
    times = [f"{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}{mark}000" for s, _ in cues]
    made = [
        f"{number}\n{time} --> {time}\n{text}\n"
        for number, (time, (_, text)) in enumerate(zip(times, cues, strict=True), 1)
    ]
    return "\n".join(["WEBVTT\n", *made] if web else made).encode()
