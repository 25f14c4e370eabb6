"""Writers killed at random moments: each time the corpus is sound, what was acknowledged is there,
and the next ingest completes it.

    python -m tests.torture.kills [--kills N] [--seed N]

The victims and the verdict are those of `faults`, without strace: what runs beside the main thread
is hit as well.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter
from functools import partial

from tests.torture import faults
from tests.torture.telling import progress

LONGEST = 1.3  # times what a scene takes without a kill


def main() -> None:
    """Kill, and print what came of it as JSON."""
    parser = argparse.ArgumentParser(description="Kill the writer of a corpus, over and over.")
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    began, rng = time.monotonic(), random.Random(arguments.seed)
    with faults.stage() as made:
        jobs = [
            partial(faults.killed, scene, rng.uniform(0, LONGEST * scene.took_s))
            for scene in rng.choices(made, k=arguments.kills)
        ]
        outcomes = list(faults.at_once(jobs, is_told=progress("kills", len(jobs))))
    defects = [
        f"{outcome.scene}, {outcome.where}: {kind}: {what}"
        for outcome in outcomes
        for kind, what in outcome.defects
    ]
    hit = sum(outcome.is_hit for outcome in outcomes)
    told = {
        "kills": hit,
        "ended before": len(outcomes) - hit,
        "scenes": Counter(outcome.scene for outcome in outcomes if outcome.is_hit),
        "defects": defects,
        "seed": arguments.seed,
    }
    print(json.dumps({**told, "took_s": round(time.monotonic() - began, 1)}, indent=2))
    sys.exit(bool(defects))


if __name__ == "__main__":
    main()
