"""The model in torch: loaded, pooled, run, and turned once into an OpenVINO graph.

The only owner of torch and transformers. They take seconds to import, so a conversion is a child
process, `python -m searchapp.encoders.torch_engine MODEL CACHE [single-stream]`, and only a GPU or
a test loads them beside anything else.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import warnings
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from searchapp.encoders import question_weights
from searchapp.encoders.cache_entry import (
    BATCH_TOKENS,
    Batch,
    ConvertedModel,
    EncoderConfig,
    Golden,
    disagreement,
    golden_batch,
    model_inputs,
    new_entry,
)
from searchapp.encoders.model_folder import ModelFolder, find_model
from searchapp.encoders.openvino_engine import (
    TOLERANCES,
    choose_precision,
    compile_graph,
    entry_path,
    import_openvino,
)
from searchapp.errors import EncoderError
from searchapp.types.vectors import EncoderIdentity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

GPU_BATCH_TOKENS = 65_536  # in flight at a time: enough to fill a large GPU
SINGLE_STREAM = "single-stream"  # said to the child process
GOLDEN_TEXTS = (
    "How do vaccines work?",
    (
        "The committee met on 12 March 1998 and adopted, by 14 votes to 3, the report on fisheries "
        "in "
        "the North Sea."
    ),
    "def area(radius):\n    return 3.14159 * radius ** 2  # naïve – ok",
)


class TorchEngine:
    """Runs a model with torch: on a GPU in bf16, elsewhere in float32, which is the reference that
    others are held to.
    """

    def __init__(
        self, folder: ModelFolder, *, device: str = "cpu", bf16: bool | None = None
    ) -> None:
        """Loads the model; `bf16` is whether it computes in bf16, by default where it is on a
        GPU.

        Raises EncoderError where its weights are incomplete.
        """
        import torch

        self._device = device
        self._inputs = folder.inputs
        is_gpu = device == "cuda"
        self.batch_tokens = GPU_BATCH_TOKENS if is_gpu else BATCH_TOKENS
        bf16 = is_gpu if bf16 is None else bf16
        with _quiet():
            module = _load(folder, eager=not (is_gpu and bf16))
            self.module = _pooled(module, folder).to(
                device, torch.bfloat16 if bf16 else torch.float32
            )

    def run(
        self, batches: Iterable[Batch], *, token_states: bool = False
    ) -> list[NDArray[np.float32]]:
        """Each batch's vectors, (b, dim), or with `token_states` its token states, (b, t, dim), in
        order.
        """
        import torch

        with torch.inference_mode():
            # a GPU goes on while the next batch is made
            on_device = [self._one(batch)[int(token_states)] for batch in batches]
            return [tensor.cpu().numpy() for tensor in on_device]

    def forward_pass(self, batch: Batch) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """All that a model makes of one text: hidden states (layers + 1, t, width) and attentions
        (layers, heads, t, t).
        """
        import torch

        ids, mask = (self._moved(array) for array in (batch.ids, batch.mask))
        named = dict(zip(self._inputs, model_inputs(ids, mask, self._inputs), strict=True))
        with torch.inference_mode():
            output = self.module.transformer(
                **named, output_hidden_states=True, output_attentions=True
            )
            hidden = torch.stack([states[0] for states in _hidden_states(output)])
            attentions = torch.stack([weights[0] for weights in output.attentions])
            return hidden.float().cpu().numpy(), attentions.float().cpu().numpy()

    def _one(self, batch: Batch) -> Any:  # a pair of tensors
        ids, mask = (self._moved(array) for array in (batch.ids, batch.mask))
        return self.module(*model_inputs(ids, mask, self._inputs))

    def _moved(self, array: NDArray[np.int64]) -> Any:  # a tensor on the device
        import torch

        tensor = torch.from_numpy(array)
        return (
            tensor.pin_memory().to(self._device, non_blocking=True)
            if self._device == "cuda"
            else tensor
        )


def has_gpu() -> bool:
    """Whether torch can use a GPU."""
    import torch

    return torch.cuda.is_available()


def token_probabilities(
    folder: ModelFolder, ids: Sequence[int], places: Sequence[int]
) -> NDArray[np.float64]:
    """What a model's masked-language-model head gives each token of its vocabulary at some places
    of a text, (places, vocabulary).

    Rows add up to 1. Raises EncoderError where the weights of model or head are incomplete.
    """
    import torch

    with _quiet():
        module = _load(folder, masked_head=True)
    batch = torch.tensor([list(ids)])  # (1, t)
    named = dict(
        zip(folder.inputs, model_inputs(batch, torch.ones_like(batch), folder.inputs), strict=True)
    )
    with torch.inference_mode():
        rows: NDArray[np.float64] = (
            module(**named).logits[0, list(places)].double().softmax(dim=-1).numpy()
        )
    return rows


def read_model(folder: ModelFolder) -> tuple[EncoderConfig, Tokenizer]:
    """How a model's text is prepared, with its tokenizer; the golden vectors are still missing."""
    tokenizer = _tokenizer(folder)
    special = tokenizer.num_special_tokens_to_add(is_pair=False)
    prompt = len(tokenizer.encode(folder.document_prompt, add_special_tokens=False).ids)
    identity = EncoderIdentity(
        model=folder.model,
        fingerprint=folder.fingerprint,
        dim=folder.dim,
        max_tokens=folder.max_length - special - prompt,
    )
    config = EncoderConfig(
        identity=identity,
        inputs=folder.inputs,
        max_length=folder.max_length,
        padding_id=folder.padding_id,
        query_prompt=folder.query_prompt,
        document_prompt=folder.document_prompt,
        golden=(),
        is_normalised=folder.is_normalised,
    )
    return config, tokenizer


