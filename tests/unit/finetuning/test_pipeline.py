"""Tuning: nothing of the examination is learned, an interruption costs nothing, and only a better
model is put in place.

Tiny random models are taught here; `make tuning` and `make torture` teach the default model.
"""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from searchapp.config import Settings
from searchapp.corpus import Corpus
from searchapp.encoders.loading import load_encoder
from searchapp.encoders.model_folder import ModelFolder, find_model
from searchapp.errors import CollectionError, CorpusEmpty, CorpusMissing, TuningError, UnknownMode
from searchapp.finetuning import checkpoint, trainer
from searchapp.finetuning.held_out import build_task
from searchapp.finetuning.pipeline import Callbacks, TuningResult, tune
from searchapp.finetuning.trainer import TrainingConfig, TrainingStep
from searchapp.finetuning.training_pairs import TrainingPair

pytestmark = pytest.mark.model

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
NAMES = tuple(f"name{i}" for i in range(30))
THINGS = tuple(f"thing{i}" for i in range(30))
ASKED = ("what is", "where is", "who has", "tell of", "when did")
KEY = "the key of this run"
QUICK = TrainingConfig(epochs=3, batch=8, rate=1e-3)


def make_model(folder: Path, *, dropout: float = 0.1) -> Path:
    """A random BERT of two layers that knows the words of these tests, each a token."""
    import torch

    words = [
        *SPECIAL,
        *NAMES,
        *THINGS,
        *dict.fromkeys(word for each in ASKED for word in each.split()),  # in the same order always
        "the",
        "of",
        "a",
    ]
    tokenizer = Tokenizer(
        models.WordLevel({word: at for at, word in enumerate(words)}, unk_token="[UNK]")
    )
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from transformers import AutoModel, BertConfig, PreTrainedTokenizerFast

        torch.manual_seed(7)
        config = BertConfig(
            vocab_size=len(words),
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=64,
            max_position_embeddings=66,
            pad_token_id=0,
            hidden_dropout_prob=dropout,
        )
        AutoModel.from_config(config).save_pretrained(folder)
        names = {
            "pad_token": "[PAD]",
            "unk_token": "[UNK]",
            "cls_token": "[CLS]",
            "sep_token": "[SEP]",
        }
        PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def base(tiny: Path, tmp_path: Path) -> ModelFolder:
    return find_model(str(tiny), cache=tmp_path / "cache")


def training_pairs(count: int = 24) -> list[TrainingPair]:
    return [TrainingPair(f"what is {NAMES[at]}", f"the {THINGS[at]} of a") for at in range(count)]


def weights(folder: Path) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = load_file(folder / "model.safetensors")
    return found


# ---- training ------------------------------------------------------------------------------------


def test_a_model_learns_which_text_answers_which_question(
    base: ModelFolder, tmp_path: Path
) -> None:
    assert trainer.train(
        base, training_pairs(), replace(QUICK, epochs=20, rate=2e-3), tmp_path, key=KEY
    )
    assert own_answers(str(tmp_path / checkpoint.MODEL), tmp_path) == 24
    assert own_answers(base.model, tmp_path) < 12


def own_answers(model: str, tmp_path: Path) -> int:
    """For how many questions the nearest text is the right one."""
    encoder = load_encoder(model, cache=tmp_path / "cache", engine="torch")
    questions = np.stack([encoder.encode_query(each.question) for each in training_pairs()])
    texts = encoder.encode_passages([each.text for each in training_pairs()])
    return int(((questions @ texts.T).argmax(axis=1) == np.arange(len(texts))).sum())


def test_a_run_that_was_stopped_twice_ends_with_the_weights_of_one_that_was_not(
    base: ModelFolder, tmp_path: Path
) -> None:
    (tmp_path / "whole").mkdir()
    (tmp_path / "parts").mkdir()
    steps: list[int] = []
    assert trainer.train(base, training_pairs(), QUICK, tmp_path / "whole", key=KEY)
    for until in (2, 5):
        stops = lambda until=until: len(steps) >= until  # noqa: E731
        assert not trainer.train(
            base,
            training_pairs(),
            QUICK,
            tmp_path / "parts",
            key=KEY,
            on_step=lambda each: steps.append(each.done),
            is_stopped=stops,
        )
    assert trainer.train(
        base,
        training_pairs(),
        QUICK,
        tmp_path / "parts",
        key=KEY,
        on_step=lambda each: steps.append(each.done),
    )
    assert steps == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    whole, split = (weights(tmp_path / name / checkpoint.MODEL) for name in ("whole", "parts"))
    assert whole.keys() == split.keys()
    assert all(np.allclose(whole[name], split[name], rtol=0, atol=1e-6) for name in whole)
    assert any(
        not np.allclose(whole[name], weights(Path(base.model))[name], rtol=0, atol=1e-4)
        for name in whole
    )


