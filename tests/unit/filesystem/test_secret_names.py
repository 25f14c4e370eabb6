"""Every name that holds secrets, and copies of them; names that only speak of secrets are none."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from searchapp.filesystem import secret_names
from searchapp.filesystem.secret_names import is_secret_name
from searchapp.filesystem.walk import FoundFile, walk
from searchapp.types.documents import WITH_SECRETS, Unindexed

SECRETS = {
    "accounts": (
        ".env|.ENV|prod.env|.env.local|.envrc|.netrc|_netrc|netrc|.pgpass|pgpass.conf|.pypirc|.npmrc"
        "|npmrc|.dockercfg|.htpasswd|htpasswd|.git-credentials|.vault-token|.s3cfg|.my.cnf|rclone.conf"
        "|kubeconfig|admin.kubeconfig|kubeconfig.yaml|wpa_supplicant.conf|home.nmconnection"
        "|sitemanager.xml|WinSCP.ini|wp-config.php|credentials|credentials.json|credentials.csv"
        "|rootkey.csv|accessKeys.csv|ann_accessKeys.csv|new_user_credentials.csv|client_secret_1.json"
        "|service-account.json|service_account_prod.json|app-firebase-adminsdk-x1.json"
        "|application_default_credentials.json|secrets.yml|secrets.yaml|secrets.toml|secrets.json"
        "|terraform.tfstate|terraform.tfstate.backup|terraform.tfstate.1612.backup|prod.tfvars"
        "|prod.auto.tfvars|prod.tfvars.json"
    ),
    "keys": (
        "id_rsa|id_dsa|id_ecdsa|id_ecdsa_sk|id_ed25519|id_ed25519_sk|ssh_host_rsa_key|server.pem"
        "|server.PEM|tls.key|AuthKey.p8|a.p12|a.pfx|a.ppk|a.jks|a.keystore|secring.gpg|home.ovpn"
    ),
    "password stores": (
        "a.kdb|a.kdbx|login.keychain|login.keychain-db|a.keyring|export.1pux|a.1pif|a.psafe3"
        "|a.enpassdb|passwords.csv|Passwords.txt|password.txt|passwords.xlsx|Chrome Passwords.csv"
        "|logins.csv|logins.json|bitwarden_export_2024.json|bitwarden_export.csv|lastpass_export.csv"
        "|my 1Password export.csv"
    ),
    "browsers": "key3.db|key4.db|signons.sqlite|cookies.sqlite|Cookies.binarycookies|Login Data|Web Data",
    "kept on paper": (
        "recovery-codes.txt|github-recovery-codes.txt|Recovery Codes.pdf|backup_codes.txt"
        "|google-backup-codes.png|2fa_recovery_codes.csv|BitLocker Recovery Key 1A2B.TXT"
        "|1Password Emergency Kit A3-XXX.pdf|seed phrase.txt|recovery-phrase.docx"
        "|mnemonic phrase.txt|backupcodes.txt"
    ),
    "wallets": (
        "wallet.dat|main.wallet|default_wallet|wallet.aes.json"
        "|UTC--2024-01-05T10-11-12.345Z--0a1b2c"
    ),
    "what was typed": (
        ".bash_history|.zsh_history|.python_history|bash_history|zsh_history|fish_history|psql_history"
        "|mysql_history|node_repl_history|ConsoleHost_history.txt|.histfile|.zhistory"
    ),
    "copies": (
        "id_rsa.bak|id_rsa.old|id_rsa_old|id_rsa (1)|id_rsa copy|Copy of id_rsa|id_rsa - Copy"
        "|id_rsa-backup|id_rsa.txt|id_rsa~|id_rsa.2024-05-01|server.key.txt|server.key.bak"
        "|server.pem.orig|.env.bak|prod.env.save|credentials.txt|credentials (1).json"
        "|credentials-backup.json|wallet.dat.1|passwords (2).csv|bash_history.txt|kubeconfig.bak"
        "|terraform.tfvars.old|rclone.conf.bak|Backup of id_ed25519|id_rsa.bak.txt|logins_old.json"
    ),
}
FOLDERS = (
    ".ssh|.gnupg|.gpg|.aws|.azure|.gcloud|.kube|.docker|.password-store|.pki|.mozilla|.thunderbird"
    "|.electrum|.bitcoin|.ethereum|.rclone|.oci|.terraform.d|keyrings|Keychains|a.agilekeychain"
    "|a.opvault|.SSH"
)
HARMLESS = (
    "environment.md|key.md|keys.txt|id_rsa.pub|id_rsa.pub.bak|cookies.md|credentials.md"
    "|credentials.py|secret.md|secrets.py|passwords.py|password-policy.txt|test_passwords.csv.py"
    "|recovery-codes.md|recovery_codes.py|backup-codes.html|backup-codec.txt|history.txt|bash.txt"
    "|wallet.md|wallet_test.go|kubeconfig.go|docker-compose.yml|terraform.tf|main.tf|tokens.css"
    "|token.py|monkey.txt|keynote.txt|disaster recovery plan.pdf|backup (1).txt|copy of notes.txt"
    "|notes.bak|notes.txt|login.html|data.csv|seeds.txt|mnemonics.md|logins.md|keyboard.txt"
)


@pytest.mark.parametrize("kind", SECRETS)
def test_a_file_of_such_a_name_is_a_secret(kind: str) -> None:
    for name in SECRETS[kind].split("|"):
        assert is_secret_name(name.encode(), folder=False), name


def test_a_folder_of_such_a_name_is_a_secret() -> None:
    for name in FOLDERS.split("|"):
        assert is_secret_name(name.encode(), folder=True), name


def test_a_name_that_only_speaks_of_secrets_is_none() -> None:
    for name in HARMLESS.split("|"):
        assert not is_secret_name(name.encode(), folder=False), name
        assert not is_secret_name(name.encode(), folder=True), name


def test_copies_of_all_names_are_secrets_and_no_name_is_lost_from_the_tables_unseen() -> None:
    for name in secret_names._EXACT:
        assert is_secret_name(name, folder=False), name
        assert is_secret_name(name + b".bak", folder=False), name
    for ending in secret_names._ENDINGS:
        assert is_secret_name(b"a" + ending.upper(), folder=False), ending
    tables = (secret_names._EXACT, secret_names._ENDINGS, secret_names._GLOBS)
    assert [*map(len, tables), len(secret_names._FOLDERS)] == [117, 28, 15, 22]


def test_names_made_to_hurt_cost_no_time() -> None:
    for name in (
        b"copy of " * 30 + b"a",
        b".bak" * 60,
        b"(1)" * 80,
        b"recovery " * 27 + b".txt",
        b"-" * 255,
    ):
        assert is_secret_name(name, folder=False) in {True, False}


def names(folder: Path, *exclude: str) -> tuple[list[str], dict[str, str]]:
    found, left_out = [], {}
    for item in walk(os.fsencode(folder), exclude=exclude):
        name = os.fsdecode(os.path.relpath(item.path, os.fsencode(folder)))
        if isinstance(item, FoundFile):
            found.append(name)
            assert item.with_secrets == (WITH_SECRETS in exclude)
        elif isinstance(item, Unindexed):
            left_out[name] = item.reason
    return found, left_out


def test_secrets_are_found_where_they_are_wanted_and_nothing_else_that_is_left_out(
    tmp_path: Path,
) -> None:
    for name in (".env", ".ssh/id_rsa", "profile/key4.db", ".hidden", "notes.md", "a.tmp"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x", encoding="utf-8")
    found, left_out = names(tmp_path, "*.tmp")
    assert (found, left_out) == (
        ["notes.md"],
        {
            ".env": "secret",
            ".ssh": "secret",
            "profile": "browser profile",
            ".hidden": "hidden",
            "a.tmp": "excluded",
        },
    )
    found, left_out = names(tmp_path, "*.tmp", WITH_SECRETS)
    assert found == [".env", ".ssh/id_rsa", "notes.md", "profile/key4.db"]
    assert left_out == {".hidden": "hidden", "a.tmp": "excluded"}


def test_a_presentation_for_keynote_is_no_key(tmp_path: Path) -> None:
    (tmp_path / "talk.key").write_bytes(b"PK\3\4 and more")
    (tmp_path / "tls.key").write_bytes(b"-----BEGIN")
    assert names(tmp_path) == (["talk.key"], {"tls.key": "secret"})


@pytest.mark.parametrize(
    ("name", "is_secret"),
    [
        (b"copy of " * 8000 + b"x", False),
        (b"x" + b" (1)" * 16_000 + b".txt", False),
        (b"recovery codes " * 4300, False),
        (b"x" * 64_000 + b".pem.bak", True),
    ],
    ids=["copies", "numbered", "codes", "key"],
)
def test_a_long_name_of_a_member_takes_no_longer(name: bytes, is_secret: bool) -> None:
    begun_s = time.process_time()
    assert is_secret_name(name, folder=False) == is_secret
    assert time.process_time() - begun_s < 1
