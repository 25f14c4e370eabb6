"""haiku.rag without docling: texts are imported through its Python interface, cut by its own
chunker; its own command answers a question.

haiku_.py ingest FOLDER STORE | questions STORE FILE

STORE/haiku.rag.yaml has its settings: the server that embeds, and the tokenizer.
"""

import asyncio
import json
import sys
from pathlib import Path

from docling_core.types.doc import DocItemLabel, DoclingDocument
from haiku.rag.client import HaikuRAG
from haiku.rag.client.documents import DocumentImport
from haiku.rag.config import AppConfig, load_yaml_config, set_config

BATCH = 100


async def main(command: str, first: str, second: str) -> None:
    store = Path(second if command == "ingest" else first)
    config = AppConfig.model_validate(load_yaml_config(store / "haiku.rag.yaml"))
    set_config(config)
    database = store / "haiku.rag.lancedb"
    async with HaikuRAG(database, config=config, create=command == "ingest") as client:
        if command == "ingest":
            await ingest(client, Path(first))
        else:
            await ask_all(client, Path(second))


async def ingest(client: HaikuRAG, folder: Path) -> None:
    paths = sorted(folder.rglob("*.txt"))
    for begin in range(0, len(paths), BATCH):
        imports = []
        for path in paths[begin : begin + BATCH]:
            document = DoclingDocument(name=path.stem)
            for paragraph in path.read_text(encoding="utf-8").split("\n\n"):
                document.add_text(DocItemLabel.TEXT, paragraph)
            chunks = await client.chunk(document)
            imports.append(DocumentImport(document, chunks, uri=path.as_uri(), title=path.stem))
        await client.import_documents(imports)


async def ask_all(client: HaikuRAG, file: Path) -> None:
    for record in map(json.loads, file.read_text(encoding="utf-8").splitlines()):
        for found in await client.search(record["text"], limit=100):
            print(record["_id"], found.document_title, found.score)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