def test_a_checkpoint_without_the_optimisers_moments_would_not_do(
    base: ModelFolder, tmp_path: Path
) -> None:
    """The test above can fail: training on from the weights alone ends elsewhere."""
    (tmp_path / "whole").mkdir()
    (tmp_path / "parts").mkdir()
    steps: list[int] = []
    assert trainer.train(base, training_pairs(), QUICK, tmp_path / "whole", key=KEY)
    trainer.train(
        base,
        training_pairs(),
        QUICK,
        tmp_path / "parts",
        key=KEY,
        on_step=lambda each: steps.append(each.done),
        is_stopped=lambda: len(steps) >= 4,
    )
    forget_moments(tmp_path / "parts" / checkpoint.CHECKPOINT)
    assert trainer.train(base, training_pairs(), QUICK, tmp_path / "parts", key=KEY)
    whole, split = (weights(tmp_path / name / checkpoint.MODEL) for name in ("whole", "parts"))
    assert any(not np.allclose(whole[name], split[name], rtol=0, atol=1e-4) for name in whole)


def forget_moments(checkpoint: Path) -> None:
    from safetensors.numpy import save_file

    with safe_open(checkpoint, "np") as file:
        metadata = file.metadata()
    tensors = load_file(checkpoint)
    save_file(
        {name: value for name, value in tensors.items() if not name.startswith("moments.")},
        checkpoint,
        metadata,
    )


def test_a_checkpoint_of_another_run_is_not_gone_on_from(base: ModelFolder, tmp_path: Path) -> None:
    steps: list[TrainingStep] = []
    trainer.train(
        base,
        training_pairs(),
        QUICK,
        tmp_path,
        key=KEY,
        on_step=steps.append,
        is_stopped=lambda: len(steps) >= 4,
    )
    assert checkpoint.steps_done(tmp_path, KEY) == 4
    assert checkpoint.steps_done(tmp_path, "another") == 0
    trainer.train(base, training_pairs(), QUICK, tmp_path, key="another", on_step=steps.append)
    assert steps[4].done == 1


