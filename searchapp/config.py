"""Where things are and what was asked for: flags > environment > file > defaults.

The only module that touches the environment. Everything else is told. The file is `config.toml` in
the user's configuration folder, with the keys `corpus`, `model`, `device` and `mode`; unknown keys
are an error, so that a typing mistake does not pass for a setting.
"""

from __future__ import annotations

import atexit
import os
import shutil
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache as remembered
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import platformdirs

from searchapp.errors import Unsupported, UsageError

if TYPE_CHECKING:
    from searchapp.types.vectors import Device, EngineName

_APP = "searchapp"
_FOLDER = ".searchapp"
_KEYS = ("corpus", "model", "device", "mode")
DEVICES: tuple[Device, ...] = ("auto", "cpu", "cuda")
ENGINES: tuple[EngineName, ...] = ("auto", "openvino")

_TERMINALS_WITHOUT_LINKS = ("Apple_Terminal", "vscode", "zed")
_TERMS_WITH_LINKS = ("alacritty", "contour", "foot", "wezterm", "xterm-ghostty", "xterm-kitty")
_VARIABLES_OF_LINKS = ("KITTY_WINDOW_ID", "WT_SESSION", "KONSOLE_VERSION", "ALACRITTY_WINDOW_ID")
_OLDEST_VTE = 5002  # those before may crash at a link


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds for one run of the program."""

    place: str  # of the corpus, which need not exist yet: an absolute folder, or a server's URL
    model: str | None  # None: the corpus's own encoder, else the default one
    cache: Path  # converted models; may be deleted at any time
    device: Device = "auto"  # where passages are embedded
    mode: str | None = None  # how to rank in corpora that have no mode of their own

    @property
    def folder(self) -> Path:
        """The corpus folder; raises Unsupported where the corpus is kept in no folder."""
        if is_url(self.place):
            raise Unsupported(
                "this takes a corpus in a folder", hint="name one with --corpus FOLDER"
            )
        return Path(self.place)


def load(
    *,
    corpus: str | os.PathLike[str] | None = None,
    model: str | None = None,
    device: str | None = None,
) -> Settings:
    """The settings of this run; the arguments are the flags. Raises UsageError for a configuration
    file it cannot read.
    """
    if corpus is not None and not os.fspath(corpus):
        raise UsageError("the corpus has no name", hint="name a folder, or leave --corpus out")
    file = _read_file()
    place = (
        corpus
        or os.environ.get("SEARCHAPP_CORPUS")
        or _nearest(Path.cwd())
        or file.get("corpus")
        or _data_folder() / "corpus"
    )
    named = os.environ.get("SEARCHAPP_CACHE")
    cache = (
        Path(named).expanduser()
        if named
        else usable_cache(_user_folder(platformdirs.user_cache_path), os.geteuid())
    )
    wanted = device or os.environ.get("SEARCHAPP_DEVICE") or file.get("device") or DEVICES[0]
    if wanted not in DEVICES:
        raise UsageError(f"there is no device {wanted!r}", hint=f"devices: {', '.join(DEVICES)}")
    return Settings(
        place=_absolute(os.fspath(place)),
        model=model or os.environ.get("SEARCHAPP_MODEL") or file.get("model") or None,
        cache=cache.absolute(),
        device=next(device for device in DEVICES if device == wanted),
        mode=file.get("mode"),
    )


@remembered
def usable_cache(folder: Path | None, user: int) -> Path:
    """The folder for converted models and last answers: the usual one, or where that can be neither
    written nor read, one among the temporary files that is this user's alone.

    Where others have taken every name for it, it is one for this process, which
    `remove_temporary_cache` removes. `cache_note` says which it is.
    """
    if folder and _is_usable(folder):
        return folder
    import tempfile

    try:
        names = [f"{_APP}-{user}", *(f"{_APP}-{user}-{number}" for number in range(2, 10))]
        places = [Path(tempfile.gettempdir(), name) for name in names]
        fallback = next((place for place in places if _is_own(place, user)), None)
        until = ""
        if fallback is None:
            fallback = Path(tempfile.mkdtemp(prefix=f"{_APP}-"))
            _temporary.append(fallback)
            atexit.register(remove_temporary_cache)
            until = f" until this command ends, as {places[0]} is not this user's alone"
    except OSError:
        return folder or Path(_APP)  # whoever writes there says what is wrong
    why = f"the cache folder {folder} cannot be written" if folder else "there is no home folder"
    _notes.append(
        f"note: {why}; converted models and the last answer are kept in {fallback}{until} "
        "(SEARCHAPP_CACHE names another)"
    )
    return fallback


def runtime_folder(cache: Path) -> Path:
    """Where a living server says how to reach it: the runtime folder of this session, or the folder
    of the cache where there is none.
    """
    named = os.environ.get("XDG_RUNTIME_DIR", "")
    return Path(named, _APP) if named.startswith("/") and Path(named).is_dir() else cache / "run"


def remove_temporary_cache() -> None:
    """Remove the cache folder that serves this process only, where there is one."""
    while _temporary:
        import shutil

        shutil.rmtree(_temporary.pop(), ignore_errors=True)


def cache_note() -> str:
    """What is said where the usual cache folder is not used, "" where it is."""
    return "\n".join(_notes)


_notes: list[str] = []
_temporary: list[Path] = []  # cache folders of this process


def is_url(place: str) -> bool:
    """Whether a place is a URL, "postgresql://..." or "memory:", and not a folder."""
    return "://" in place or place.startswith("memory:")


def use_one_thread_for_small_products() -> None:
    """Have NumPy multiply in one thread, before it is first imported: its idle threads spin, and
    slow the engines beside it twofold.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def processor_engine() -> EngineName:
    """What runs models on the processor, as $SEARCHAPP_ENGINE says: by default the fastest there
    is. Raises UsageError for an engine that there is not.
    """
    wanted = os.environ.get("SEARCHAPP_ENGINE") or ENGINES[0]
    if wanted not in ENGINES:
        raise UsageError(f"there is no engine {wanted!r}", hint=f"engines: {', '.join(ENGINES)}")
    return next(engine for engine in ENGINES if engine == wanted)


