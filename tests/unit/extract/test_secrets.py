"""Secrets are known by what they are, in any file; what only speaks of them is none.

The samples are put together here, so that no file of this repository holds one.
"""

from __future__ import annotations

import base64
import importlib
import io
import json
import pkgutil
import random
import re
import string
import sysconfig
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from searchapp.errors import FileSkipped
from searchapp.extract.entries import entries, extract
from searchapp.extract.secrets import secret_file, secret_in, taking_secrets
from tests.paths import DATA, ROOT

NPMRC = "//registry.example.org/:_authToken="
CHANCE = random.Random(7)
HEX, WORD = "0123456789abcdef", string.ascii_letters + string.digits
UPPER = string.ascii_uppercase + "234567"


def drawn(letters: str, count: int) -> str:
    return "".join(CHANCE.choice(letters) for _ in range(count))


def pem(name: str) -> str:
    lines = (drawn(WORD + "+/", 64) for _ in range(6))
    return "\n".join((f"-----BEGIN {name}-----", *lines, f"-----END {name}-----"))


TOKENS = {
    "an AWS key": ["AKIA" + drawn(UPPER, 16), "ASIA" + drawn(UPPER, 16)],
    "a GitHub token": [f"gh{kind}_{drawn(WORD, 36)}" for kind in "pousr"]
    + [f"github_pat_{drawn(WORD, 22)}_{drawn(WORD, 59)}"],
    "a GitLab token": [f"gl{kind}-{drawn(WORD, 20)}" for kind in ("pat", "dt", "rt", "cbt")]
    + [f"GR1348941{drawn(WORD, 20)}", f"glimt-{drawn(WORD, 25)}", f"glptt-{drawn(WORD, 40)}"]
    + [f"glagent-{drawn(WORD, 50)}", f"gloas-{drawn(WORD, 64)}"],
    "a Slack token": [
        f"xoxb-{drawn('123456789', 12)}-{drawn('123456789', 12)}-{drawn(WORD, 24)}",
        f"https://hooks.slack.com/services/T{drawn(UPPER, 8)}/B{drawn(UPPER, 8)}/{drawn(WORD, 24)}",
    ],
    "a Stripe key": ["sk_" + "live_" + drawn(WORD, 24), "rk_" + "live_" + drawn(WORD, 24)],
    "a Google key": ["AIza" + drawn(WORD, 35), "GOCSPX-" + drawn(WORD, 28)],
    "an npm token": ["npm_" + drawn(WORD, 36)],
    "a PyPI token": [
        f"pypi-{index}{drawn(WORD, 80)}" for index in ("AgEIcHlwaS5vcmc", "AgENdGVzdC5weXBpLm9yZw")
    ],
    "an OpenAI key": [
        f"sk-{drawn(WORD, 20)}T3Blbk" + f"FJ{drawn(WORD, 20)}",
        f"sk-proj-{drawn(WORD, 60)}",
    ],
    "an Anthropic key": ["sk-ant-" + f"api03-{drawn(WORD, 93)}AA"],
    "a Hugging Face token": ["hf_" + drawn(string.ascii_letters, 34)],
    "a DigitalOcean token": ["dop_v1_" + drawn(HEX, 64)],
    "a Shopify token": ["shpat_" + drawn(HEX, 32)],
    "a Square token": ["sq0csp-" + drawn(WORD, 43)],
    "a Twilio key": ["SK" + drawn(HEX, 32)],
    "a Mailchimp key": [drawn(HEX, 32) + "-us12"],
    "a Grafana token": ["glsa_" + drawn(WORD, 41)],
    "a Databricks token": ["dapi" + drawn(HEX, 32)],
    "a Postman key": [f"PMAK-{drawn(HEX, 24)}-{drawn(HEX, 34)}"],
    "a New Relic key": ["NRAK-" + drawn(UPPER, 27)],
    "a Linear key": ["lin_api_" + drawn(WORD, 40)],
    "an Atlassian token": ["ATATT3" + drawn(WORD, 180)],
    "an Artifactory key": ["AKCp" + drawn(WORD, 69)],
    "a SendGrid key": [f"SG.{drawn(WORD, 22)}.{drawn(WORD, 43)}"],
    "a Vault token": ["hvs." + drawn(WORD, 90)],
    "a Telegram token": [f"{drawn('123456789', 10)}:AA{drawn(WORD, 33)}"],
    "a Discord token": [f"M{drawn(WORD, 23)}.{drawn(WORD, 6)}.{drawn(WORD, 27)}"],
    "an Azure key": [
        f"DefaultEndpointsProtocol=https;AccountName=a;AccountKey={drawn(WORD + '+/', 86)}==",
        f"AccountKey={drawn(WORD, 86)}==",
    ],
    "a private key": [
        pem("RSA PRIVATE KEY"),
        pem("EC PRIVATE KEY"),
        pem("DSA PRIVATE KEY"),
        pem("PRIVATE KEY"),
        pem("ENCRYPTED PRIVATE KEY"),
        pem("OPENSSH PRIVATE KEY"),
        pem("PGP PRIVATE KEY BLOCK").replace("BLOCK-----\n", "BLOCK-----\nVersion: 2\n\n", 1),
        json.dumps({"private_key": pem("PRIVATE KEY")}),
        base64.b64encode(pem("OPENSSH PRIVATE KEY").encode()).decode(),
        base64.b64encode(pem("RSA PRIVATE KEY").encode()).decode(),
        "AGE-SECRET-KEY-1" + drawn(UPPER, 58),
        "xprv" + drawn("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", 107),
    ],
}
TOKENS["an AWS key"] += [
    f"aws_secret_access_key = {drawn(WORD + '/+', 40)}",
    f'AWS_SECRET_ACCESS_KEY="{drawn(WORD + "/+", 40)}"',
    f'"SecretAccessKey": "{drawn(WORD, 40)}"',
    f"'SecretAccessKey': '{drawn(WORD, 40)}'",
    f'"aws_secret" => "{drawn(WORD, 40)}"',
]