def test_a_damaged_checkpoint_means_a_new_beginning(base: ModelFolder, tmp_path: Path) -> None:
    steps: list[TrainingStep] = []
    trainer.train(
        base,
        training_pairs(),
        QUICK,
        tmp_path,
        key=KEY,
        on_step=steps.append,
        is_stopped=lambda: len(steps) >= 4,
    )
    content = (tmp_path / checkpoint.CHECKPOINT).read_bytes()
    (tmp_path / checkpoint.CHECKPOINT).write_bytes(content[: len(content) // 2])
    assert trainer.train(base, training_pairs(), QUICK, tmp_path, key=KEY, on_step=steps.append)
    assert steps[4].done == 1


def test_no_pickle_is_written(base: ModelFolder, tmp_path: Path) -> None:
    steps: list[TrainingStep] = []
    trainer.train(
        base,
        training_pairs(),
        QUICK,
        tmp_path,
        key=KEY,
        on_step=steps.append,
        is_stopped=lambda: len(steps) >= 4,
    )
    assert [path.name for path in tmp_path.iterdir() if path.name != "cache"] == [
        checkpoint.CHECKPOINT
    ]
    trainer.train(base, training_pairs(), QUICK, tmp_path, key=KEY)
    names = {path.name for path in (tmp_path / checkpoint.MODEL).rglob("*") if path.is_file()}
    assert {
        "modules.json",
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        checkpoint.ACCOUNT,
    } <= names
    assert {Path(name).suffix for name in names} <= {".json", ".safetensors", ".txt"}
    assert not (tmp_path / checkpoint.CHECKPOINT).exists()


def test_the_tuned_folder_is_the_same_kind_of_model_as_its_base(
    base: ModelFolder, tmp_path: Path
) -> None:
    trainer.train(base, training_pairs(), QUICK, tmp_path, key=KEY)
    tuned = find_model(str(tmp_path / checkpoint.MODEL), cache=tmp_path / "cache")
    assert (tuned.family, tuned.pooling, tuned.max_length, tuned.padding_id) == (
        base.family,
        base.pooling,
        base.max_length,
        base.padding_id,
    )
    assert tuned.fingerprint != base.fingerprint


def test_sentence_transformers_alone_reads_the_tuned_folder_and_gives_the_same_vectors(
    base: ModelFolder, tmp_path: Path
) -> None:
    from sentence_transformers import SentenceTransformer

    trainer.train(base, training_pairs(), QUICK, tmp_path, key=KEY)
    texts = [each.text for each in training_pairs()]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = SentenceTransformer(
            str(tmp_path / checkpoint.MODEL), device="cpu", local_files_only=True
        ).encode(texts, show_progress_bar=False)
    ours = load_encoder(
        str(tmp_path / checkpoint.MODEL), cache=tmp_path / "cache", engine="torch"
    ).encode_passages(texts)
    assert np.allclose(ours, theirs, rtol=0, atol=1e-5)


def test_the_rate_rises_to_its_highest_and_falls_evenly_to_nothing() -> None:
    rates = [trainer.rate_at(step, total=20, warm_up=0.1) for step in range(21)]
    assert rates[:3] == [0.5, 1.0, 1.0]
    assert np.allclose(np.diff(rates[2:]), -1 / 18)
    assert rates[20] == 0


def test_no_batch_holds_a_question_or_a_text_twice() -> None:
    twice = [
        *training_pairs(),
        *(TrainingPair(f"where is {NAMES[at]}", f"the {THINGS[at]} of a") for at in range(24)),
    ]
    plan = trainer.plan(twice, QUICK)
    assert {at for batch in plan for at in batch} == set(range(48))
    for batch in plan:
        assert (
            len({twice[at].text for at in batch})
            == len({twice[at].question for at in batch})
            == len(batch)
            > 1
        )


def test_weights_that_are_no_numbers_are_an_error(base: ModelFolder, tmp_path: Path) -> None:
    with pytest.raises(TuningError, match="no longer numbers") as caught:
        trainer.train(base, training_pairs(), replace(QUICK, rate=1e30), tmp_path, key=KEY)
    assert "--rate" in caught.value.hint


def test_nothing_is_said_on_stdout_or_stderr_while_training(
    base: ModelFolder, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    trainer.train(base, training_pairs(), QUICK, tmp_path, key=KEY)
    assert capfd.readouterr() == ("", "")


# ---- from judgements to a model in its place -----------------------------------------------------


@pytest.fixture(scope="session")
def things(tiny: Path, tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Path:
    """A folder with `docs`, a document for each thing, and `corpus`, made of them by the tiny
    model.
    """
    folder = tmp_path_factory.mktemp("things")
    (folder / "docs").mkdir()
    for thing in THINGS:
        (folder / "docs" / f"{thing}.txt").write_text(f"the {thing} of a\n", encoding="utf-8")
    settings = Settings(str(folder / "corpus"), model=None, cache=model_cache, device="cpu")
    Corpus.open(settings).ingest([folder / "docs"], model=str(tiny))
    return folder


@pytest.fixture
def chosen(things: Path, tmp_path: Path, model_cache: Path) -> Settings:
    """Settings of a corpus of a document for each thing, the test's own copy; `docs` leads to the
    documents.
    """
    (tmp_path / "docs").symlink_to(things / "docs")
    shutil.copytree(things / "corpus", tmp_path / "corpus")
    return Settings(str(tmp_path / "corpus"), model=None, cache=model_cache, device="cpu")


def judged(
    tmp_path: Path,
    *,
    asked: Sequence[str] = ASKED[:4],
    names: Sequence[str] = NAMES,
    file_name: str = "judged.csv",
) -> Path:
    """Judgements that each name means the thing of its number, with some ways to ask for it."""
    docs = (tmp_path / "docs").resolve()
    rows = [
        f"{ask} {name},{docs / thing}.txt"
        for name, thing in zip(names, THINGS, strict=False)
        for ask in asked
    ]
    file = tmp_path / file_name
    file.write_text("\n".join(["question,path", *rows]) + "\n", encoding="utf-8")
    return file


def other_words(tmp_path: Path) -> Path:
    """Judgements of the same kind, asked in a way that is not learned."""
    return judged(tmp_path, asked=ASKED[4:], file_name="held-out.csv")


ENOUGH = TrainingConfig(epochs=25, batch=16, rate=2e-3)


def test_a_model_that_has_learned_names_is_put_in_place(chosen: Settings, tmp_path: Path) -> None:
    before = generation(chosen)
    found = tune(
        judged(tmp_path),
        tmp_path / "new" / "model",
        chosen,
        held_out=other_words(tmp_path),
        training_config=ENOUGH,
    )
    assert (found.kind, found.training_pairs, found.learned, found.held_out, found.dropped) == (
        "judgements",
        120,
        120,
        30,
        0,
    )
    assert found.familiar == 30, "the documents are those learned from; the questions are not"
    assert hits(found)[0] < 0.2 < 0.8 < hits(found)[1] == share_with_the_thing_first(found)
    assert (found.is_better, found.is_in_place, found.kept) == (True, True, None)
    assert find_model(str(tmp_path / "new" / "model"), cache=chosen.cache).family == "bert"
    account = json.loads(
        (tmp_path / "new" / "model" / checkpoint.ACCOUNT).read_text(encoding="utf-8")
    )
    assert account["after"]["hits@1"] == pytest.approx(hits(found)[1], abs=1e-6)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["model"]
    assert generation(chosen) == before


def share_with_the_thing_first(found: TuningResult) -> float:
    assert found.after is not None
    firsts = [Path(documents[0][0]).stem for documents in found.after.evaluation.run.values()]
    return sum(first == thing for first, thing in zip(firsts, THINGS, strict=True)) / len(THINGS)


def generation(chosen: Settings) -> int:
    return Corpus.open(chosen).status().generation


def hits(found: TuningResult) -> tuple[float, float]:
    """The share of questions with an answer first, before and after."""
    assert found.before is not None
    assert found.after is not None
    return found.before.hits_at_1, found.after.hits_at_1


def test_of_themselves_questions_are_held_out_with_their_answers(
    chosen: Settings, tmp_path: Path
) -> None:
    (tmp_path / "work").mkdir()
    task = build_task(judged(tmp_path), None, None, chosen, seed=0, work=tmp_path / "work")
    learned, held_out = (
        {question.rpartition(" ")[2] for question in side}
        for side in (task.split.learned, task.split.held_out)
    )
    assert (len(learned), len(held_out), learned & held_out, task.familiar) == (21, 9, set(), 0)
    things = {each.text.split()[1] for each in task.training_pairs}
    assert things == {name.replace("name", "thing") for name in learned}


def test_a_model_that_is_not_better_is_kept_aside_until_that_is_insisted_on(
    chosen: Settings, tmp_path: Path
) -> None:
    steps: list[TrainingStep] = []
    training_config = TrainingConfig(epochs=1, batch=16, rate=1e-9)
    found = tune(
        judged(tmp_path),
        tmp_path / "model",
        chosen,
        training_config=training_config,
        callbacks=Callbacks(on_step=steps.append),
    )
    assert steps
    assert (found.is_better, found.is_in_place) == (False, False)
    assert not (tmp_path / "model").exists()
    assert found.kept == tmp_path / "model.tuning" / "model"
    assert (found.kept / "modules.json").is_file()
    for left_by_kills in ("checkpoint.safetensors", "checkpoint.tmp", "model.new"):
        (tmp_path / "model.tuning" / left_by_kills).touch()
    steps.clear()
    forced = tune(
        judged(tmp_path),
        tmp_path / "model",
        chosen,
        training_config=training_config,
        force=True,
        callbacks=Callbacks(on_step=steps.append),
    )
    assert not steps, "it was trained already"
    assert (forced.is_better, forced.is_in_place, forced.kept) == (False, True, None)
    assert (tmp_path / "model" / "modules.json").is_file()
    assert not (tmp_path / "model.tuning").exists()


def test_a_tuning_that_was_stopped_goes_on_and_ends_as_one_that_was_not(
    chosen: Settings, tmp_path: Path
) -> None:
    training_config, steps = replace(ENOUGH, epochs=4), []
    callbacks = Callbacks(on_step=lambda each: steps.append(each.done))
    stopping = replace(callbacks, is_stopped=lambda: len(steps) == 10)
    stopped = tune(
        judged(tmp_path),
        tmp_path / "parts",
        chosen,
        training_config=training_config,
        callbacks=stopping,
    )
    assert (stopped.after, stopped.is_in_place) == (None, False)
    assert not (tmp_path / "parts").exists()
    tune(
        judged(tmp_path),
        tmp_path / "parts",
        chosen,
        training_config=training_config,
        force=True,
        callbacks=callbacks,
    )
    assert steps == list(range(1, len(steps) + 1))
    tune(judged(tmp_path), tmp_path / "whole", chosen, training_config=training_config, force=True)
    whole, split = weights(tmp_path / "whole"), weights(tmp_path / "parts")
    assert all(np.allclose(whole[name], split[name], rtol=0, atol=1e-6) for name in whole)


def test_the_copy_that_is_examined_answers_as_the_corpus_does(
    chosen: Settings, tmp_path: Path
) -> None:
    """With the corpus's own model, before and after are the same but for what engines differ by."""
    (tmp_path / "work").mkdir()
    Corpus.open(chosen).configure("mode", "hybrid")
    task = build_task(judged(tmp_path), None, None, chosen, seed=0, work=tmp_path / "work")
    before, after = (
        task.held_out_evaluation.evaluate_base(),
        task.held_out_evaluation.evaluate_tuned(load_encoder(task.base.model, cache=chosen.cache)),
    )
    assert before.evaluation.mode == after.evaluation.mode == "hybrid"
    assert before.evaluation.run == after.evaluation.run


def test_pairs_of_texts_need_no_corpus(tiny: Path, tmp_path: Path, model_cache: Path) -> None:
    for file, asked in (("pairs.csv", ASKED[:4]), ("other.csv", ASKED[4:])):
        rows = [
            f"{ask} {name},the {thing} of a"
            for name, thing in zip(NAMES, THINGS, strict=True)
            for ask in asked
        ]
        (tmp_path / file).write_text("\n".join(["question,text", *rows]) + "\n", encoding="utf-8")
    chosen = Settings(str(tmp_path / "none"), model=str(tiny), cache=model_cache, device="cpu")
    found = tune(
        tmp_path / "pairs.csv",
        tmp_path / "model",
        chosen,
        held_out=tmp_path / "other.csv",
        training_config=ENOUGH,
    )
    assert (found.kind, found.is_in_place) == ("pairs", True)
    assert hits(found)[1] > 0.8


def test_a_corpus_teaches_its_own_headings(tiny: Path, tmp_path: Path, model_cache: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    for name, thing in zip(NAMES, THINGS, strict=True):
        (docs / f"{name}.md").write_text(f"# {name}\n\nthe {thing} of a\n", encoding="utf-8")
    chosen = Settings(str(tmp_path / "corpus"), model=None, cache=model_cache, device="cpu")
    Corpus.open(chosen).ingest([docs], model=str(tiny))
    found = tune(
        None, tmp_path / "model", chosen, training_config=TrainingConfig(epochs=1), force=True
    )
    assert (found.kind, found.training_pairs, found.held_out) == ("headings", 21, 9)
    file = tmp_path / "judged.csv"
    file.write_text(
        "question,path\n" + "".join(f"tell of the {each},docs/{each}.md\n" for each in NAMES[:6]),
        encoding="utf-8",
    )
    (tmp_path / "work").mkdir()
    task = build_task(None, file, None, chosen, seed=0, work=tmp_path / "work")
    assert (len(task.training_pairs), len(task.split.held_out)) == (30, 6)


def test_questions_held_out_by_a_file_are_not_learned(chosen: Settings, tmp_path: Path) -> None:
    held_out = tmp_path / "held-out.csv"
    docs = (tmp_path / "docs").resolve()
    asked = [
        f"What IS {name}?,{docs / thing}.txt"
        for name, thing in zip(NAMES[:8], THINGS, strict=False)
    ]
    held_out.write_text("\n".join(["question,path", *asked]) + "\n", encoding="utf-8")
    (tmp_path / "work").mkdir()
    task = build_task(judged(tmp_path), held_out, None, chosen, seed=0, work=tmp_path / "work")
    assert (len(task.split.learned), len(task.split.held_out), len(task.split.dropped)) == (
        112,
        8,
        8,
    )
    assert len(task.training_pairs) == 112


# ---- what cannot be tuned ------------------------------------------------------------------------


def test_too_few_questions_are_an_error_that_says_how_many_it_takes(
    chosen: Settings, tmp_path: Path
) -> None:
    with pytest.raises(TuningError, match="12 questions to learn from, of 16 at least"):
        tune(judged(tmp_path, names=NAMES[:4]), tmp_path / "model", chosen)
    held_out = tmp_path / "held-out.csv"
    held_out.write_text(
        f"question,path\nsomething else entirely,{(tmp_path / 'docs').resolve()}/thing1.txt\n",
        encoding="utf-8",
    )
    with pytest.raises(TuningError, match="1 question held out, of 6 at least"):
        tune(judged(tmp_path), tmp_path / "model", chosen, held_out=held_out)
    assert not list(tmp_path.glob("model*"))


def test_a_path_that_is_not_in_the_corpus_is_an_error_that_says_where(
    chosen: Settings, tmp_path: Path
) -> None:
    file = judged(tmp_path)
    file.write_text(
        f"{file.read_text(encoding='utf-8')}what is it,docs/none.txt\n", encoding="utf-8"
    )
    with pytest.raises(
        CollectionError, match=r"line 122: docs/none\.txt is not a document of the corpus"
    ):
        tune(file, tmp_path / "model", chosen)


def test_an_empty_question_is_an_error_that_says_where(chosen: Settings, tmp_path: Path) -> None:
    file = judged(tmp_path)
    file.write_text(f'{file.read_text(encoding="utf-8")}" ",docs/thing1.txt\n', encoding="utf-8")
    with pytest.raises(CollectionError, match="line 122: no question"):
        tune(file, tmp_path / "model", chosen)


def test_pairs_cannot_be_held_out_of_judgements(chosen: Settings, tmp_path: Path) -> None:
    (tmp_path / "pairs.csv").write_text("question,text\na,b\n", encoding="utf-8")
    with pytest.raises(TuningError, match="holds pairs"):
        tune(judged(tmp_path), tmp_path / "model", chosen, held_out=tmp_path / "pairs.csv")


@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_what_stands_at_the_place_is_never_replaced(
    chosen: Settings, tmp_path: Path, kind: str
) -> None:
    place = tmp_path / "model"
    if kind == "folder":
        place.mkdir()
        (place / "mine").touch()
    elif kind == "file":
        place.touch()
    else:
        place.symlink_to(tmp_path / "nothing")
    with pytest.raises(TuningError, match="there is something at"):
        tune(judged(tmp_path), place, chosen, force=True)


def test_two_tunings_cannot_make_the_same_model_at_once(chosen: Settings, tmp_path: Path) -> None:
    def begin_another(_: TrainingStep) -> None:
        with pytest.raises(TuningError, match="another tuning is at work"):
            tune(judged(tmp_path), tmp_path / "model", chosen)
        seen.append(True)

    seen: list[bool] = []
    tune(
        judged(tmp_path),
        tmp_path / "model",
        chosen,
        training_config=TrainingConfig(epochs=1, batch=64),
        callbacks=Callbacks(on_step=begin_another, is_stopped=lambda: bool(seen)),
    )
    assert seen


def test_a_place_that_cannot_be_written_is_an_error(chosen: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(TuningError, match="cannot write"):
        tune(judged(tmp_path), tmp_path / "file" / "model", chosen)


def test_a_mode_that_is_none_an_empty_and_a_missing_corpus_are_errors(
    chosen: Settings, tmp_path: Path
) -> None:
    with pytest.raises(UnknownMode):
        tune(judged(tmp_path), tmp_path / "model", chosen, mode="nearest")
    empty = replace(chosen, place=str(tmp_path / "empty"))
    with pytest.raises(CorpusMissing):
        tune(judged(tmp_path), tmp_path / "model", empty)
    Corpus.open(empty).init()
    with pytest.raises(CorpusEmpty):
        tune(judged(tmp_path), tmp_path / "model", empty)


def test_a_corpus_whose_model_has_changed_is_an_error(tmp_path: Path, model_cache: Path) -> None:
    model = make_model(tmp_path / "changing")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "thing1.txt").write_text("the thing1 of a", encoding="utf-8")
    chosen = Settings(str(tmp_path / "corpus"), model=None, cache=model_cache, device="cpu")
    Corpus.open(chosen).ingest([tmp_path / "docs"], model=str(model))
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    (model / "config.json").write_text(
        json.dumps({**config, "hidden_dropout_prob": 0.2}), encoding="utf-8"
    )
    with pytest.raises(TuningError, match="no longer the one"):
        tune(judged(tmp_path, names=NAMES[1:2]), tmp_path / "model", chosen)