def project_corpus(folder: Path) -> Path:
    """Where `init` puts the corpus of a project folder."""
    return folder.absolute() / _FOLDER


def wants_color(stream: TextIO) -> bool:
    """Whether colour suits the stream: a terminal, and neither NO_COLOR nor TERM=dumb
    (https://no-color.org).
    """
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def terminal_has_links() -> bool:
    """Whether the terminal is one known to draw OSC 8 hyperlinks, or at least to ignore them
    gracefully.

    Not those of editors that make "path:20" a link by themselves: theirs leads to the line.
    """
    term, program = os.environ.get("TERM", ""), os.environ.get("TERM_PROGRAM")
    if term in ("dumb", "linux") or program in _TERMINALS_WITHOUT_LINKS:
        return False
    vte = os.environ.get("VTE_VERSION", "")
    return (
        program is not None
        or term in _TERMS_WITH_LINKS
        or (vte.isdecimal() and int(vte) >= _OLDEST_VTE)
        or any(os.environ.get(name) for name in _VARIABLES_OF_LINKS)
    )


def terminal_facts(stream: TextIO) -> dict[str, Any]:
    """What is to be known of a terminal, by the names that `output.terminal.style_for` has."""
    return {
        "columns": terminal_columns(stream),
        "color": wants_color(stream),
        "links": terminal_has_links(),
        "host": host_name(),
        "base": str(Path.cwd()),
        "encoding": stream.encoding,
    }


def terminal_columns(stream: TextIO) -> int:
    """How wide a terminal is: as $COLUMNS says, else as stdout or the stream itself does; 80 where
    none does.
    """
    if columns := shutil.get_terminal_size(fallback=(0, 0)).columns:
        return columns
    with suppress(OSError):
        return os.get_terminal_size(stream.fileno()).columns or 80
    return 80


def answering() -> dict[str, str]:
    """What of the environment changes an answer: a living server answers for whom it is the
    same.
    """
    return {name: os.environ.get(name, "") for name in ("TZ", "SEARCHAPP_ENGINE")}


def editor() -> str | None:
    """The user's editor with its options, as $VISUAL or else $EDITOR says; None where neither
    does.
    """
    return os.environ.get("VISUAL") or os.environ.get("EDITOR") or None


def host_name() -> str:
    """The name of this machine, which a link to one of its files begins with."""
    return os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")


def _read_file() -> dict[str, str]:
    folder = _user_folder(platformdirs.user_config_path)
    path = folder / "config.toml" if folder else None
    if path is None or not os.path.exists(path):  # noqa: PTH110 - False where it may not look
        return {}
    import tomllib

    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(
            f"cannot read {path}: {error}", hint="mend the file, or remove it"
        ) from error
    unknown = [
        key for key, value in values.items() if key not in _KEYS or not isinstance(value, str)
    ]
    if unknown:
        raise UsageError(
            f"{path}: unknown or malformed setting {unknown[0]!r}",
            hint=f"known settings, all text: {', '.join(_KEYS)}",
        )
    return values


def _data_folder() -> Path:
    folder = _user_folder(platformdirs.user_data_path)
    if folder is None:
        raise UsageError(
            "there is no home folder to keep a corpus in", hint="name a folder with --corpus DIR"
        )
    return folder


def _user_folder(of: Callable[[str], Path]) -> Path | None:
    """A folder of this user's, None where the system knows no home of theirs."""
    try:
        folder = of(_APP)
    except RuntimeError:
        return None
    return folder if folder.is_absolute() else None


def _is_usable(folder: Path) -> bool:
    """Whether a folder can be written, or made; one that cannot be written but holds something is
    still read.
    """
    try:
        if folder.is_dir():
            return os.access(folder, os.W_OK | os.X_OK) or any(folder.iterdir())
        folder.mkdir(mode=0o700, parents=True)
    except OSError:
        return False
    return True


def _is_own(folder: Path, user: int) -> bool:
    """Whether a folder among the temporary files is the user's and nobody else could write there;
    from now on nobody else may enter it. It is made where there is none.
    """
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        status = folder.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != user or status.st_mode & 0o022:
            return False
        if status.st_mode & 0o077:
            folder.chmod(0o700)
    return True


def _nearest(folder: Path) -> Path | None:
    for place in (folder, *folder.parents):
        if (place / _FOLDER).is_dir():
            return place / _FOLDER
    return None


def _absolute(place: str) -> str:
    return place if is_url(place) else str(Path(place).expanduser().absolute())
