"""A text of Rich Text Format under way: the body, a note or a header."""

from __future__ import annotations

from dataclasses import dataclass, field

from searchapp.extract.builder import Part


@dataclass(slots=True)
class RtfFlow:
    """A text of its own: the body, a note, a header; with its paragraph, its row of a table and the
    notes of these.
    """

    parts: list[Part] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)  # of the paragraph under way
    cell: list[str] = field(default_factory=list)  # paragraphs of the cell under way
    row: list[str] = field(default_factory=list)  # cells of the row under way
    nested: list[str] = field(default_factory=list)  # cells of a row within the cell under way
    notes: list[RtfFlow] = field(default_factory=list)
    is_list: bool = False
    author: str = ""  # of a comment

    def paragraph(self) -> str:
        """The text of the paragraph under way, which ends here."""
        text = (
            "".join(self.pieces).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        )
        self.pieces.clear()
        return "\n".join(line.strip() for line in text.split("\n")).strip()


def item_text(text: str) -> str:
    """A list item with its own number or letter, else with a dash."""
    mark, tab, rest = text.partition("\t")
    if tab and any(map(str.isalnum, mark)) and len(mark) <= 12:
        return f"{mark} {rest.strip()}"
    return f"- {rest.strip() if tab and len(mark) <= 2 else text}"
