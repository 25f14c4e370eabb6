"""The models at hand are found without importing or fetching anything, described as they are, and
what is wrong with one is said.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.config import Settings
from searchapp.corpus import Corpus
from searchapp.encoders.catalog import InstalledModel, current_model, installed_models
from searchapp.encoders.model_folder import DEFAULT_WEIGHTS_SHA256, find_model
from searchapp.encoders.model_info import converted_size, read_model_info
from searchapp.encoders.openvino_engine import entry_path
from searchapp.encoders.verification import ModelPart, verify_model
from searchapp.errors import EncoderError
from searchapp.maintenance.reembed import use_model
from searchapp.output import models
from searchapp.output.terminal import TerminalStyle
from searchapp.types.encodings import CorpusEncodings, ReembedReport
from searchapp.types.model_names import MULTILINGUAL
from searchapp.types.results import FileOutcome
from searchapp.types.vectors import EncoderIdentity
from tests.unit.encoders.test_text_encoder import converted, home

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["converted", "home"]
pytestmark = pytest.mark.model


@pytest.fixture
def chosen(home: Path, tmp_path: Path) -> Settings:
    """Settings with a cache that knows the tiny model, and no corpus."""
    return Settings(str(tmp_path / "corpus"), None, home / "cache")


def encodings(chosen: Settings) -> CorpusEncodings:
    return SqliteBackend(chosen.folder).encodings()


def verified(model: str, chosen: Settings) -> list[ModelPart]:
    return verify_model(model, chosen, encodings(chosen).current)


def listed(
    chosen: Settings, folders: tuple[Path, ...] = (), *, hub: Path | None = None
) -> dict[str, InstalledModel]:
    found = installed_models(chosen, encodings(chosen), folders, hub=hub or chosen.cache / "no-hub")
    by_name = {each.model: each for each in found}
    assert len(by_name) == len(found)
    by_name.pop(MULTILINGUAL, None)  # test_multilingual is about it
    return by_name


def copied(model: Path, place: Path) -> Path:
    """A copy that is a model of its own: its limit is another."""
    shutil.copytree(model, place)
    (place / "sentence_bert_config.json").write_text('{"max_seq_length": 20}')
    return place


# ---- which there are -----------------------------------------------------------------------------


def test_the_default_model_those_in_given_folders_and_those_converted_before_are_listed_once(
    chosen: Settings, converted: Path, tmp_path: Path
) -> None:
    model = copied(converted / "model", tmp_path / "moved")
    copied(model, tmp_path / "shelf/b/deep")
    copied(model, tmp_path / "shelf/a")
    copied(model, tmp_path / "shelf/a/inside")  # of a model: no other
    copied(model, tmp_path / "shelf/1/2/3/4/too-deep")
    found = listed(chosen, (tmp_path / "shelf", model, tmp_path / "shelf/a"))
    assert [(each.model, each.origin) for each in found.values()] == [
        ("default", "default"),
        (str(tmp_path / "shelf/a"), "folder"),
        (str(tmp_path / "shelf/b/deep"), "folder"),
        (str(model), "folder"),
        (str(converted / "model"), "cache"),
    ]
    facts = found["default"].info
    assert facts is not None
    assert (facts.family, facts.dim, facts.max_length, facts.pooling, facts.size) == (
        "bert",
        384,
        256,
        "mean",
        90_868_376,
    )


def test_models_of_installed_packages_are_found_by_their_lists_of_files_and_never_imported(
    chosen: Settings, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site/tiny_package"
    copied(home / "model", package / "model")
    (package / "__init__.py").write_text("raise SystemExit('imported')")
    information = tmp_path / "site/tiny_package-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: tiny-package\nVersion: 1.0\n"
    )
    (information / "RECORD").write_text(
        "tiny_package/__init__.py,,\ntiny_package/model/model.safetensors,sha256=x,1\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    found = listed(chosen)
    assert found[str(package / "model")].origin == "package"


def hub_with(model: Path, hub: Path, name: str) -> Path:
    """A snapshot as the hub's library keeps it: links to files that are named by their digests."""
    entry = hub / f"models--{name.replace('/', '--')}"
    snapshot = entry / "snapshots/0123abcd"
    shutil.copytree(model, snapshot)
    (entry / "refs").mkdir()
    (entry / "refs/main").write_text("0123abcd")
    (entry / "blobs").mkdir()
    ((_, digest),) = find_model(str(model), cache=hub).weights
    (snapshot / "model.safetensors").rename(entry / "blobs" / digest)
    (snapshot / "model.safetensors").symlink_to(f"../../blobs/{digest}")
    return snapshot


