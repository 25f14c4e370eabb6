"""What the system refuses while an encoding takes another's place is said as an error of the corpus;
whole exchanges are in `unit/maintenance/test_reembed`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from searchapp.backends.sqlite import shadow, swap
from searchapp.errors import CorpusError
from tests.builders.shelf import Shelf


def test_what_the_system_refuses_is_an_error_of_the_corpus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Shelf(tmp_path / "corpus")
    made.put("/a.md", "one")
    with pytest.raises(CorpusError):
        swap.put_in_place(tmp_path / "nothing", made.folder)

    def refuse(*_: Path) -> None:
        raise PermissionError

    monkeypatch.setattr(shadow, "put", refuse)
    with pytest.raises(CorpusError):
        swap.keep(made.folder)
