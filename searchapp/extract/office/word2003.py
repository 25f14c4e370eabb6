"""The XML of Word 2003 as the package that later versions would make of it, so that one reader
serves both.

Its elements have the names of later ones. What it writes in place (notes, comments, changes,
headers) becomes parts and references.
"""

from __future__ import annotations

from typing import Any

from searchapp.extract.office.doc_lists import NUMBER_FORMS
from searchapp.extract.office.ooxml import Package, Relation, attribute, child_of, name_of, parsed

_MAIN = "document"
_NOTES = {"footnote": "footnotes", "endnote": "endnotes", "comment": "comments"}
_EDGES = {"hdr": "header", "ftr": "footer"}
_PROPERTIES = {
    "Title": "title",
    "Author": "creator",
    "Subject": "subject",
    "Keywords": "keywords",
    "Description": "description",
    "Created": "created",
    "LastSaved": "modified",
}
_LIST_NAMES = {  # of elements and attributes, to those of later versions
    "listDef": "abstractNum",
    "listDefId": "abstractNumId",
    "list": "num",
    "ilfo": "numId",
    "ilst": "abstractNumId",
    "listStyleLink": "numStyleLink",
}
_KINDS = {"Word.Insertion": "ins", "Word.Deletion": "del", "Word.Comment": "comment"}


class FlatWord(Package):
    """A document of Word 2003; raises FileFailed where the bytes are no XML."""

    def __init__(self, data: bytes) -> None:
        from lxml import etree  # type: ignore[import-untyped]

        self._element = etree.Element
        self.unread = []
        root = parsed(data)
        self._parts: dict[str, Any] = {_MAIN: root}
        self._kinds: dict[str, str] = {}  # of parts by name
        styles = child_of(root, "styles")
        if styles is not None:
            self._add("styles", "styles", styles)
        self._take_lists(root)
        self._take_changes(root)
        self._take_notes(root)
        self._take_edges(root)
        self._take_properties(root)

    def xml(self, name: str) -> Any | None:
        """The root of a part, None where there is no such part."""
        return self._parts.get(name)

    def content(self, name: str) -> bytes | None:  # noqa: ARG002 - the form of its kind
        """None: no other files are in it."""
        return None

    def names(self) -> list[str]:
        """The names of all parts."""
        return list(self._parts)

    def relations(self, name: str) -> dict[str, Relation]:
        """What a part refers to."""
        if name == "":
            return {
                "main": Relation("officeDocument", _MAIN),
                "core": Relation("core-properties", "core-properties"),
            }
        if name != _MAIN:
            return {}
        return {target: Relation(kind, target) for target, kind in self._kinds.items()}

    def _add(self, name: str, kind: str, root: Any) -> None:
        self._parts[name] = root
        self._kinds[name] = kind

    def _take_lists(self, root: Any) -> None:
        """The rules by which paragraphs are numbered, in the words of later versions."""
        lists = child_of(root, "lists")
        for element in () if lists is None else lists.iter("*"):
            name = name_of(element)
            if name == "nfc":
                form = NUMBER_FORMS.get(_whole(attribute(element, "val")), "decimal")
                element.attrib.clear()
                element.set("val", form)
                element.tag = "numFmt"
            elif name in _LIST_NAMES:
                for key, value in list(element.items()):
                    if (attribute_name := key.rpartition("}")[2]) in _LIST_NAMES:
                        element.set(_LIST_NAMES[attribute_name], value)
                element.tag = _LIST_NAMES[name]
        if lists is not None:
            self._add("numbering", "numbering", lists)

    def _take_changes(self, root: Any) -> None:
        """Annotations by what they are: text that was put in or taken out, or comments."""
        for annotation in list(root.iter("{*}annotation")):
            kind = _KINDS.get(attribute(annotation, "type"), "bookmark")
            content = child_of(annotation, "content")
            annotation.tag = kind
            if content is not None:
                content.tag = "ins"

    def _take_notes(self, root: Any) -> None:
        """Notes and comments to parts of their own, references in their place."""
        for kind, part in _NOTES.items():
            notes = self._element(part)
            for number, note in enumerate(list(root.iter("{*}" + kind))):
                parent = note.getparent()
                if parent is None or name_of(parent).endswith("Pr"):
                    continue  # the line between text and notes
                reference = self._element(f"{kind}Reference", id=str(number))
                reference.tail, note.tail = note.tail, None
                parent.replace(note, reference)
                note.tag = kind
                note.set("id", str(number))
                note.attrib.pop(_type_of(note), None)
                notes.append(note)
            if len(notes):
                self._add(part, part, notes)

    def _take_edges(self, root: Any) -> None:
        for kind, part in _EDGES.items():
            for number, edge in enumerate(root.iter("{*}" + kind)):
                self._add(f"{part}{number}", part, edge)

    def _take_properties(self, root: Any) -> None:
        core = self._element("coreProperties")
        properties = child_of(root, "DocumentProperties")
        for property_element in () if properties is None else properties:
            name = _PROPERTIES.get(name_of(property_element))
            if name:
                element = self._element(name)
                element.text = "".join(property_element.itertext())
                core.append(element)
        self._parts["core-properties"] = core


def _type_of(note: Any) -> str:
    """The name of the attribute that says what a note is."""
    return next((key for key in note.attrib if key.rpartition("}")[2] == "type"), "type")


def _whole(number: str) -> int:
    return int(number) if number.isdecimal() and len(number) <= 9 else 0