def test_the_hubs_models_on_this_machine_are_listed_and_what_is_no_encoder_is_not(
    chosen: Settings, home: Path, tmp_path: Path
) -> None:
    snapshot = hub_with(
        copied(home / "model", tmp_path / "one"),
        tmp_path / "hub",
        "some--org/tiny".replace("--", "-"),
    )
    other = hub_with(copied(home / "model", tmp_path / "two"), tmp_path / "hub", "org/talker")
    (other / "config.json").write_text('{"model_type": "gpt2"}')
    (tmp_path / "hub/models--org--unfinished/snapshots").mkdir(parents=True)
    found = listed(chosen, hub=tmp_path / "hub")
    (name,) = (each.model for each in found.values() if each.origin == "hub")
    assert name == "some-org/tiny"
    facts = found[name].info
    assert facts is not None
    assert (facts.model, facts.path, facts.max_length) == (name, snapshot.resolve(), 20)


def test_a_model_that_cannot_be_used_is_listed_with_the_reason(
    chosen: Settings, home: Path, tmp_path: Path
) -> None:
    model = copied(home / "model", tmp_path / "strange")
    (model / "config.json").write_text('{"model_type": "gpt2"}')
    cut = copied(home / "model", tmp_path / "cut")
    os.truncate(cut / "model.safetensors", size := (cut / "model.safetensors").stat().st_size - 10)
    found = listed(chosen, (model, cut))
    assert "unknown kind (gpt2)" in found[str(model)].problem
    assert (
        f"no whole file of weights: it has {size:,} bytes instead of {size + 10:,}"
        in found[str(cut)].problem
    )
    assert "cannot be used: The model in" in models.models_text(
        list(found.values()), TerminalStyle(width=80)
    )


