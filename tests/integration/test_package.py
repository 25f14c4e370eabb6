"""What a user installs: the wheel holds all that is needed, and what README and Makefile say is
true.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from tests.paths import ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [
            sys.executable,
            "-m",
            "build",
            "--wheel",
            "--no-isolation",
            "--outdir",
            str(out),
            str(ROOT),
        ],
        check=True,
        capture_output=True,
    )
    (built,) = out.glob("searchapp-*.whl")
    return built


@pytest.mark.slow
def test_the_wheel_holds_the_package_and_its_migrations_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {
        "searchapp/cli/app.py",
        "searchapp/extract/sandbox/worker.py",
        "searchapp/migrations/env.py",
    } <= names
    assert {
        "searchapp/output/html/templates/base.html.jinja",
        "searchapp/output/html/assets/base.css",
        *(f"searchapp/output/html/templates/{page}.html.jinja" for page in ("map", "pair")),
        *(
            f"searchapp/output/html/assets/{page}.{kind}"
            for page in ("map", "pair")
            for kind in ("css", "js")
        ),
    } <= names
    assert any(name.startswith("searchapp/migrations/versions/0001") for name in names)
    version = wheel.name.split("-")[1]
    assert f"searchapp-{version}.data/data/share/man/man1/searchapp.1" in names
    assert {name.split("/")[0] for name in names if "dist-info" not in name} == {
        "searchapp",
        f"searchapp-{version}.data",
    }


@pytest.mark.slow
@pytest.mark.model
def test_a_wheel_in_an_environment_of_its_own_ingests_and_queries(
    wheel: Path, tmp_path: Path, model_cache: Path
) -> None:
    # The dependencies are lent by a path file, which a nested editable install of this checkout
    # does not follow.
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / "bin" / "python"
    subprocess.run(
        [str(python), "-m", "pip", "install", "--no-deps", "--no-index", "--quiet", str(wheel)],
        check=True,
    )
    site = next((tmp_path / "env" / "lib").glob("python*/site-packages"))
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "note.md").write_text(
        "# Plums\n\nThe tree by the wall bears in August.\n", encoding="utf-8"
    )
    environment = {
        **os.environ,
        "SEARCHAPP_CACHE": str(model_cache),
        "SEARCHAPP_CORPUS": str(tmp_path / "corpus"),
    }
    environment.pop("PYTHONPATH", None)

    def run(*words: str) -> str:
        done = subprocess.run(
            [python.with_name("searchapp"), *words],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    where = subprocess.run(
        [python, "-c", "import searchapp; print(searchapp.__file__)"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert where.stdout.startswith(str(site))
    run("ingest", "docs")
    (match,) = json.loads(run("query", "when is the fruit ripe", "--json"))["matches"]
    assert Path(match["path"]).name == "note.md"


def test_readme_names_the_two_commands_of_the_makefile() -> None:
    readme, makefile = (
        (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "Makefile")
    )
    for target in ("demo", "test"):
        assert f"$ make {target}" in readme
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


@pytest.mark.slow
def test_make_lists_every_target_with_what_it_does() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (phony,) = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert re.findall(r"^make (\w+) +\w", listed, re.MULTILINE) == phony.split()
