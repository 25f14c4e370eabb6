"""What a GPU embeds: passages of 128 tokens a second, and the share of what it can multiply.

    python -m benchmarks.gpu [--passages N]

The peak is measured, too: bf16 products of large square matrices. Where torch sees no GPU it says
so, and keeps nothing.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.keeping import keep
from searchapp.encoders.loading import load_encoder

TOKENS, SIDE = 128, 8192
PARAMETERS = 10_616_832  # of the default model's matrices: each token meets each of them


def main(arguments: Sequence[str]) -> None:
    import torch

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--passages", type=int, default=100_000)
    options = parser.parse_args(arguments)
    if not torch.cuda.is_available():
        print("no GPU that torch can use: nothing to measure")
        return
    with tempfile.TemporaryDirectory() as cache:
        encoder = load_encoder("default", cache=Path(cache), device="cuda")
        texts = [
            " ".join(f"word {i % 97}" for _ in range((TOKENS - 2) // 2))
            for i in range(options.passages)
        ]
        encoder.encode_passages(texts[:20_000])
        took_s = _seconds(lambda: encoder.encode_passages(texts))
    square = torch.randn(SIDE, SIDE, device="cuda", dtype=torch.bfloat16)

    def multiply() -> None:
        for _ in range(10):
            torch.mm(square, square)
        torch.cuda.synchronize()

    multiply()
    peak = 10 * 2 * SIDE**3 / _seconds(multiply)
    rate = len(texts) / took_s
    share = rate * TOKENS * 2 * PARAMETERS / peak
    result = {
        "passages_per_s": round(rate),
        "peak_bf16_tflops": round(peak / 1e12),
        "share_of_peak": round(share, 3),
    }
    keep(
        "gpu",
        result | {"gpu": torch.cuda.get_device_name()},
        f"python -m benchmarks.gpu --passages {options.passages}",
    )


def _seconds(act: Callable[[], object]) -> float:
    begin = time.perf_counter()
    act()
    return time.perf_counter() - begin


if __name__ == "__main__":
    main(sys.argv[1:])
