"""The commands that show and write vectors: of texts, of words, and how near they are to one
another.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from searchapp import config
from searchapp.cli import console
from searchapp.cli.console import Exit
from searchapp.cli.options import (
    CorpusOption,
    DeviceOption,
    JsonOption,
    ModelOption,
    TypeOption,
    WhereOption,
    WithinOption,
    corpus_at,
    require_outputs,
)
from searchapp.errors import PathMissing, UsageError
from searchapp.humanize import one_line, pluralize
from searchapp.output import embeddings
from searchapp.output.serialization import json_text
from searchapp.types.filters import Filters
from searchapp.types.places import require_path

if TYPE_CHECKING:
    from searchapp.analysis.embed_files import EmbeddingRow, EmbeddingSource
    from searchapp.types.vectors import Vectors

_FORMS = ("table", "jsonl")


FilesArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[FILE|-]...", help="What to read; - or none: standard input."),
]
LevelOption = Annotated[
    str,
    typer.Option(
        "--level",
        metavar="L",
        help="A vector each: sentence (a line of plain text), passage, document, word or token.",
    ),
]
LayersOption = Annotated[
    str,
    typer.Option(
        "--layers",
        metavar="L",
        help="last, static (the embedding table), last4, 0,6,-1, mean:last4 or sum:last4.",
    ),
]
PoolingOption = Annotated[
    str | None,
    typer.Option(
        "--pooling",
        metavar="P",
        help="mean, cls or max. Default: the model's own.",
        show_default=False,
    ),
]
NormalizeOption = Annotated[
    bool, typer.Option("--normalize/--no-normalize", help="Vectors of unit length.")
]
OutOption = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        metavar="FILE",
        help="Write .npz, .jsonl, .parquet, or .tsv for the embedding projector.",
    ),
]
FormOption = Annotated[
    str, typer.Option("--format", metavar="F", help="Without --out: table or jsonl.")
]
FastOption = Annotated[
    bool,
    typer.Option(
        "--fast", help="As the search embeds: several times as fast, in bf16 where it can."
    ),
]


def embed(
    files: FilesArgument = None,
    level: LevelOption = "sentence",
    layers: LayersOption = "last",
    pooling: PoolingOption = None,
    normalize: NormalizeOption = True,
    out: OutOption = None,
    form: FormOption = "table",
    fast: FastOption = False,
    model: ModelOption = None,
    device: DeviceOption = None,
) -> int:
    """Show or write the vectors of text, of any level, layer and pooling, as the model's authors
    would compute them.
    """
    from searchapp.analysis import vector_export
    from searchapp.analysis.embed_files import FileEmbedder, granularity_of, notes
    from searchapp.encoders.encoder import Encoder

    wanted = granularity_of(level)
    if form not in _FORMS:
        raise UsageError(
            f"there is no format {form!r}", hint=f"formats: {', '.join(_FORMS)}; or --out FILE"
        )
    if out is not None:
        vector_export.require_writable(out)
    _require_files(files or [])
    console.show_log()
    chosen = config.load(model=model, device=device)
    require_outputs(chosen, out, inputs=files or ())
    encoder = Encoder.load(
        chosen.model or "default",
        layers=layers,
        pooling=pooling,
        normalize=normalize,
        fast=fast,
        device=chosen.device,
        cache=chosen.cache,
    )
    embedder = FileEmbedder(encoder, wanted)
    rows = embedder.rows(_sources(files or ["-"], is_by_line=level == "sentence"))
    if out is not None:
        with console.interruptible(), console.writing(out):
            count = vector_export.write(out, rows, encoder.dim)
        summary = f"{pluralize(count, 'vector')} of {encoder.dim} numbers written to {out}\n"
        console.tell(summary, out)
    else:
        count = _stream(rows, form)
    for note in notes(embedder, count, encoder.identity.max_tokens):
        console.note(note)
    return Exit.PARTLY if embedder.failed else Exit.DONE if count else Exit.NOTHING


ItemsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[TEXT|FILE]...", help="Two for one cosine, more for all with all."),
]
ListsOption = Annotated[
    list[Path],
    typer.Option(
        "--list",
        metavar="FILE",
        help="Each line is a text; with a second one: the first's with the second's.",
    ),
]
DuplicatesOption = Annotated[
    bool,
    typer.Option("--duplicates", help="Pairs within the corpus that are near one another."),
]
AboveOption = Annotated[
    float,
    typer.Option(
        "--above", metavar="X", min=-1, max=1, help="With --duplicates: the least cosine."
    ),
]
SimilarLevelOption = Annotated[
    str, typer.Option("--level", metavar="L", help="With --duplicates: passage or document.")
]
LimitOption = Annotated[
    int,
    typer.Option("--limit", metavar="N", min=1, help="With --duplicates: the most pairs shown."),
]


def similar(
    items: ItemsArgument = None,
    lists: ListsOption = [],
    duplicates: DuplicatesOption = False,
    above: AboveOption = 0.9,
    level: SimilarLevelOption = "passage",
    limit: LimitOption = 100,
    within: WithinOption = [],
    type_: TypeOption = [],
    where: WhereOption = [],
    corpus: CorpusOption = None,
    model: ModelOption = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    as_json: JsonOption = False,
) -> int:
    """Show how near texts, files, or the passages of the corpus are to one another: cosines, from
    -1 to 1.
    """
    from searchapp.analysis.similarity import cosines

    if duplicates:
        if items or lists:
            raise UsageError(
                "--duplicates looks at the corpus alone",
                hint="leave the texts out, or --duplicates",
            )
        return _duplicates(
            corpus,
            Filters.parse(within=within, types=type_, where=where),
            above,
            level,
            limit,
            as_csv=as_csv,
            as_json=as_json,
        )
    rows, columns = _compared(items or [], lists)
    chosen = config.load(model=model)
    console.show_log()
    vectors = _vectors_of([*rows, *columns], chosen)
    matrix = cosines(vectors[: len(rows)], vectors[len(rows) :] if columns else vectors)
    columns = columns or rows
    if as_json:
        console.write(json_text(embeddings.matrix_json(rows, columns, matrix)))
    elif as_csv:
        console.write(embeddings.matrix_csv(rows, columns, matrix))
    else:
        console.write(embeddings.matrix_text(rows, columns, matrix, console.style(sys.stdout)))
    return Exit.DONE


def words(
    word: Annotated[str, typer.Argument(metavar="WORD", help="A single word.")],
    within: WithinOption = [],
    type_: TypeOption = [],
    where: WhereOption = [],
    corpus: CorpusOption = None,
    as_json: JsonOption = False,
) -> int:
    """Group the places where a word occurs in the corpus by what it means there, and show one
    passage of each sense.
    """
    import numpy as np

    from searchapp.analysis.concordance import MOST_PASSAGES, occurrences
    from searchapp.analysis.word_senses import senses_of
    from searchapp.corpus import Corpus, require_documents
    from searchapp.encoders.loading import open_encoder

    console.show_log()
    place = config.load(corpus=corpus)
    with closing(Corpus.open(place).reader()) as reader:
        made_by = require_documents(reader)
        encoder = open_encoder(made_by, cache=place.cache)
        places, passages = occurrences(
            word, reader, encoder, Filters.parse(within=within, types=type_, where=where)
        )
    senses = senses_of(np.stack([occurrence.vector for occurrence in places])) if places else []
    if as_json:
        console.write(json_text(embeddings.senses_json(word, places, senses, passages)))
    elif places:
        console.write(embeddings.senses_text(word, places, senses, console.style(sys.stdout)))
    else:
        console.note(f"no passage holds the word {one_line(word)}")
    if passages > MOST_PASSAGES:
        console.note(
            f"{passages:,} passages hold the word; the best {MOST_PASSAGES} were looked at; --in, "
            "--type and --where choose others"
        )
    return Exit.DONE if places else Exit.NOTHING


# ---- what is read --------------------------------------------------------------------------------


def _require_files(files: Sequence[str]) -> None:
    for file in files:
        if require_path(file) != "-" and not os.path.isfile(file):  # noqa: PTH113 - the name may be no text
            raise PathMissing(
                f"no such file: {file}",
                hint="name files, or - for standard input; a folder is read with a glob",
            )


def _sources(files: Sequence[str], *, is_by_line: bool) -> Iterator[EmbeddingSource]:
    """The documents of files and of standard input, whose lines are documents of their own where
    each is to be a vector.
    """
    from searchapp.analysis.embed_files import EmbeddingSource, read_files
    from searchapp.types.documents import Document

    for file in files:
        if file != "-":
            yield from read_files([os.path.abspath(file)])  # noqa: PTH100 - as above
        elif is_by_line:
            yield from _lines_of_input()
        else:
            yield EmbeddingSource(
                "-", Document(sys.stdin.buffer.read().decode("utf-8", "replace"), "txt")
            )


def _lines_of_input() -> Iterator[EmbeddingSource]:
    from searchapp.analysis.embed_files import EmbeddingSource
    from searchapp.types.documents import Document

    start = 0
    for line in sys.stdin.buffer:
        text = line.decode("utf-8", "replace")
        yield EmbeddingSource("-", Document(text, "txt"), start=start)
        start += len(text)


def _stream(rows: Iterator[EmbeddingRow], form: str) -> int:
    from searchapp.analysis import vector_export

    count = 0

    def counted() -> Iterator[EmbeddingRow]:
        nonlocal count
        for row in rows:
            count += 1
            yield row

    lines = (
        embeddings.rows_lines(counted(), console.style(sys.stdout))
        if form == "table"
        else vector_export.json_lines(counted())
    )
    for line in lines:
        console.write(line if form == "table" else f"{line}\n")
    return count


def _compared(items: Sequence[str], lists: Sequence[Path]) -> tuple[list[str], list[str]]:
    """What is compared with what: rows, and columns where they are others than the rows."""
    read = []
    for path in lists:
        try:
            read.append(
                [
                    line.strip()
                    for line in path.read_text("utf-8", "replace").splitlines()
                    if line.strip()
                ]
            )
        except OSError as error:
            raise PathMissing(
                f"cannot read {path}: {error.strerror}", hint="name a text file with a text a line"
            ) from error
    groups = [group for group in ([require_path(item) for item in items], *read) if group]
    if len(groups) > 2 or not groups or (len(groups) == 1 and len(groups[0]) < 2):
        raise UsageError(
            "there are not two things to compare",
            hint="give two texts or files, or --list FILE, or two lists, or --duplicates",
        )
    if len(groups) == 1 and len(groups[0]) == 2:
        return [groups[0][0]], [groups[0][1]]
    return groups[0], groups[1] if len(groups) == 2 else []


def _vectors_of(items: Sequence[str], chosen: config.Settings) -> Vectors:
    """A vector for each text, or for the document in the file of that name."""
    import numpy as np

    from searchapp.analysis.embed_files import FileEmbedder, read_files
    from searchapp.encoders.encoder import Encoder
    from searchapp.errors import FileFailed

    encoder = Encoder.load(
        chosen.model or "default", fast=True, cache=chosen.cache, device=chosen.device
    )
    files = [item for item in items if os.path.isfile(item)]  # noqa: PTH113 - a text may be too long for a path
    by_file = {}
    for file in dict.fromkeys(files):
        embedder = FileEmbedder(encoder, "document")
        vectors = [row.vector for row in embedder.rows(read_files([os.path.abspath(file)]))]  # noqa: PTH100
        if not vectors:
            why = embedder.failed[0].reason if embedder.failed else "no text in it"
            raise FileFailed(f"{file}: {why}", hint="name a file with text in it")
        by_file[file] = vectors[0]
    texts = [item for item in items if item not in by_file]
    cut = sum(map(encoder.is_too_long, texts))
    if cut:
        console.note(
            f"{cut:,} of {len(texts):,} texts are longer than {encoder.identity.max_tokens} "
            "tokens; only their beginnings are compared"
        )
    by_text = dict(zip(texts, encoder.encode_sentences(texts, truncate=True), strict=True))
    return np.stack([by_file[item] if item in by_file else by_text[item] for item in items])


# ---- the corpus ----------------------------------------------------------------------------------


def _duplicates(
    corpus: str | None,
    filters: Filters,
    above: float,
    level: str,
    limit: int,
    *,
    as_csv: bool,
    as_json: bool,
) -> int:
    from searchapp.analysis.similarity import pairs_above
    from searchapp.analysis.stored_vectors import stacked, stored_rows
    from searchapp.corpus import require_documents

    if level not in ("passage", "document"):
        raise UsageError(
            f"duplicates are of passages or documents, not of {level}s",
            hint="--level passage, or --level document",
        )
    console.show_log()
    with closing(corpus_at(corpus).reader()) as reader:
        made_by = require_documents(reader)
        rows = list(stored_rows(reader, filters, level))
    pairs, total = pairs_above(stacked(rows, made_by.dim), above, limit=limit)
    if as_json:
        console.write(json_text(embeddings.pairs_json(rows, pairs, total)))
    elif as_csv:
        console.write(embeddings.pairs_csv(rows, pairs))
    else:
        console.write(embeddings.pairs_text(rows, pairs, console.style(sys.stdout)))
    if total > len(pairs):
        console.note(
            f"the nearest {len(pairs):,} of {total:,} pairs; --limit shows more, a higher --above "
            "fewer"
        )
    return Exit.DONE if pairs else Exit.NOTHING