def test_the_corpuss_own_model_and_those_of_kept_encodings_are_told_though_their_folders_are_gone(
    chosen: Settings, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/a.txt").write_text("the quick red fox")
    model = str(home / "model")
    assert current_model(chosen, encodings(chosen).current) == "default"
    Corpus(SqliteBackend(chosen.folder), cache=chosen.cache).ingest(
        [tmp_path / "docs"], model=model
    )
    assert (
        current_model(chosen, encodings(chosen).current),
        listed(chosen)[model].is_current,
        listed(chosen)["default"].is_current,
    ) == (model, True, False)
    copy = str(copied(home / "model", tmp_path / "copy"))
    done = use_model(copy, chosen, keep=True)
    assert done is not None
    assert done.is_in_place
    assert use_model(copy, chosen) is None
    shutil.rmtree(home / "model")
    found = listed(chosen)
    assert (
        found[copy].is_current,
        found[copy].kept,
        found[model].is_current,
        found[model].kept,
    ) == (True, None, False, 1)
    assert found[model].problem.startswith("There is no model at")
    back = use_model(model, chosen)  # by its conversion in the cache
    assert back is not None
    assert (back.is_in_place, back.embedded, encodings(chosen).others) == (True, 0, [])
    with pytest.raises(EncoderError, match="There is no model at"):
        use_model(str(tmp_path / "nowhere"), chosen)


# ---- what one is ---------------------------------------------------------------------------------


def test_a_model_is_described_as_transformers_loads_it(chosen: Settings, home: Path) -> None:
    from transformers import AutoModel

    module = AutoModel.from_pretrained(home / "model", local_files_only=True)
    facts = read_model_info(str(home / "model"), chosen.cache)
    assert facts.parameters == sum(parameter.numel() for parameter in module.parameters())
    assert (facts.family, facts.layers, facts.heads, facts.dim) == ("bert", 2, 4, 32)
    assert (facts.vocabulary, facts.max_length, facts.pooling, facts.precision) == (
        40,
        66,
        "mean",
        "F32",
    )
    assert (facts.query_prompt, facts.document_prompt, facts.has_masked_head, facts.licence) == (
        "",
        "",
        False,
        "",
    )
    assert facts.fingerprint == find_model(str(home / "model"), cache=chosen.cache).fingerprint
    files = entry_path(facts.fingerprint, chosen.cache).iterdir()
    assert converted_size(facts, chosen.cache) == sum(file.stat().st_size for file in files)


def test_licences_prompts_and_what_is_not_converted_are_told(
    chosen: Settings, home: Path, tmp_path: Path
) -> None:
    model = copied(home / "model", tmp_path / "copy")
    (model / "config_sentence_transformers.json").write_text(
        '{"prompts": {"query": "query: ", "document": "text: "}}'
    )
    (model / "LICENSE").write_text("do as you like")
    facts = read_model_info(str(model), chosen.cache)
    assert facts.licence == f"see {model / 'LICENSE'}"
    (model / "README.md").write_text(
        "---\nlanguage: en\nlicense: 'mit'  # stated\n---\n\nlicense: none\n"
    )
    facts = read_model_info(str(model), chosen.cache)
    assert facts.licence == "mit"
    told = models.card_text(facts, converted_size(facts, chosen.cache))
    assert "prompts            question: 'query:', passage: 'text:'\n" in told
    assert "converted          not yet: when it is first needed\n" in told


@pytest.mark.parametrize(
    ("name", "has_head"),
    [
        ("cls.predictions.transform.dense.weight", True),  # BERT
        ("lm_head.dense.weight", True),  # RoBERTa, MPNet
        ("vocab_transform.weight", True),  # DistilBERT
        ("decoder.bias", True),  # ModernBERT
        ("pooler.dense.weight", False),
        ("encoder.decoder.weight", False),
    ],
)
def test_whether_missing_words_can_be_filled_in_is_read_from_the_weights(
    name: str, has_head: bool, chosen: Settings, home: Path, tmp_path: Path
) -> None:
    from safetensors.numpy import load_file, save_file

    model = copied(home / "model", tmp_path / "copy")
    tensors = load_file(model / "model.safetensors") | {name: np.zeros(3, np.float32)}
    save_file(tensors, model / "model.safetensors", metadata={"format": "pt"})
    assert read_model_info(str(model), chosen.cache).has_masked_head is has_head


# ---- whether it is whole -------------------------------------------------------------------------


def states(parts: list[ModelPart]) -> dict[str, str]:
    return {part.name: part.state for part in parts}


def test_a_whole_model_is_sound_in_every_part(chosen: Settings, home: Path, tmp_path: Path) -> None:
    model = str(home / "model")
    (tmp_path / "a.txt").write_text("the quick red fox")
    Corpus(SqliteBackend(chosen.folder), cache=chosen.cache).ingest(
        [tmp_path / "a.txt"], model=model
    )
    parts = verified(model, chosen)
    assert states(parts) == dict.fromkeys(
        ("model.safetensors", "configuration", "tokenizer", "conversion", "corpus"), "sound"
    )
    assert parts[0].finding.endswith(": as before")
    assert "3 golden texts" in parts[3].finding
    assert not any(part.hint for part in parts)


def test_the_default_model_is_the_one_that_was_released(chosen: Settings) -> None:
    parts = verified("default", chosen)
    assert parts[0].finding == f"SHA-256 {DEFAULT_WEIGHTS_SHA256}, 90,868,376 bytes: as released"
    assert states(parts)["conversion"] == "note"


def _flip_weights(model: Path, _: Path) -> None:
    """A bit that changes behind the system's back."""
    path = model / "model.safetensors"
    status = path.stat()
    with path.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        (byte,) = file.read(1)
        file.seek(-1, os.SEEK_END)
        file.write(bytes([byte ^ 1]))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def _cut_weights(model: Path, _: Path) -> None:
    os.truncate(model / "model.safetensors", (model / "model.safetensors").stat().st_size - 4)


def _break_tokenizer(model: Path, _: Path) -> None:
    (model / "tokenizer.json").write_text("{")


def _foreign_tokenizer(model: Path, _: Path) -> None:
    tokenizer = json.loads((model / "tokenizer.json").read_text())
    tokenizer["model"]["vocab"] |= {f"word{i}": 100 + i for i in range(40)}
    (model / "tokenizer.json").write_text(json.dumps(tokenizer))


def _remove_config(model: Path, _: Path) -> None:
    (model / "config.json").unlink()


def _flip_conversion(_: Path, entry: Path) -> None:
    content = bytearray((entry / "graph.bin").read_bytes())
    content[len(content) // 2] ^= 1
    (entry / "graph.bin").write_bytes(content)


def _cut_conversion(_: Path, entry: Path) -> None:
    (entry / "query.blob").unlink()


DAMAGE: dict[str, tuple[Callable[[Path, Path], None], str, str, str]] = {
    "a bit of the weights": (
        _flip_weights,
        "model.safetensors",
        "wrong",
        "size and times are the same",
    ),
    "cut weights": (_cut_weights, "model", "wrong", "bytes instead of"),
    "a broken tokenizer": (_break_tokenizer, "tokenizer", "wrong", "cannot be loaded"),
    "another model's tokenizer": (_foreign_tokenizer, "tokenizer", "wrong", "the model only 40"),
    "no configuration": (_remove_config, "model", "wrong", "config.json is missing"),
    "a bit of the conversion": (_flip_conversion, "conversion", "derived", "graph.bin has changed"),
    "a part of the conversion": (_cut_conversion, "conversion", "derived", "query.blob"),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_is_found_and_told_with_its_cure(what: str, chosen: Settings, home: Path) -> None:
    damage, name, state, told = DAMAGE[what]
    model = home / "model"
    damage(model, entry_path(find_model(str(model), cache=chosen.cache).fingerprint, chosen.cache))
    parts = {part.name: part for part in verified(str(model), chosen)}
    assert (parts[name].state, told in parts[name].finding, bool(parts[name].hint)) == (
        state,
        True,
        True,
    )
    assert f"hint: {parts[name].hint}" in models.parts_text(list(parts.values()))


def test_weights_that_were_replaced_are_noted_with_what_was_there_before(
    chosen: Settings, home: Path
) -> None:
    model = home / "model"
    ((_, before),) = find_model(str(model), cache=chosen.cache).weights
    _flip_weights(model, model)
    os.utime(model / "model.safetensors")
    part = verified(str(model), chosen)[0]
    assert (part.state, f"had SHA-256 {before}" in part.finding) == ("note", True)


def test_weights_that_are_not_what_the_hub_names_them_by_are_wrong(
    chosen: Settings, home: Path, tmp_path: Path
) -> None:
    snapshot = hub_with(copied(home / "model", tmp_path / "copy"), tmp_path / "hub", "org/tiny")
    assert states(verified(str(snapshot), chosen))["model.safetensors"] == "sound"
    with (snapshot / "model.safetensors").open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\x77")
    part = verified(str(snapshot), chosen)[0]
    assert (part.state, "that the hub names it by" in part.finding) == ("wrong", True)


def test_a_corpus_that_the_model_made_as_it_was_before_is_wrong(
    chosen: Settings, home: Path, tmp_path: Path
) -> None:
    model = home / "model"
    (tmp_path / "a.txt").write_text("the quick red fox")
    Corpus(SqliteBackend(chosen.folder), cache=chosen.cache).ingest(
        [tmp_path / "a.txt"], model=str(model)
    )
    (model / "sentence_bert_config.json").write_text('{"max_seq_length": 16}')
    part = verified(str(model), chosen)[-1]
    assert (part.name, part.state, f"searchapp model use {model}" in part.hint) == (
        "corpus",
        "wrong",
        True,
    )
    assert states(verified("default", chosen)).keys() == {
        "model.safetensors",
        "configuration",
        "tokenizer",
        "conversion",
    }


# ---- how they look -------------------------------------------------------------------------------


def test_what_a_model_says_of_itself_cannot_speak_to_the_terminal(
    chosen: Settings, home: Path, tmp_path: Path
) -> None:
    model = copied(home / "model", tmp_path / "a\x1b[31mred")
    (model / "config_sentence_transformers.json").write_text(
        json.dumps({"prompts": {"query": "\x1b]0;title\x07"}})
    )
    (model / "README.md").write_text("---\nlicense: \x1b[5m\n---\n")
    facts = read_model_info(str(model), chosen.cache)
    shown = [
        models.card_text(facts, None),
        models.models_text([InstalledModel(facts.model, "folder", facts)]),
        models.parts_text([ModelPart("model", "wrong", "\x1b[2J", "\x1b[2J")]),
    ]
    assert not any("\x1b" in text or "\x07" in text for text in shown)


def test_lists_are_tables_on_a_terminal_and_fields_in_a_pipe(chosen: Settings, home: Path) -> None:
    found = [
        each
        for each in installed_models(
            chosen, encodings(chosen), (home / "model",), hub=home / "none"
        )
        if each.info
    ]
    fields: list[Any] = [line.split("\t") for line in models.models_text(found).splitlines()]
    assert fields[0] == [
        "default",
        "bert",
        "384 dimensions",
        "256 tokens",
        "mean",
        "22.7 M parameters",
        "90.9 MB",
        "",
    ]
    assert {len(each) for each in fields} == {8}
    lines = models.models_text(found, TerminalStyle(width=200)).splitlines()
    assert len({line.index("bert") for line in lines}) == 1


def test_what_became_of_a_corpus_is_told_with_what_left_and_how_to_go_back() -> None:
    before, after = (
        EncoderIdentity("default", "f" * 64, 384, 254),
        EncoderIdentity("/m\x1b", "e" * 64, 32, 30),
    )
    left = (
        *(FileOutcome(f"/d/{i}.md".encode(), "removed") for i in range(21)),
        FileOutcome(b"/d/x", "skipped", "empty"),
    )
    done = ReembedReport(
        before,
        after,
        9,
        2,
        1200,
        61.0,
        1100,
        1,
        3,
        left[-2:],
        is_in_place=True,
        is_former_kept=True,
        notes=("a note",),
    )
    assert models.reembedded_text(done).splitlines() == [
        "the corpus now uses /m\ufffd: 2 documents, 1,200 passages, 1,100 embedded, in 1 min 1 s",
        "1 document taken over from the stored text, without the files",
        "3 documents joined",
        "left: /d/20.md: removed",
        "left: /d/x: skipped: empty",
        "note: a note",
        "the encoding by default is kept; to go back to it: searchapp model use default",
    ]
    assert "left: 2 documents more; --json lists all" in models.reembedded_text(
        replace(done, left=left)
    )
    assert len(models.reembedded_json(replace(done, left=left))["left"]) == 22  # type: ignore[arg-type]  # a list
    stopped = models.reembedded_text(replace(done, is_in_place=False)).splitlines()
    assert (
        stopped[0]
        == "interrupted: the corpus answers by default as before; 2 documents by /m\ufffd are kept"
    )
    assert stopped[1] == "to go on from here: searchapp model use /m\ufffd"
