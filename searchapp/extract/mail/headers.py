"""The headers of a mail as metadata, and as its first paragraph: who wrote to whom and when.

Broken addresses and dates are shown as they stand rather than lost.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import getaddresses, parsedate_to_datetime

from searchapp.extract.mail.mime import Mime, words
from searchapp.types.dates import ISO_DAY
from searchapp.types.documents import Place

_MAX_SHOWN = 20  # addresses in the text; the metadata has all
_ISO_DATE = re.compile(rf"{ISO_DAY}[T ]\d\d:\d\d(?::\d\d)?")


def mail_metadata(mail: Mime) -> dict[str, str]:
    """Who wrote to whom, when and about what; only what the mail says."""
    senders = _addresses(mail, "from") or _addresses(mail, "sender")
    metadata = {
        "author": "; ".join(name or address for name, address in senders),
        "from": _joined(senders),
        "to": _joined(_addresses(mail, "to")),
        "cc": _joined(_addresses(mail, "cc")),
        "date": _date(mail),
        "subject": mail.header("subject"),
        "tags": "; ".join(
            filter(
                None,
                map(
                    str.strip,
                    re.split("[,;]", mail.header("keywords") or mail.header("x-gmail-labels")),
                ),
            )
        ),
        "language": mail.header("content-language"),
    }
    return {key: value for key, value in metadata.items() if value}


def header_lines(mail: Mime, metadata: dict[str, str]) -> str:
    """Who wrote to whom and when, a line each."""
    lines = [
        f"{label}: {_shown(metadata[key])}"
        for label, key in (("From", "from"), ("To", "to"), ("Cc", "cc"))
        if key in metadata
    ]
    when = mail.header("date") or metadata.get("date", "")
    return "\n".join((*lines, f"Date: {when}" if when else "")).strip()


def _shown(addresses: str) -> str:
    shown = addresses.split("; ")
    more = len(shown) - _MAX_SHOWN
    return "; ".join(shown[:_MAX_SHOWN]) + (f" and {more} more" if more > 0 else "")


def mail_place(subject: str, date: str) -> Place:
    """The place of every part of a mail: its subject and the day that it was sent."""
    parts = (("subject", subject), ("date", date[:10]))
    return tuple((name, value) for name, value in parts if value)


def _addresses(mail: Mime, name: str) -> list[tuple[str, str]]:
    """The names and addresses in all headers of a name."""
    raw = mail.headers.get_all(name, ())
    try:
        parsed = getaddresses(raw)
    except (ValueError, IndexError, RecursionError, AttributeError):
        parsed = []
    pairs = [
        (words(person).strip("'\" "), address.strip())
        for person, address in parsed
        if person or address
    ]
    if pairs and all("@" in address or person for person, address in pairs):
        return pairs
    # not in any known form: as it stands
    return [(words(value), "") for value in raw if value.strip()]


def _joined(addresses: Sequence[tuple[str, str]]) -> str:
    whole = (
        f"{person} <{address}>" if person and address and person != address else person or address
        for person, address in addresses
    )
    return "; ".join(dict.fromkeys(whole))


def _date(mail: Mime) -> str:
    """When it was sent, ISO 8601 with the sender's zone; else when it was last received; "" where
    neither can be read.
    """
    received = mail.header("received").rpartition(";")[2]
    return next(filter(None, map(_moment, (mail.header("date"), received))), "")


def _moment(text: str) -> str:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError, AttributeError):
        match = _ISO_DATE.match(text)
        try:
            return datetime.fromisoformat(match[0]).isoformat() if match else ""
        except ValueError:
            return ""
    if moment.year < 1900:
        return ""
    return (
        moment.replace(tzinfo=UTC)
        if moment.tzinfo is None and text.strip().endswith("-0000")
        else moment
    ).isoformat()