def convert(model: str, *, cache: Path, single_stream: bool = False) -> None:
    """Make a model's entry in the cache; raises EncoderError, leaving nothing, where the graph is
    not equal to torch.

    `single_stream` is for a processor on which OpenVINO crashes otherwise, as 2026.4 does with
    ModernBERT in bf16 where there is AMX.
    """
    folder = find_model(model, cache=cache)
    with _quiet():
        config, tokenizer = read_model(folder)
        engine = TorchEngine(folder)
        config = config._replace(
            is_single_stream=single_stream,
            golden=tuple(_golden(text, config, tokenizer, engine) for text in GOLDEN_TEXTS),
        )
        graph = _graph(engine.module, folder)
        config = config._replace(precision=choose_precision(graph, config))
        with new_entry(config, entry_path(folder.fingerprint, cache)) as path:
            tokenizer.save(str(path / "tokenizer.json"), pretty=False)
            _save_graph(graph, config, path)
            _prove(path, config)
            if question_weights.is_runnable(engine.module.transformer, folder):
                question_weights.save(engine.module.transformer, ConvertedModel(path, config))


def main(arguments: Sequence[str]) -> int:
    """Convert, as a child process: silent, and a failure is one JSON object on stdout with exit
    code 4.
    """
    model, cache, *how = arguments
    os.environ.update(
        HF_HUB_DISABLE_TELEMETRY="1",
        HF_HUB_OFFLINE="1",
        TRANSFORMERS_OFFLINE="1",
        TOKENIZERS_PARALLELISM="false",
    )
    try:
        convert(model, cache=Path(cache), single_stream=how == [SINGLE_STREAM])
    except EncoderError as error:
        sys.stdout.write(json.dumps({"message": str(error), "hint": error.hint}))
        return error.exit_code
    return 0


# ---- torch ---------------------------------------------------------------------------------------


def _load(
    folder: ModelFolder, *, eager: bool = True, masked_head: bool = False
) -> Any:  # transformers is untyped
    """The transformer in float32, with its masked-language-model head or bare, every weight from
    the folder, no code from it.

    What is to show its attention, or is converted, attends eagerly: SDPA keeps none, and it masks
    with -inf, so that a window of padding alone (ModernBERT) would be 0/0 in OpenVINO.
    """
    import torch
    from transformers import AutoModel, AutoModelForMaskedLM

    try:
        module, info = (AutoModelForMaskedLM if masked_head else AutoModel).from_pretrained(
            folder.path,
            dtype=torch.float32,
            attn_implementation="eager" if eager else "sdpa",
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError, KeyError, ImportError) as error:
        raise EncoderError(
            f"The model in {folder.path} cannot be loaded: {_last_line(error)}",
            hint="Use a whole copy of it.",
        ) from error
    missing = sorted(
        name
        for name in info["missing_keys"]
        if not name.startswith("pooler.") and not name.endswith("position_ids")
    )
    if missing:
        lacks = f"{missing[0]} and {len(missing) - 1} others"
        raise EncoderError(
            f"The weights in {folder.path} lack {lacks}.", hint="Use a whole copy of the model."
        )
    return module.eval()


