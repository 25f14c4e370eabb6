"""The default model behind the interface of OpenAI's embeddings, for rivals that take a server.

It answers on a free port of this machine alone, as long as the context lasts. A text over the
model's limit is cut at it, as such servers do.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.request import urlopen

from searchapp.config import load
from searchapp.encoders.loading import load_encoder

if TYPE_CHECKING:
    from searchapp.types.protocols import Encoder


@contextmanager
def served() -> Iterator[str]:
    """The address of a server in a process of its own."""
    words = [sys.executable, "-P", "-c", "import benchmarks.embedding_server as it; it.serve()"]
    path = os.pathsep.join(sys.path)
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path}
    ) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}/v1"
        finally:
            process.terminate()


def processor_seconds(address: str) -> float:
    """How much processor time the server has taken so far."""
    with urlopen(f"{address}/seconds") as answer:
        return float(answer.read())


def serve() -> None:
    """Print the port, and answer until the process ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    _Handler.encoder = load_encoder("default", cache=load().cache)
    _Handler.encoder.encode_passages(["a first text"])
    print(server.server_port, flush=True)
    server.serve_forever()


def embedded(encoder: Encoder, body: dict[str, object]) -> dict[str, object]:
    """The answer to a request, in numbers or in base64 as it asks."""
    given = body["input"]
    texts = [given] if isinstance(given, str) else [str(each) for each in given]  # type: ignore[attr-defined]
    limit = encoder.identity.max_tokens
    spans = encoder.tokenize(texts)
    cut = [
        text if len(each) <= limit else text[: each[limit - 1][1]]
        for text, each in zip(texts, spans, strict=True)
    ]
    data: list[dict[str, object]] = []
    for number, row in enumerate(encoder.encode_passages(cut)):
        in_base64 = body.get("encoding_format") == "base64"
        numbers = base64.b64encode(row.tobytes()).decode() if in_base64 else row.tolist()
        data.append({"object": "embedding", "index": number, "embedding": numbers})
    usage = {"prompt_tokens": 0, "total_tokens": 0}
    return {"object": "list", "model": body.get("model"), "data": data, "usage": usage}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    encoder: Encoder
    lock = threading.Lock()

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.lock:
            answer = embedded(self.encoder, body)
        self._send(json.dumps(answer).encode())

    def do_GET(self) -> None:
        times = os.times()
        self._send(str(times.user + times.system).encode())

    def log_message(self, *arguments: object) -> None:
        """Say nothing of each request."""

    def _send(self, content: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
