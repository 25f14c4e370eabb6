"""A page of a PDF as it is read: what the steps of reading leave for each other."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class PdfPage:
    """The text of a page and what belongs to it."""

    text: str
    notes: list[str] = field(default_factory=list)
    # of the outline: level from 1, title
    entries: list[tuple[int, str]] = field(default_factory=list)
    is_picture: bool = False
    is_garbled: bool = False  # its fonts say no letters: the text was left out
    has_shapes: bool = True  # its fonts are in the file, so that OCR sees its letters
    drawn: list[int] = field(default_factory=list)  # annotations that are signatures and stamps
    has_files: bool = False  # paperclips

    @property
    def is_for_ocr(self) -> bool:
        """Whether there is more to read in the picture of the page than in its text."""
        return self.is_picture or (self.is_garbled and self.has_shapes)

    @property
    def is_lost(self) -> bool:
        """Whether neither its fonts nor OCR told its letters."""
        return self.is_garbled and not self.text.strip()
