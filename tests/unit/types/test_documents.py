"""Where a path is: in which folders and containers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from searchapp.types.documents import is_in_any, is_within

paths = st.lists(st.sampled_from([b"a", b"a!", b"!", b"b"]), min_size=1, max_size=4).map(
    lambda names: b"/" + b"/".join(names)
)


@given(paths, paths)
def test_a_path_is_in_any_of_some_folders_if_it_is_within_one(path: bytes, folder: bytes) -> None:
    assert is_in_any(path, {folder}) == is_within(path, folder)
