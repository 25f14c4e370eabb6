"""Recoll, many questions one by one: its own command answers each.

recoll.py STORE FILE

It gives no scores, so that the order stands for them.
"""

import base64
import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

LIMIT = 100


def main(store: str, file: str) -> None:
    for record in map(json.loads, Path(file).read_text(encoding="utf-8").splitlines()):
        words = ["recollq", "-c", store, "-o", "-n", str(LIMIT), "-F", "url", record["text"]]
        done = subprocess.run(words, check=True, capture_output=True, text=True)
        for place, line in enumerate(done.stdout.splitlines()[2:]):
            url = base64.b64decode(line.split()[0]).decode()
            print(record["_id"], Path(unquote(urlsplit(url).path)).stem, LIMIT - place)


if __name__ == "__main__":
    main(*sys.argv[1:])