@pytest.mark.parametrize("kind", TOKENS)
def test_a_token_is_found_wherever_it_stands(kind: str) -> None:
    for token in TOKENS[kind]:
        for text in (
            token,
            f"Words before, {token} and words behind.",
            f"KEY={token}\n",
            f'"{token}"',
            "a line of words\n" * 3000 + token + "\n" + "a line of words\n" * 3000,
            f"Grüße: {token}, 你好",
        ):
            assert secret_in(text) == kind, text[:200]


def test_a_token_is_found_across_the_slices_in_which_a_text_is_searched() -> None:
    token, parts = TOKENS["an AWS key"][0], TOKENS["a Telegram token"][0]
    for before in range(19_960, 20_030):
        assert secret_in(" " * before + token) == "an AWS key", before
        assert secret_in(" " * before + parts) == "a Telegram token", before
    for before in range(39_900, 40_010):
        assert secret_in(" " * before + token + " end") == "an AWS key", before


def test_what_makes_a_token_one_is_as_long_and_as_mixed_as_it_must_be() -> None:
    random = "ABCDEFGHIJKLMNOP"
    assert secret_in("AKIA" + random) == "an AWS key"
    assert not secret_in("xoxb-1-" + random[:12])  # 19 characters
    assert secret_in("xoxb-1-" + random[:13]) == "a Slack token"
    assert secret_in("AKIA" + "BCDEF" * 3 + "B") == "an AWS key"  # 8 different ones
    assert not secret_in("AKIA" + "BCDE" * 4)


def test_what_says_what_a_token_is_may_begin_a_text_and_stand_64_characters_before_it() -> None:
    def hook(workspace: int) -> str:
        place = f"hooks.slack.com/services/T{'A' * workspace}/B{'2' * 16}/"
        return f"{place}{drawn(WORD, 24)}"

    assert [secret_in(hook(size)) for size in (19, 20)] == ["a Slack token", ""]
    assert secret_in("https://" + hook(19)) == "a Slack token"


def test_the_head_of_a_table_is_a_thousand_characters() -> None:
    assert secret_file(b"url," + b"a" * 987 + b",password") == "an export of passwords"
    assert not secret_file(b"url," + b"a" * 988 + b",password")


def test_a_key_of_putty_is_found() -> None:
    assert secret_in("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n") == "a private key"


