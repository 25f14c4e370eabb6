"""Names of files and folders that hold secrets, whatever their content; copies of them go by marks
such as ".bak", " (1)" and "Copy of".

Names that programs and people also give to what only speaks of secrets (`passwords.py`,
`recovery-codes.md`) are none. What a file holds is asked of `searchapp.extract.secrets`.
"""

from __future__ import annotations

import fnmatch
import re

_EXACT = frozenset(
    (
        # accounts of programs
        b".env .envrc .netrc _netrc netrc .pgpass pgpass.conf .pypirc pypirc .npmrc npmrc "
        b".yarnrc.yml "
        b".dockercfg dockercfg .htpasswd htpasswd shadow gshadow .git-credentials git-credentials "
        b".vault-token .s3cfg s3cfg .boto boto.cfg .my.cnf .rclone.conf rclone.conf "
        b"kubeconfig "
        b"kubeconfig.yaml kubeconfig.yml wpa_supplicant.conf filezilla.xml sitemanager.xml "
        b"recentservers.xml winscp.ini wp-config.php credentials credentials.json credentials.csv "
        b"credentials.xml credentials.yaml credentials.yml credentials.ini credentials.toml "
        b"credentials.db credentials.properties new_user_credentials.csv rootkey.csv "
        b"accesskeys.csv "
        b"access_tokens.db accesstokens.json msal_token_cache.json "
        b"application_default_credentials.json secrets.json secrets.toml secrets.yaml secrets.yml "
        b"secrets.ini secrets.properties secrets.xml vault_pass vault-password .vault_pass "
        # keys
        b"id_rsa id_dsa id_ecdsa id_ecdsa_sk id_ed25519 id_ed25519_sk id_xmss secring.gpg "
        # browsers and password stores
        b"key3.db key4.db logins.json logins-backup.json signons.sqlite cookies.sqlite "
        b"cookies.binarycookies "
        b"passwords.csv passwords.json passwords.xml passwords.txt password.txt passwords.xls "
        b"passwords.xlsx passwords.ods passwords.doc passwords.docx passwords.odt passwords.rtf "
        b"logins.csv "
        # wallets
        b"wallet.dat default_wallet wallet.aes.json "
        # what was typed
        b"bash_history zsh_history fish_history sh_history ksh_history csh_history tcsh_history "
        b"ash_history python_history node_repl_history mysql_history psql_history sqlite_history "
        b"rediscli_history mongo_history .histfile histfile .zhistory consolehost_history"
    ).split()
) | {b"login data", b"login data for account", b"web data"}
_ENDINGS = frozenset(
    (
        b".env .pem .key .p8 .p12 .pfx .ppk .pvk .pk8 .jks .jceks .keystore .bcfks .kdb .kdbx "
        b".keychain .keychain-db .keyring .ovpn .nmconnection .kubeconfig .tfstate .tfvars .1pux "
        b".1pif .psafe3 .enpassdb .wallet"
    ).split()
)
_GLOBS = (
    b".env.*",
    b".*_history",
    b"client_secret*.json",
    b"service[-_]account*.json",
    b"*-firebase-adminsdk-*.json",
    b"*_accesskeys.csv",
    b"*.tfstate.*",
    b"*.tfvars.json",
    b"ssh_host_*_key",
    b"utc--????-??-??t*",  # wallets of Ethereum
    b"bitwarden*export*.json",
    b"bitwarden*export*.csv",
    b"lastpass*export*.csv",
    b"chrome*passwords*.csv",
    b"*1password*.csv",
)
_FOLDERS = (
    b".ssh .gnupg .gpg .aws .azure .gcloud .kube .docker .password-store .pki .mozilla "
    b".thunderbird .electrum .bitcoin .ethereum .rclone .oci .terraform.d keyrings keychains "
    b"*.agilekeychain *.opvault"
).split()
# lists to be kept on paper: only as a document, not as a page or a program about them
_KEPT_ON_PAPER = re.compile(
    rb"(?:.*[ _.-])?(?:(?:recovery|backup)[ _-]?codes?|recovery[ _-]?keys?|emergency[ _-]?kit"
    rb"|(?:seed|recovery)[ _-]?phrase|seed[ _-]?words|mnemonic[ _-]?phrase)(?:[ _.-].*)?"
    rb"\.(?:txt|pdf|rtf|docx?|odt|csv|json|png|jpe?g|heic)"
)
_MOST_BYTES = 255  # of a name on a disk; those of members may be longer, and their end decides
_COPY_BEFORE = re.compile(rb"(?:copy|backup|kopie) (?:of|von) ")
_COPY = (
    rb"[ ._-]{1,3}(?:bak|backup|old|orig|original|saved?|copy|kopie)|[ _-]?\([0-9]{1,3}\)"
    rb"|[._-](?:[0-9]{1,2}|20[0-9]{2}-?[0-9]{2}-?[0-9]{2})|~"
)
_COPY_BEHIND = re.compile(rb"(?:%b|\.(?:txt|temp|tmp|swp))\Z" % _COPY)
_COPY_BEFORE_ENDING = re.compile(rb"(?:%b)(\.[a-z0-9]{1,8})\Z" % _COPY)


def _pattern(globs: tuple[bytes, ...] | list[bytes]) -> re.Pattern[bytes]:
    return re.compile(b"|".join(fnmatch.translate(glob.decode()).encode() for glob in globs))


_FILE_GLOBS, _FOLDER_GLOBS = _pattern(_GLOBS), _pattern(_FOLDERS)


def is_secret_name(name: bytes, *, folder: bool) -> bool:
    """Whether a file or folder of that name holds secrets, or is a copy of one that does."""
    name = name[-_MOST_BYTES:].lower()
    if folder:
        return _FOLDER_GLOBS.fullmatch(name) is not None
    while not _is_secret_file(name):
        original = _COPY_BEFORE.sub(b"", name, count=1)
        original = _COPY_BEHIND.sub(b"", original) or original
        if original == name:
            original = _COPY_BEFORE_ENDING.sub(rb"\1", name)
        if original == name:
            return False
        name = original
    return True


def _is_secret_file(name: bytes) -> bool:
    ending = name[name.rfind(b".") :] if b"." in name else b""
    return (
        name in _EXACT
        or ending in _ENDINGS
        or _FILE_GLOBS.fullmatch(name) is not None
        or _KEPT_ON_PAPER.fullmatch(name) is not None
    )
