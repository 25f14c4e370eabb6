"""Secrets that show by themselves, in whatever file: private keys, tokens of known forms, exports
of passwords. A file that holds one is left out whole, since secrets come in company.

The forms are those of detect-secrets (Apache-2.0), with which a test compares them, and of the
services' own pages. What is too short or too plain to be one, as in a manual, is none. Names that
hold secrets are in `searchapp.filesystem.secret_names`.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from searchapp.errors import FileSkipped
from searchapp.filesystem.ignore_rules import SECRET

if TYPE_CHECKING:
    from collections.abc import Iterator

_LEAST = 20  # characters of a token without a space
_RUN = b"w" * _LEAST
_MARKS = bytes(
    ord("w") if (character := chr(code)).isascii() and (character.isalnum() or character in "-_+")
    else ord(" ")
    for code in range(256)
)  # fmt: skip
_SLICE = 20_000  # characters at a time: in short texts the search is faster
_BEFORE = 64  # characters before a token that say what it is

_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    r"(?:(?!-----)[\s\S]){0,600}?[A-Za-z0-9+/]{48}"
)
_PUTTY_KEY = re.compile(r"PuTTY-User-Key-File-[0-9]: |---- BEGIN SSH2 ENCRYPTED PRIVATE KEY")

# what a token begins with, and the whole of it; all of it is one run of `_MARKS`
_TOKENS = {
    "an AWS key": (
        r"(?:A3T[A-Z0-9]|ABIA|ACCA|AKIA|ASIA)[A-Z0-9]{16}"
        r"|(?:aws|AWS|Aws)(?i:_secret_access_key)[\"']?\s{0,4}[=:]{1,2}>?\s{0,4}[\"']?"
        r"[A-Za-z0-9/+]{40}(?![\w/+=])"
    ),
    "an Azure key": (
        r"DefaultEndpointsProtocol=https?;AccountName=[^;\s]{1,80};"
        r"AccountKey=[A-Za-z0-9/+]{86}=="
    ),
    "a GitHub token": r"gh[opsur]_[A-Za-z0-9_]{36,251}|github_pat_[A-Za-z0-9_]{60,100}",
    "a GitLab token": (
        r"gl(?:pat|dt|ft|soat|rt|imt|ptt|agent|oas)-[A-Za-z0-9_-]{20,1024}"
        r"|glcbt-(?:[0-9a-fA-F]{2}_)?[A-Za-z0-9_-]{20,50}|GR1348941[A-Za-z0-9_-]{20,50}"
    ),
    "a Slack token": r"xox[abeoprs]-(?:[0-9]+-)+[A-Za-z0-9]+",
    "a Stripe key": r"[rs]k_live_[A-Za-z0-9]{24,}",
    "a Google key": r"AIza[A-Za-z0-9_-]{35}|GOCSPX-[A-Za-z0-9_-]{28}",
    "an npm token": r"npm_[A-Za-z0-9]{36}",
    "a PyPI token": r"pypi-Ag[A-Za-z0-9_-]{70,}",
    "an OpenAI key": r"sk-(?:[A-Za-z0-9_-]*[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}|proj-[\w-]{40,})",
    "an Anthropic key": r"sk-ant-[A-Za-z0-9]+-[\w-]{80,}",
    "a Hugging Face token": r"hf_[A-Za-z0-9]{34,}",
    "a DigitalOcean token": r"do[opr]_v1_[a-f0-9]{64}",
    "a Shopify token": r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}",
    "a Square token": r"sq0(?:csp|atp)-[A-Za-z0-9_-]{22,60}",
    "a Twilio key": r"SK[a-f0-9]{32}",
    "a Grafana token": r"gl(?:sa|c)_[A-Za-z0-9_+=/]{32,}",
    "a Databricks token": r"dapi[a-f0-9]{32}",
    "a Postman key": r"PMAK-[a-f0-9]{24}-[a-f0-9]{34}",
    "a New Relic key": r"NRAK-[A-Z0-9]{27}",
    "a Linear key": r"lin_api_[A-Za-z0-9]{40}",
    "an Atlassian token": r"ATATT3[A-Za-z0-9_=-]{100,}",
    "an Artifactory key": r"AKCp[A-Za-z0-9]{20,}",
    "a private key": (
        r"AGE-SECRET-KEY-1[A-Z0-9]{58}|xprv[1-9A-HJ-NP-Za-km-z]{107}"
        # what begins a PEM block, in base64
        r"|LS0tLS1CRUdJTi(?:BQUklWQVRFIEtFWS0t|BSU0EgUFJJVkFURSBLRVkt|BFQyBQUklWQVRFIEtFWS0t"
        r"|BEU0EgUFJJVkFURSBLRVkt|BPUEVOU1NIIFBSSVZBVEUgS0VZLS0t)[A-Za-z0-9+/]+"
    ),
}
# tokens of several parts: what stands before a run, how the run may begin, and the rest
_SIGNS = frozenset(".:/=\"'")  # that stand before such a part
_DIGITS = frozenset("0123456789")
_AFTER = ("SG.", "hvs.", "hvb.", "AccountKey=")
_IN_PARTS = {
    "an AWS key": (
        r"(?i:access_?key|aws_?secret)[\"']\W{0,5}[\"']\Z",
        r"[A-Za-z0-9/+]{40}(?![\w/+=])",
    ),
    "a SendGrid key": (r"(?<!\w)SG\.\Z", r"[\w-]{22}\.[\w-]{43}(?![\w-])"),
    "a Vault token": (r"(?<!\w)hv[bs]\.\Z", r"[\w-]{24,}"),
    "an Azure key": (r"AccountKey=\Z", r"[A-Za-z0-9/+]{86}=="),
    "a Telegram token": (r"(?<!\w)[0-9]{8,10}:\Z", r"AA[\w-]{33}(?![\w-])"),
    "a Slack token": (r"hooks\.slack\.com/services/T\w{6,}/B\w{6,}/\Z", r"\w{20,}"),
    "a Discord token": (r"", r"[MNO][\w-]{23,25}\.[\w-]{6}\.[\w-]{27,38}(?![\w-])"),
    "a Mailchimp key": (r"", r"[0-9a-f]{32}-us[0-9]{1,2}(?![\w+-])"),
}
_STARTS = frozenset(
    "A3T ABI ACC AKI ASI gho ghp ghs ghu ghr git glp gld glf gls glr gli gla glo glc GR1 xox sk_ "  # noqa: SIM905
    "rk_ AIz GOC npm pyp sk- hf_ doo dop dor shp sq0 dap PMA NRA lin ATA AKC AGE xpr aws AWS Aws "
    "Def LS0".split()
) | {f"SK{digit}" for digit in "0123456789abcdef"}
_TOKEN = re.compile(
    "|".join(f"(?P<t{index}>{form})" for index, form in enumerate(_TOKENS.values()))
)
_PARTS = [
    (kind, re.compile(before), re.compile(rest)) for kind, (before, rest) in _IN_PARTS.items()
]
_LEAST_DIFFERENT = 8  # characters of a token that is no sample in a manual
_SAMPLE = re.compile(r"example|(.)\1{7}", re.IGNORECASE)

# whole files that give secrets: what stands in their first bytes, in small letters
_HEAD = 4096
_JSON, _XML, _CONFIG = rb"\s*[\[{]", rb"\s*<", rb"\s*(?:[#;][^\n]*\n\s*)*\["
_YAML = rb"(?:(?:---|#)[^\n]*\n|\n)*(?:apiversion|kind|clusters|contexts|users|preferences):"
_EXPORTS = tuple(
    (kind, re.compile(beginning), marks)
    for kind, beginning, *marks in (
        ("an export of passwords", _JSON, b'"encrypted"', b"false", b'"items"', b'"folders"'),
        ("an export of passwords", _JSON, b'"encryptedusername"', b'"encryptedpassword"'),
        ("an export of passwords", _XML, b"<keepassfile"),
        ("an export of passwords", rb"pk\x03\x04", b"export.attributes"),
        ("a Terraform state", _JSON, b'"terraform_version"', b'"lineage"'),
        ("keys of Kubernetes", _YAML, b"kind: config", b"clusters:", b"client-key-data"),
        ("keys of Kubernetes", _YAML, b"kind: config", b"clusters:", b"token: "),
        ("logins of Docker", _JSON, b'"auths"', b'"auth"'),
        ("a token of Google", _JSON, b'"refresh_token"', b'"client_secret"'),
        ("keys of WireGuard", _CONFIG, b"[interface]", b"privatekey"),
        ("accounts of rclone", _CONFIG, b"type = ", b"token = {", b'"access_token"'),
        ("keys of OpenVPN", rb"\s*(?:#[^\n]*\n\s*)*-----begin openvpn static key"),
        ("a wallet", _JSON, b'"ciphertext"', b'"kdfparams"'),
        ("a wallet", _JSON, b'"wallet_type"', b'"seed_version"'),
        ("cookies", rb"# (?:netscape )?http cookie file"),
    )
)
_ANY_EXPORT = re.compile(
    b"|".join(dict.fromkeys(beginning.pattern for _, beginning, _ in _EXPORTS))
)
_DATABASE_HEAD = 65_536
_DATABASE = b"SQLite format 3\0"
_DATABASES = {
    b"encrypted_value": "cookies",
    b"moz_cookies": "cookies",
    b"password_value": "an export of passwords",
    b"nssPrivate": "an export of passwords",
}
_PASSWORD_COLUMNS = frozenset({b"password", b"login_password", b"passwort", b"passwd"})
_ACCOUNT_COLUMNS = frozenset(
    (
        b"url username user login login_uri login_username website email uri formactionorigin "
        b"hostname loginname"
    ).split()
) | {b"web site", b"login name", b"user name", b"web address"}

_taken: ContextVar[list[str] | None] = ContextVar("taken", default=None)


@contextmanager
def taking_secrets(*, allowed: bool) -> Iterator[list[str]]:
    """Let secrets through meanwhile, where that is allowed; yields the list of those that were."""
    taken: list[str] = []
    token = _taken.set(taken if allowed else None)
    try:
        yield taken
    finally:
        _taken.reset(token)


def are_taken() -> bool:
    """Whether secrets are let through."""
    return _taken.get() is not None


def refuse_secret(kind: str) -> None:
    """Raise FileSkipped for a secret of a kind, "" for none, unless secrets are let through."""
    if not kind:
        return
    taken = _taken.get()
    if taken is None:
        raise FileSkipped(f"{SECRET}: {kind}")
    taken.append(kind)


def secret_file(data: bytes) -> str:
    """What secrets the whole of a file gives, as the middle of a sentence; "" for none."""
    if data.startswith(_DATABASE):
        head = data[:_DATABASE_HEAD]
        return next((kind for mark, kind in _DATABASES.items() if mark in head), "")
    head = data[:_HEAD].removeprefix(b"\xef\xbb\xbf").lower()
    for kind, beginning, marks in _EXPORTS if _ANY_EXPORT.match(head) else ():
        if beginning.match(head) and all(mark in head for mark in marks):
            return kind
    return "an export of passwords" if b"passw" in head and _lists_passwords(head) else ""


def secret_in(text: str) -> str:
    """What secret stands in a text, as the middle of a sentence; "" for none."""
    if _PUTTY_KEY.match(text):
        return "a private key"
    is_asked = False
    for start, end in _runs(text.encode("ascii", "replace").translate(_MARKS)):
        if not is_asked:
            is_asked = True  # the lines of a key are runs, too
            if "PRIVATE KEY" in text and _PRIVATE_KEY.search(text):
                return "a private key"
        is_likely = (
            text[start : start + 3] in _STARTS
            or (text[start - 1 : start] in _SIGNS and _is_part(text, start))
            or (text[end : end + 1] == "." and text[start] in "MNO")
            or (text[end - 1] in _DIGITS and text.find("-us", end - 5, end) >= 0)
        )  # most runs are names, rules and hashes
        if is_likely and (kind := _kind_of(text, start, end)):
            return kind
    return ""


def _runs(marks: bytes) -> Iterator[tuple[int, int]]:
    """Where at least `_LEAST` letters, digits, "-", "_" and "+" stand together."""
    position, length, find = 0, len(marks), marks.find
    while position < length:
        start = find(_RUN, position, position + _SLICE)
        if start < 0:
            position += _SLICE - _LEAST + 1  # no run begins before it, unseen
            continue
        position = find(b" ", start + _LEAST)
        if position < 0:
            position = length
        yield start, position


def _is_part(text: str, start: int) -> bool:
    """Whether what stands before a run says that it may be a part of a token."""
    sign = text[start - 1]
    if sign == "/":
        return text.find("hooks.slack", max(0, start - _BEFORE), start) >= 0
    if sign in "\"'":
        before = text[max(0, start - 24) : start].lower()
        return "key" in before or "secret" in before
    return text.endswith(_AFTER, 0, start) or (sign == ":" and text.startswith("AA", start))


def _kind_of(text: str, start: int, end: int) -> str:
    """The kind of token that a run is, or that it is a part of; "" where it is none."""
    match = _TOKEN.match(text, start)
    if match and match.end() >= end and _is_random(match[0]):
        return next(kind for i, kind in enumerate(_TOKENS) if match[f"t{i}"] is not None)
    before = text[max(0, start - _BEFORE) : start]
    for kind, context, rest in _PARTS:
        match = rest.match(text, start)
        if match and context.search(before) and _is_random(match[0]):
            return kind
    return ""


def _is_random(token: str) -> bool:
    """Whether a token has as many different characters as a drawn one, and is no sample."""
    return len(set(token)) >= _LEAST_DIFFERENT and _SAMPLE.search(token) is None


def _lists_passwords(head: bytes) -> bool:
    """Whether a table's first line names passwords beside the accounts that they are for."""
    line = head.partition(b"\n")[0]
    columns = {column.strip(b" \"'\r") for column in re.split(rb"[,;\t|]", line[:1000])}
    return bool(columns & _PASSWORD_COLUMNS and columns & _ACCOUNT_COLUMNS)
