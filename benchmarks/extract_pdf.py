"""Pages a second of the PDF reader, in a worker and in process, against pypdfium2 alone, in turn,
over the same file.

    python -m benchmarks.extract_pdf [--pages N] [--runs R] [--in-process]

Makes a PDF of N pages of text, reads it R times each way and prints medians and their ratios as
JSON. Run it on an idle machine.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

from searchapp.extract.pdf import pdf
from searchapp.extract.sandbox.pool import ExtractionPool

WORDS = (
    "the",
    "of",
    "water",
    "garden",
    "and",
    "roots",
    "with",
    "winter",
    "soil",
    "leaves",
    "when",
    "spring",
    "plants",
    "cold",
    "light",
)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pages", type=int, default=500)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--in-process", action="store_true", help="leave the worker out")
    options = parser.parse_args(arguments)
    data = made_pdf(options.pages)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pages.pdf"
        path.write_bytes(data)
        print(
            json.dumps(
                measured(path, options.pages, options.runs, has_worker=not options.in_process),
                indent=2,
            )
        )


def made_pdf(pages: int) -> bytes:
    """A PDF of pages full of words, each with a running header and its number."""
    from fpdf import FPDF

    rng = random.Random(7)
    document = FPDF()
    document.set_auto_page_break(False)
    for number in range(1, pages + 1):
        document.add_page()
        document.set_font("helvetica", size=10)
        document.cell(0, 6, "A book about gardens", new_x="LMARGIN", new_y="NEXT")
        for _ in range(6):
            text = " ".join(rng.choices(WORDS, k=90)).capitalize() + "."
            document.multi_cell(0, 5, text, new_x="LMARGIN", new_y="NEXT")
            document.ln(3)
        document.cell(0, 6, str(number), align="C")
    return bytes(document.output())


def measured(path: Path, pages: int, runs: int, *, has_worker: bool) -> dict[str, object]:
    ways: dict[str, Callable[[], object]] = {
        "pypdfium2": lambda: by_pypdfium2(path),
        "in_process": lambda: pdf.read(path.read_bytes(), "pdf"),
    }
    times: dict[str, list[float]] = {}
    with ExtractionPool(1) as pool:
        if has_worker:
            ways["worker"] = lambda: pool.submit(os.fsencode(path)).result()
        for run in range(runs + 1):  # the first, which imports, does not count
            for name, way in ways.items():
                started_s = time.perf_counter()
                way()
                if run:
                    times.setdefault(name, []).append(time.perf_counter() - started_s)
    medians = {name: statistics.median(seconds) for name, seconds in times.items()}
    return {
        "pages": pages,
        "bytes": path.stat().st_size,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "pypdfium2": version("pypdfium2"),
        "times_s": {name: [round(seconds, 4) for seconds in each] for name, each in times.items()},
        "pages_per_s": {name: round(pages / seconds, 1) for name, seconds in medians.items()},
        "ratio": {
            name: round(medians["pypdfium2"] / seconds, 3)
            for name, seconds in medians.items()
            if name != "pypdfium2"
        },
    }


def by_pypdfium2(path: Path) -> int:
    """The characters of a PDF's pages, as one would count them by hand."""
    import pypdfium2

    document = pypdfium2.PdfDocument(path)
    try:
        return sum(len(page.get_textpage().get_text_bounded()) for page in document)
    finally:
        document.close()


if __name__ == "__main__":
    main(sys.argv[1:])
