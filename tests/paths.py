"""Where things stand: the repository, the package, the sample documents and the tests' own data."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "searchapp"
DATA = ROOT / "data"  # the sample documents that `make demo` ingests
TEST_DATA = ROOT / "tests" / "data"
SAMPLES = TEST_DATA / "samples"  # odd and hostile files; SOURCES.tsv says where each comes from
JUDGEMENTS = TEST_DATA / "judgements"
