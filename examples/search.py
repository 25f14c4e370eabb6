"""Search a folder from a script: python examples/search.py FOLDER QUESTION...

The corpus is kept in `.search-corpus` beside the script's working directory; running it again reads
only what is new or changed.
"""

from __future__ import annotations

import sys

from searchapp import Corpus, Filters, Query, SearchappError


def main(folder: str, question: str) -> int:
    """Print the three best passages with the place each stands in; 1 where nothing matches."""
    corpus = Corpus.open(".search-corpus")
    report = corpus.ingest([folder])
    print(f"{report.counts().get('indexed', 0)} files read, generation {report.generation}")
    query = Query.parse(question, k=3, mode="hybrid", filters=Filters.parse(within=[folder]))
    answer = corpus.query(query)
    for match in answer.matches:
        print(
            f"{match.rank}. {match.path.name}, {match.location or 'the whole file'}: {match.title}"
        )
        print(f"   {' '.join(match.text.split())[:80]}")
    return 0 if answer.matches else 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1], " ".join(sys.argv[2:])))
    except SearchappError as error:
        sys.exit(f"{error}\n{error.hint}")