@pytest.mark.parametrize(
    "text",
    [
        "AKIAIOSFODNN7EXAMPLE is the sample of the manual",
        "AKIAXXXXXXXXXXXXXXXX, ghp_" + "x" * 36 + ", sk_live_" + "0" * 24,
        "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "begins with -----BEGIN RSA PRIVATE KEY----- and ends with -----END RSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----\n\n" + pem("CERTIFICATE"),
        pem("CERTIFICATE"),
        pem("PUBLIC KEY"),
        pem("PGP SIGNATURE"),
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA" + drawn(WORD, 44) + " ann@example.org",
        drawn(HEX, 40) + " a commit\n" + drawn(HEX, 64) + "  file.tar.gz",
        "sha512-" + drawn(WORD, 86) + "==",
        "data:image/png;base64," + drawn(WORD, 400),
        "https://example.org/a-page-about-ghp_-tokens/with-a-very-long-name-of-its-own.html",
        "AsIAnAttribute asiatic_markets_and_their_histories SKIP_THE_NEXT_FORTY_LINES_OF_THIS",
    ],
)
def test_what_only_looks_like_one_or_speaks_of_one_is_none(text: str) -> None:
    assert secret_in(text) == ""


def sources() -> Iterator[Path]:
    """Source and documentation, some of which speaks of secrets."""
    library = Path(sysconfig.get_path("stdlib"))
    for folder in (DATA, ROOT / "docs", ROOT / "searchapp"):
        yield from (path for path in sorted(folder.rglob("*")) if path.is_file())
    yield from sorted(library.glob("*.py"))
    for name in ("email", "http", "json", "sqlite3", "urllib", "xml", "asyncio"):
        yield from sorted((library / name).rglob("*.py"))


def test_no_document_of_ours_and_no_source_that_mentions_secrets_is_taken_for_one() -> None:
    said = {}
    for path in sources():
        data = path.read_bytes()
        said[path.name] = secret_file(data) or secret_in(data.decode("utf-8", "replace"))
    assert len(said) > 300
    assert {name: kind for name, kind in said.items() if kind} == {}


def one_pux() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("export.attributes", "{}")
        archive.writestr("export.data", '{"accounts": []}')
    return made.getvalue()


def database(statement: str) -> bytes:
    import sqlite3

    connection = sqlite3.connect(":memory:")
    connection.execute(statement)
    made: bytes = connection.serialize()
    connection.close()
    return made


CONFIG = "kind: Config\nclusters:\n- name: a\nusers:\n- user:\n    "
EXPORTS: dict[str, list[str | bytes]] = {
    "an export of passwords": [
        "name,url,username,password,note\n",
        '"url","username","password","httpRealm"\n',
        "folder,favorite,type,name,notes,fields,reprompt,login_uri,login_username,login_password\n",
        "Title,Url,Username,Password,OTPAuth,Favorite\r\n",
        '"Account","Login Name","Password","Web Site","Comments"\n',
        "\ufeffUser;Passwort;Url\n",
        '{"encrypted": false, "folders": [], "items": []}',
        '{"nextId": 2, "logins": [{"encryptedUsername": "x", "encryptedPassword": "y"}]}',
        '<?xml version="1.0"?>\n<KeePassFile><Root/></KeePassFile>',
        one_pux(),
        database("CREATE TABLE logins (origin_url VARCHAR, password_value BLOB)"),
    ],
    "cookies": [
        "# Netscape HTTP Cookie File\n",
        database("CREATE TABLE cookies (host_key TEXT, encrypted_value BLOB)"),
        database("CREATE TABLE moz_cookies (id INTEGER)"),
    ],
    "a Terraform state": ['{"version": 4, "terraform_version": "1.5.0", "lineage": "x"}'],
    "keys of Kubernetes": [
        f"apiVersion: v1\n{CONFIG}client-key-data: aGVsbG8=\n",
        f"# admin\n{CONFIG}token: abc\n",
    ],
    "logins of Docker": ['{"auths": {"registry.example.org": {"auth": "YW5uOnB3"}}}'],
    "a token of Google": ['{"token": "t", "refresh_token": "1//x", "client_secret": "y"}'],
    "keys of WireGuard": ["[Interface]\nPrivateKey = x\n[Peer]\nPublicKey = y\n"],
    "accounts of rclone": ['[drive]\ntype = drive\ntoken = {"access_token":"x"}\n'],
    "keys of OpenVPN": ["#\n# 2048 bit\n#\n-----BEGIN OpenVPN Static key V1-----\n0a0b\n"],
    "a wallet": [
        '{"crypto": {"ciphertext": "00", "kdf": "scrypt", "kdfparams": {}}, "version": 3}',
        '{"wallet_type": "standard", "seed_version": 17}',
    ],
}