def _pooled(
    transformer: Any, folder: ModelFolder
) -> Any:  # a torch module; its base is known only after the import
    """A module from ids and mask, (b, t), to unit vectors (b, dim) and token states (b, t, dim);
    padding never counts.
    """
    import torch

    class Pooled(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.transformer = transformer

        def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            states = _states(
                self.transformer, dict(zip(folder.inputs, inputs, strict=True)), folder
            ).float()  # (b, t, dim)
            mask = inputs[1].unsqueeze(-1).to(states.dtype)  # (b, t, 1)
            if folder.pooling == "cls":
                vectors = states[:, 0]
            elif folder.pooling == "max":
                vectors = (states + (mask - 1) * 1e9).amax(1)
            else:
                vectors = (states * mask).sum(1) / mask.sum(1).clamp(min=1e-9)
            return torch.nn.functional.normalize(
                vectors, dim=1
            ) if folder.is_normalised else vectors, states  # (b, dim), (b, t, dim)

    return Pooled().eval()


def _states(
    transformer: Any, inputs: dict[str, Any], folder: ModelFolder
) -> Any:  # a tensor, (b, t, dim)
    """What is pooled: the hidden states of the folder's layers, or the rows of the
    embedding table.
    """
    import torch

    layers = folder.layers
    if layers.is_static:
        return transformer.get_input_embeddings()(inputs["input_ids"])
    if layers.numbers == (folder.depth,):
        return transformer(**inputs).last_hidden_state
    states = _hidden_states(transformer(**inputs, output_hidden_states=True))
    chosen = [states[number] for number in layers.numbers]  # (b, t, width) each
    if layers.join == "end to end":
        return torch.cat(chosen, dim=-1)
    total = torch.stack(chosen).sum(0)
    return total / len(chosen) if layers.join == "mean" else total


def _hidden_states(output: Any) -> list[Any]:  # tensors, (b, t, width)
    """All hidden states of a transformer, the last one as it leaves it, behind a final norm where
    it has one.
    """
    return [*output.hidden_states[:-1], output.last_hidden_state]


# ---- from torch to OpenVINO ----------------------------------------------------------------------


def _graph(module: Any, folder: ModelFolder) -> Any:  # from a torch module to an OpenVINO model
    """The graph of a model that pools."""
    import torch

    import_openvino(full=True)
    from openvino.tools.ovc import convert_model

    ids = torch.full((2, 24), folder.padding_id + 3, dtype=torch.int64)
    mask = torch.ones_like(ids)
    mask[1, 20:], ids[1, 20:] = 0, folder.padding_id
    with torch.no_grad():
        graph = convert_model(module, example_input=tuple(model_inputs(ids, mask, folder.inputs)))
    for node, name in zip(graph.inputs, folder.inputs, strict=True):
        node.get_tensor().set_names({name})
    return graph


def _save_graph(graph: Any, config: EncoderConfig, path: Path) -> None:
    """Write graph.xml, graph.bin and, compiled for this processor, query.blob."""
    # half to read, and still finer than bf16
    is_halved = config.precision == "bf16"
    import_openvino().save_model(graph, str(path / "graph.xml"), compress_to_fp16=is_halved)
    compiled = compile_graph(path, config, bulk=False)
    (path / "query.blob").write_bytes(compiled.export_model().getvalue())


def _golden(text: str, config: EncoderConfig, tokenizer: Tokenizer, engine: TorchEngine) -> Golden:
    ids = tuple(tokenizer.encode(text).ids[: config.max_length])
    batch = golden_batch(Golden(ids, ()), config)
    return Golden(ids, tuple(engine.run([batch])[0][0].tolist()))


def _prove(path: Path, config: EncoderConfig) -> None:
    """Raise EncoderError unless both forms of the graph give the golden vectors, alone and in
    company.
    """
    import numpy as np

    for bulk in (False, True):
        compiled = compile_graph(path, config, bulk=bulk)
        for golden in config.golden:
            batch = golden_batch(golden, config)
            ids, mask = (np.concatenate([array] * 3) for array in (batch.ids, batch.mask))
            vectors = compiled(model_inputs(ids, mask, config.inputs))[0]
            worst = max(disagreement(vector, golden) for vector in vectors)
            if not worst <= TOLERANCES[config.precision]:
                raise EncoderError(
                    f"The converted model is not equal to the original (1 - cosine {worst:.1e}).",
                    hint="Report this with the model's name, and use another model meanwhile.",
                )


def _tokenizer(folder: ModelFolder) -> Tokenizer:
    """The model's tokenizer without truncation or padding; a folder without tokenizer.json has its
    own one converted.
    """
    from tokenizers import Tokenizer, normalizers

    try:
        if (folder.path / "tokenizer.json").is_file():
            tokenizer = Tokenizer.from_file(str(folder.path / "tokenizer.json"))
        else:
            from transformers import AutoTokenizer

            tokenizer = AutoTokenizer.from_pretrained(
                folder.path, local_files_only=True, trust_remote_code=False
            ).backend_tokenizer
    except Exception as error:  # tokenizers raises nothing narrower
        message = f"The tokenizer in {folder.path} cannot be loaded: {_last_line(error)}"
        raise EncoderError(message, hint="Use a whole copy of the model.") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    if folder.is_lowercased:
        steps = [
            step for step in (normalizers.Lowercase(), tokenizer.normalizer) if step is not None
        ]
        tokenizer.normalizer = normalizers.Sequence(steps)
    return tokenizer


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what torch, transformers and OpenVINO say while they load and trace."""
    previous = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), redirect_stderr(StringIO()), redirect_stdout(StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(previous)


def _last_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[-1]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
