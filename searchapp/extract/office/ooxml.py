"""What Word, PowerPoint and Excel files share: parts of XML in a ZIP, bound by relationships, and
the properties of the document.

XML is parsed with no entity resolved, no DTD read and nothing fetched; elements nested deeper than
the parser's own limit (256) make the file unreadable, so that readers may recurse. Elements and
attributes go by their names without namespaces: strict files differ from all others in nothing
else.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from searchapp.errors import FileFailed
from searchapp.extract.office.common import iso_date, real_title
from searchapp.extract.office.zip_package import checked_package, member_bytes

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Iterator, Sequence

_PROPERTIES = {
    "creator": "author",
    "subject": "subject",
    "keywords": "tags",
    "description": "description",
    "language": "language",
}
# the author, with its date and description, in files whose own author left them as they were
_TEMPLATE_AUTHOR = "python-docx"


@dataclass(frozen=True, slots=True)
class Relation:
    """A part that another part refers to; `kind` is the last word of its type: "styles",
    "footnotes", "header".
    """

    kind: str
    target: str  # a part's name; "" where it lies outside the file


class Package:
    """The parts of a file by name; names are compared without case, as the format demands."""

    def __init__(self, data: bytes) -> None:
        self._zip: zipfile.ZipFile = checked_package(data)
        self._names = {_plain(name): name for name in self._zip.namelist()}
        self._relations: dict[str, dict[str, Relation]] = {}
        self.unread: list[tuple[str, FileFailed]] = []  # parts that are broken, and why

    def xml(self, name: str) -> Any | None:  # an lxml element
        """The root of a part, None where there is no such part; raises FileFailed for one that is
        no XML.
        """
        member = self._names.get(_plain(name))
        return None if member is None else parsed(member_bytes(self._zip, member))

    def side(self, name: str) -> Any | None:
        """The root of a part that the document can do without; None, and one more of `unread`,
        where it is broken.
        """
        try:
            return self.xml(name)
        except FileFailed as error:
            self.unread.append((posixpath.basename(name), error))
            return None

    def listed(self, name: str) -> Any | None:
        """The root of a part that the document is made of; None, and one more of `unread`, where it
        is broken or missing: the others can be read without it.
        """
        root = self.side(name)
        if root is None and _plain(name) not in self._names:
            self.unread.append((posixpath.basename(name), FileFailed("it is missing")))
        return root

    def content(self, name: str) -> bytes | None:
        """The bytes of a part, None where there is no such part."""
        member = self._names.get(_plain(name))
        return None if member is None else member_bytes(self._zip, member)

    def names(self) -> list[str]:
        """The names of all parts, as they are written."""
        return list(self._names.values())

    def relations(self, name: str) -> dict[str, Relation]:
        """What a part refers to, by id; "" asks for the relations of the package."""
        known = self._relations.get(name)
        if known is None:
            folder, base = posixpath.split(name)
            root = self.xml(posixpath.join(folder, "_rels", base + ".rels"))
            known = {} if root is None else dict(_relations(root, folder))
            self._relations[name] = known
        return known

    def related(self, name: str, kind: str) -> list[str]:
        """The parts of a kind that a part refers to, in order."""
        return [
            relation.target
            for relation in self.relations(name).values()
            if relation.kind == kind and relation.target
        ]


def incomplete(package: Package, unread: Sequence[str] = ()) -> dict[str, str]:
    """What to add to the metadata where parts of the package, or what `unread` names, could not be
    read.
    """
    reasons = [*(f"{name}: {why}" for name, why in package.unread), *unread]
    return {"incomplete": f"incomplete: {'; '.join(dict.fromkeys(reasons))}"} if reasons else {}


def parsed(data: bytes) -> Any:  # an lxml element
    """The root element of XML; raises FileFailed where it is none."""
    from lxml import etree  # type: ignore[import-untyped]

    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        return etree.fromstring(data.lstrip(), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise FileFailed(f"not a readable file: broken XML: {str(error)[:100]}") from error


def properties(package: Package) -> tuple[str, dict[str, str]]:
    """The title and metadata in the core properties; the title is "" where it only names a file."""
    root = next((package.side(name) for name in package.related("", "core-properties")), None)
    if root is None:
        return "", {}
    values = {
        name_of(child): " ".join("".join(child.itertext()).split())
        for child in root
        if isinstance(child.tag, str)
    }
    if values.get("creator") == _TEMPLATE_AUTHOR:
        values = {
            "title": values.get("title", ""),
            "modified": ""
            if values.get("modified") == values.get("created")
            else values["modified"],
        }
    metadata = {name: values.get(key, "") for key, name in _PROPERTIES.items()}
    metadata["date"] = iso_date(values.get("created", "")) or iso_date(values.get("modified", ""))
    return real_title(values.get("title", "")), {
        name: value for name, value in metadata.items() if value
    }


def name_of(element: Any) -> str:  # an lxml element
    """An element's name without its namespace; "" for what is no element."""
    return _local(element.tag)


def attribute(element: Any, name: str) -> str:  # an lxml element
    """The attribute of that name in any namespace, "" where there is none."""
    for key, value in element.items():
        if _local(key) == name:
            return str(value)
    return ""


def child_of(element: Any, *path: str) -> Any | None:  # lxml elements
    """The first element at the end of a path of names below this one, None where there is none."""
    for name in path:
        for child in element:
            if _local(child.tag) == name:
                element = child
                break
        else:
            return None
    return element


@lru_cache(maxsize=2000)  # a document has few names, and many elements
def _local(tag: object) -> str:
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _relations(root: Any, folder: str) -> Iterator[tuple[str, Relation]]:
    for child in root:
        target = child.get("Target", "")
        if child.get("TargetMode") == "External":
            target = ""
        elif target:
            target = posixpath.normpath(posixpath.join("/", folder, unquote(target))).lstrip("/")
        yield child.get("Id", ""), Relation(child.get("Type", "").rpartition("/")[2], target)


def _plain(name: str) -> str:
    return name.replace("\\", "/").lstrip("/").lower()