@pytest.mark.parametrize("kind", EXPORTS)
def test_a_file_that_keeps_secrets_is_known_by_how_it_begins(kind: str) -> None:
    for content in EXPORTS[kind]:
        data = content.encode() if isinstance(content, str) else content
        assert secret_file(data) == kind, data[:80]
        first = next(entries(data, "notes.zip" if data[:2] == b"PK" else "notes.txt"))
        with pytest.raises(FileSkipped, match=f"secret: {kind}"):
            first.read()


@pytest.mark.parametrize(
    "text",
    [
        "rule,password policy,url\n",
        "name,password\n",
        "Choose a password for your username at this url.\n",
        'print(\'{"auths": {"x": {"auth": "y"}}}\')\n',
        'A state begins with {"terraform_version": "1", "lineage": "x"}.',
        "# Kubernetes\n\n    kind: Config\n    clusters: []\n    token: abc\n",
        '"""Writes a # Netscape HTTP Cookie File."""\n',
        "Put PrivateKey under [Interface].\n",
    ],
)
def test_a_page_about_such_files_is_none(text: str) -> None:
    assert secret_file(text.encode()) == ""


def test_a_document_is_refused_for_the_secret_in_it_and_taken_where_that_is_wanted() -> None:
    text = f"# Server\n\nLog in with {TOKENS['a GitHub token'][0]}.\n".encode()
    with pytest.raises(FileSkipped, match="secret: a GitHub token"):
        extract(text, "notes.md")
    with taking_secrets(allowed=True) as taken:
        assert "Log in with" in extract(text, "notes.md").text
    assert taken == ["a GitHub token"]
    with taking_secrets(allowed=False), pytest.raises(FileSkipped):
        extract(text, "notes.md")


LEFT_TO_NAMES_AND_CONTEXT = {  # what detect-secrets knows by the words around it, or is no secret
    "basic_auth", "cloudant", "ibm_cloud_iam", "ibm_cos_hmac", "ip_public", "jwt", "keyword",
    "softlayer",
}  # fmt: skip
LEFT = {  # too short to tell, and those that are tested above
    r'(?:\s|=|:|"|^)AP[\dABCDEF][a-zA-Z0-9]{8,}(?:\s|"|$)',
    "AC[a-z0-9]{32}",
    "PuTTY-User-Key-File-2",
    "BEGIN SSH2 ENCRYPTED PRIVATE KEY",
}


def detectors() -> Iterator[tuple[str, re.Pattern[str]]]:
    """The forms that detect-secrets knows, with the name of its plugin."""
    plugins = importlib.import_module("detect_secrets.plugins")
    for found in pkgutil.iter_modules(plugins.__path__):
        module = importlib.import_module(f"detect_secrets.plugins.{found.name}")
        for kind in vars(module).values():
            if isinstance(kind, type) and kind.__module__ == module.__name__:
                forms = vars(kind).get("denylist", ())
                for form in forms if isinstance(forms, (list, tuple)) else ():
                    yield found.name, form


def test_every_form_that_detect_secrets_knows_has_a_sample_here() -> None:
    samples = [sample for kind in TOKENS.values() for sample in kind]
    samples += [f"'{sample}'" for sample in samples] + [f"{NPMRC}{TOKENS['an npm token'][0]}"]
    missing = {
        (plugin, form.pattern)
        for plugin, form in detectors()
        if plugin not in LEFT_TO_NAMES_AND_CONTEXT
        and form.pattern not in LEFT
        and not any(form.search(sample) for sample in samples)
    }
    assert missing == set()


def test_a_mail_and_each_of_its_attachments_are_judged_alone_as_members_of_an_archive_are() -> None:
    key, words = f"-----BEGIN EC PRIVATE KEY-----\n{drawn(WORD, 64)}\n", "High water at nine."

    def read(body: str, attached: str) -> dict[str, str]:
        data = (
            "Subject: Tides\nContent-Type: multipart/mixed; boundary=e\n\n"
            f"--e\nContent-Type: text/plain\n\n{body}\n"
            "--e\nContent-Type: text/plain; name=a.txt\n"
            f"Content-Disposition: attachment; filename=a.txt\n\n{attached}\n--e--\n"
        )
        told = {}
        for entry in entries(data.encode(), "a.eml"):
            try:
                told[entry.member] = entry.read().text
            except FileSkipped as refusal:
                told[entry.member] = str(refusal)
        return told

    assert read(key, words) == {"": "secret: a private key", "a.txt": words}
    assert read(words, key)["a.txt"] == "secret: a private key"
    assert words in read(words, key)[""]
