"""Contacts (.vcf: vCard 2.1 to 4.0): every person with addresses, telephones and notes."""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING

from searchapp.errors import FileFailed
from searchapp.extract.builder import Part, document_of
from searchapp.extract.mail.content_lines import (
    ContentLine,
    content_lines,
    packed_noise,
    unfolded,
)
from searchapp.extract.noise import left_out
from searchapp.extract.text.encoding import decode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from searchapp.types.documents import Document

_LABELS = {
    "NICKNAME": "Nickname",
    "ORG": "Organization",
    "TITLE": "Title",
    "ROLE": "Role",
    "EMAIL": "Email",
    "TEL": "Telephone",
    "ADR": "Address",
    "LABEL": "Address",
    "BDAY": "Birthday",
    "ANNIVERSARY": "Anniversary",
    "URL": "Link",
    "IMPP": "Messenger",
    "RELATED": "Related",
    "X-ABRELATEDNAMES": "Related",
    "X-ABDATE": "Date",
    "CATEGORIES": "Categories",
    "NOTE": "Note",
}
_DATES = frozenset({"BDAY", "ANNIVERSARY", "X-ANNIVERSARY", "X-ABDATE", "DEATHDATE"})
_NAMED_BY_APPLE = re.compile(r"_\$!<(.*)>!\$_")
_UNSEEN = frozenset(
    str.split(
        "BEGIN END VERSION PRODID REV UID N FN CLASS SORT-STRING MAILER TZ GEO SOUND KEY SOURCE "
        "KIND CLIENTPIDMAP PROFILE X-ABADR X-ABUID X-ABSHOWAS X-ABLABEL"
    )
)


def read(data: bytes, document_type: str) -> Document:
    """A person under each name; photographs are left out."""
    lines = list(content_lines(decode(unfolded(data))))
    people = list(_people(lines))
    if not people:
        raise FileFailed("not a readable contact: no name is in it")
    return document_of(
        chain.from_iterable(map(_parts, people)),
        document_type,
        title=_name(people[0]) if len(people) == 1 else "",
        metadata={"incomplete": left_out(packed_noise(lines))},
    )


def _people(lines: Iterable[ContentLine]) -> Iterator[list[ContentLine]]:
    """The properties of each person; a card that is not closed counts too."""
    person: list[ContentLine] = []
    for line in lines:
        if line.name == "BEGIN":
            if person:
                yield person
            person = []
        elif line.name != "END":
            person.append(line)
    if person:
        yield person


def _parts(person: Sequence[ContentLine]) -> Iterator[Part]:
    yield Part("heading", _name(person), level=1)
    values_by_label: dict[str, list[str]] = {}
    kinds = {
        line.group: _NAMED_BY_APPLE.sub(r"\1", line.text)
        for line in person
        if line.name == "X-ABLABEL" and line.group
    }
    for line in person:
        if line.name not in _UNSEEN and (value := _value(line, kinds.get(line.group, ""))):
            label = _LABELS.get(line.name) or line.name.removeprefix("X-").capitalize()
            values_by_label.setdefault(label, []).append(value)
    yield Part(
        "prose",
        "\n".join(
            f"{label}: {'; '.join(dict.fromkeys(values_by_label[label]))}"
            for label in sorted(values_by_label, key=_rank)
        ),
    )


def _rank(label: str) -> int:
    labels = list(dict.fromkeys(_LABELS.values()))
    return labels.index(label) if label in labels else len(labels)


def _name(person: Sequence[ContentLine]) -> str:
    """What a person is called: as written out, else from the parts of the name, else by what there
    is.
    """
    values = {line.name: line for line in reversed(person) if line.value}
    if "FN" in values and values["FN"].text:
        return values["FN"].text
    if "N" in values:
        last, first, *others = (*values["N"].fields, "", "")
        return " ".join(filter(None, (*others[1:2], first, *others[:1], last, *others[2:3])))
    return next(
        (values[name].text for name in ("ORG", "EMAIL", "TEL") if name in values), "Contact"
    )


def _value(line: ContentLine, kind: str) -> str:
    """A property on one line, with what kind of address, telephone or date it is."""
    if line.name in _DATES:
        return f"{line.date} ({kind})" if kind else line.date
    pieces = line.fields if line.name in {"ADR", "ORG", "N"} else [line.text]
    text = ", ".join(" ".join(piece.split()) for piece in pieces if piece)
    kinds = [
        named.lower()
        for named in line.parameters.get("TYPE", "").split(",")
        if named.lower() in {"home", "work", "cell", "fax"}
    ]
    kinds += [kind] if kind else []
    text = text.removeprefix("tel:").removeprefix("mailto:")
    return f"{text} ({', '.join(kinds)})" if text and kinds and line.name != "ORG" else text
