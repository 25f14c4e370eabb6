"""Search your own documents by meaning, on your own machine.

    from searchapp import Corpus

    corpus = Corpus.open("my-corpus")
    corpus.ingest(["docs"])
    for match in corpus.query("how do I bleed the radiator?").matches:
        print(match.path, match.location, match.text)

The root holds what programs need, and imports each name when it is first asked for: importing the
root, or any one module, costs that module alone.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from searchapp.corpus import Corpus
    from searchapp.encoders.encoder import Encoder
    from searchapp.errors import SearchappError
    from searchapp.search.query import Query
    from searchapp.types.filters import Filters
    from searchapp.types.results import Answer, IngestReport, Match

__version__ = "0.1.0"
__all__ = [
    "Answer",
    "Corpus",
    "Encoder",
    "Filters",
    "IngestReport",
    "Match",
    "Query",
    "SearchappError",
    "__version__",
]
_MODULES = {
    "Answer": "searchapp.types.results",
    "Corpus": "searchapp.corpus",
    "Encoder": "searchapp.encoders.encoder",
    "Filters": "searchapp.types.filters",
    "IngestReport": "searchapp.types.results",
    "Match": "searchapp.types.results",
    "Query": "searchapp.search.query",
    "SearchappError": "searchapp.errors",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
