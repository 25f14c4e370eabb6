"""Archives give their members, whatever they say of themselves; hostile ones end soon and name
their reason.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable

import pytest

from searchapp.errors import FileFailed, FileSkipped
from searchapp.extract.archives.archive import members
from searchapp.extract.archives.names import MemberNames
from searchapp.extract.entries import entries
from searchapp.extract.members import Allowance
from tests.builders.archives import (
    gzipped,
    overlapping,
    tarred,
    tarred_kind,
    with_directory,
    with_raw_name,
    zipped,
    zipped_link,
)
from tests.paths import SAMPLES

TWO = {"a.txt": b"first", "folder/b.txt": b"second"}


def taken(data: bytes, name: str) -> list[tuple[str, bytes | str]]:
    """Each entry's path with its bytes, or with what kept it from being read; the container comes
    last, under "".
    """
    return [
        (
            entry.member,
            str(entry.refusal) if entry.refusal else b"" if entry.is_container else entry.data,
        )
        for entry in entries(data, name)
    ]


# ---- ZIP -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_the_files_of_a_zip_come_in_its_order_however_they_are_packed(method: int) -> None:
    assert taken(zipped(TWO, method), "x.zip") == [
        ("a.txt", b"first"),
        ("folder/b.txt", b"second"),
        ("", b""),
    ]


def test_the_place_of_a_member_is_its_path() -> None:
    inner = zipped({"deep/note.txt": b"Hello there"})
    found = [
        entry.read()
        for entry in entries(zipped({"in.zip": inner}), "out.zip")
        if not entry.is_container
    ]
    assert [block.place for document in found for block in document.blocks] == [
        (("member", "in.zip!/deep/note.txt"),)
    ]


def test_folders_and_links_are_no_members() -> None:
    assert taken(zipped({"folder/": b"", "folder/a.txt": b"text"}), "x.zip") == [
        ("folder/a.txt", b"text"),
        ("", b""),
    ]
    assert taken(zipped_link("link.txt", "/etc/passwd"), "x.zip") == [("", "empty")]


def test_what_is_left_out_on_disk_is_left_out_of_archives() -> None:
    names = [
        ".hidden",
        "id_rsa",
        "__MACOSX/._a.txt",
        "a/.git/config",
        "a/node_modules/b.js",
        "~$a.docx",
        "plain.txt",
    ]
    assert taken(zipped(dict.fromkeys(names, b"text")), "x.zip") == [
        (".hidden", "hidden"),
        ("id_rsa", "secret"),
        ("__MACOSX/._a.txt", "cache folder"),
        ("a/.git/config", "version control"),
        ("a/node_modules/b.js", "cache folder"),
        ("~$a.docx", "temporary file"),
        ("plain.txt", b"text"),
        ("", b""),
    ]
    refusal = next(entry.refusal for entry in entries(zipped({".hidden": b"text"}), "x.zip"))
    assert isinstance(refusal, FileSkipped)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("../../etc/evil.txt", "etc/evil.txt"),
        ("/etc/passwd", "etc/passwd"),
        ("C:\\Users\\me\\a.txt", "Users/me/a.txt"),
        ("..\\..\\a.txt", "a.txt"),
        ("./a//b.txt", "a/b.txt"),
        ("x.zip!/b.txt", "x.zip!_/b.txt"),
        ("a\0b\udcff.txt", "a\ufffdb\ufffd.txt"),
        ("..", "unnamed"),
        ("Ordner/Größe 1.txt", "Ordner/Größe 1.txt"),
    ],
)
def test_a_member_goes_by_a_name_that_points_nowhere_else(name: str, given: str) -> None:
    assert MemberNames().of(name) == given


def test_a_name_is_given_once_and_keeps_its_ending() -> None:
    names = MemberNames()
    given = [
        names.of(name)
        for name in ("d/a.txt", "d/a.txt", "d/a~2.txt", "d/a.txt", "./d//a.txt", "a.txt")
    ]
    assert given == ["d/a.txt", "d/a~2.txt", "d/a~2~2.txt", "d/a~3.txt", "d/a~4.txt", "a.txt"]


@pytest.mark.parametrize(
    ("raw", "given"), [("Grüße.txt".encode(), "Grüße.txt"), (b"Gr\x81\xe1\xe1e.txt", "Grüßße.txt")]
)
def test_a_name_without_an_encoding_is_utf8_where_it_can_be_else_that_of_dos(
    raw: bytes, given: str
) -> None:
    archive = with_raw_name(zipped({"x" * len(raw): b"text"}), b"x" * len(raw), raw)
    assert taken(archive, "x.zip")[0] == (given, b"text")


def test_an_encrypted_member_fails_and_the_others_are_read() -> None:
    archive = with_directory(zipped(TWO), 0, flags=1)
    assert taken(archive, "x.zip") == [
        ("a.txt", "encrypted: needs a password"),
        ("folder/b.txt", b"second"),
        ("", b""),
    ]
    assert isinstance(next(entry.refusal for entry in entries(archive, "x.zip")), FileFailed)


def test_a_member_with_a_wrong_checksum_fails_and_the_others_are_read() -> None:
    archive = with_directory(zipped(TWO), 0, crc=1)
    assert taken(archive, "x.zip") == [
        ("a.txt", "broken: its checksum is wrong"),
        ("folder/b.txt", b"second"),
        ("", b""),
    ]


def test_a_member_that_cannot_be_unpacked_fails_and_the_others_are_read() -> None:
    archive = zipped({"a.txt": b"first " * 9, "b.txt": b"second"}, zipfile.ZIP_DEFLATED)
    start = 30 + len("a.txt")
    assert [
        name
        for name, found in taken(archive[:start] + b"\xff" * 4 + archive[start + 4 :], "x.zip")
        if isinstance(found, bytes)
    ] == [
        "b.txt",
        "",
    ]


@pytest.mark.parametrize("offset", [5, 10**6])
def test_a_member_that_is_not_where_its_archive_says_fails(offset: int) -> None:
    assert taken(with_directory(zipped(TWO), 0, offset=offset), "x.zip")[:2] == [
        ("a.txt", "broken: not where its archive says"),
        ("folder/b.txt", b"second"),
    ]


def test_a_member_packed_by_an_unknown_method_fails() -> None:
    archive = bytearray(zipped(TWO))
    archive[archive.index(b"PK\x01\x02") + 10] = 9
    assert taken(bytes(archive), "x.zip")[0] == (
        "a.txt",
        "packed by a method that nothing here unpacks (9)",
    )


def test_a_zip_cut_short_fails() -> None:
    (only,) = entries(zipped(TWO)[:-30], "x.zip")
    assert str(only.refusal) == "not a readable archive: File is not a zip file"


def test_an_empty_zip_is_said_to_be_empty() -> None:
    assert taken(zipped({}), "x.zip") == [("", "empty")]


# ---- bombs ---------------------------------------------------------------------------------------


def test_a_member_that_says_it_is_too_large_is_refused_alone() -> None:
    archive = with_directory(zipped(TWO), 0, size=300 * 2**20)
    assert taken(archive, "x.zip")[:2] == [
        ("a.txt", "larger than 200 MiB (300 MiB)"),
        ("folder/b.txt", b"second"),
    ]


def test_a_member_that_says_it_is_longer_than_its_archive_fails() -> None:
    assert taken(with_directory(zipped(TWO), 0, packed=2**31 - 1, size=2**31 - 1), "x.zip")[0] == (
        "a.txt",
        "broken: said to be longer than its archive",
    )


def test_a_member_that_would_grow_a_thousandfold_is_a_bomb() -> None:
    archive = zipped({"a.txt": bytes(11 * 2**20), "b.txt": b"text"}, zipfile.ZIP_DEFLATED)
    (_, found), *others = taken(archive, "x.zip")
    assert str(found).startswith("zip bomb: ")
    assert others == [("b.txt", b"text"), ("", b"")]


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_member_is_unpacked_no_further_than_it_says(method: int) -> None:
    archive = with_directory(zipped({"a.txt": bytes(2**22)}, method), 0, size=100)
    (_, found), *_ = taken(archive, "x.zip")
    assert found == "zip bomb: unpacks to more than its archive says"


def test_members_that_share_their_bytes_are_a_bomb_together() -> None:
    assert taken(overlapping(b"text", 2), "x.zip") == [
        ("0000", b"text"),
        ("0001", b"text"),
        ("", b""),
    ]
    (only,) = entries(overlapping(bytes(2**20), 100), "x.zip")
    assert str(only.refusal).startswith("zip bomb: ")
    assert str(only.refusal).endswith(" bytes unpack to 104,857,600 or more")


def test_an_archive_that_says_it_unpacks_to_too_much_is_refused() -> None:
    files = zipped(
        {f"{number}.txt": b"x" * 2000 for number in range(6)} | {"pad.bin": bytes(2**23)}
    )
    for number in range(6):
        files = with_directory(files, number, size=190 * 2**20)
    for number in range(6):
        files = with_directory(files, number, packed=2**20)
    assert taken(files, "x.zip") == [("", "unpacks to more than 1,024 MiB")]


def test_a_gzip_bomb_ends_early() -> None:
    (only,) = entries(gzipped(bytes(16 * 2**20)), "x.gz")
    assert str(only.refusal).startswith("zip bomb: ")


def test_archives_in_archives_end_at_a_depth() -> None:
    data = zipped({"a.txt": b"text"})
    for _ in range(5):
        data = zipped({"in.zip": data})
    found = [(name, refusal) for name, refusal in taken(data, "x.zip") if isinstance(refusal, str)]
    assert found == [("in.zip!/in.zip!/in.zip!/in.zip", "nested deeper than 4 archives")]


def test_passing_over_what_is_not_read_counts_as_unpacking() -> None:
    archive = gzip.compress(tarred([(".hidden", bytes(3000)), ("a.txt", b"text")]))
    assert [
        member.name for member in members(archive, "gz", "x.tgz", Allowance(total_bytes=3000))
    ] == [".hidden", "a.txt"]
    with pytest.raises(FileFailed, match="unpacks to more than"):
        list(members(archive, "gz", "x.tgz", Allowance(total_bytes=2999)))


# ---- tar -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_a_tar_of_any_form_gives_its_files_with_long_names(form: int) -> None:
    long = "/".join(["folder" * 5] * 5) + "/name.txt"
    assert taken(
        tarred([("Größe.txt", b"first"), (long, b"second" * 100), ("c.txt", b"third")], form),
        "x.tar",
    ) == [
        ("Größe.txt", b"first"),
        (long, b"second" * 100),
        ("c.txt", b"third"),
        ("", b""),
    ]


@pytest.mark.parametrize("packed", [gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("name", ["x.tar.gz", "x.tgz", "backup"])
def test_a_packed_tar_gives_its_members_directly(
    packed: Callable[[bytes], bytes], name: str
) -> None:
    assert taken(packed(tarred(TWO.items())), name) == [
        ("a.txt", b"first"),
        ("folder/b.txt", b"second"),
        ("", b""),
    ]


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE]
)
def test_links_folders_and_devices_of_a_tar_are_no_members(kind: bytes) -> None:
    assert taken(tarred_kind("special", kind), "x.tar") == [("after.txt", b"after"), ("", b"")]


def test_names_of_a_tar_are_made_safe_and_held_to_the_rules() -> None:
    files = [
        ("../a.txt", b"1"),
        ("/a.txt", b"2"),
        ("b/.ssh/id_rsa", b"3"),
        ("Gr\udcfc\udcdfe.txt", b"4"),
    ]
    assert taken(tarred(files), "x.tar") == [
        ("a.txt", b"1"),
        ("a~2.txt", b"2"),
        ("b/.ssh/id_rsa", "secret"),
        ("Gr\ufffd\ufffde.txt", b"4"),
        ("", b""),
    ]


def test_a_tar_cut_short_gives_what_is_whole_and_fails() -> None:
    archive = tarred([("a.txt", b"first"), ("b.txt", b"second" * 200)])
    assert taken(archive[: 512 * 4], "x.tar") == [
        ("a.txt", b"first"),
        ("b.txt", "broken: its archive ends too early"),
        ("", "not a readable archive: ends too early"),
    ]


def test_a_tar_with_a_broken_header_gives_what_is_before_it_and_fails() -> None:
    archive = bytearray(tarred(TWO.items()))
    archive[1024 + 100] ^= 1
    assert taken(bytes(archive), "x.tar") == [
        ("a.txt", b"first"),
        ("", "not a readable archive: a header is broken"),
    ]


def test_a_tar_file_that_says_it_is_too_large_is_refused_before_it_is_read() -> None:
    archive = bytearray(tarred([("a.txt", b"first")]))
    archive[124:136] = b"77777777777\0"
    archive[148:156] = b"%06o\0 " % (sum(archive[:148]) + 8 * 32 + sum(archive[156:512]))
    assert taken(bytes(archive), "x.tar") == [("", "unpacks to more than 1,024 MiB")]


def test_a_sparse_file_is_left_out() -> None:
    target = tarfile.TarInfo("disk.img")
    target.pax_headers = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": "disk.img",
        "GNU.sparse.realsize": "9",
    }
    archive = target.tobuf(tarfile.PAX_FORMAT) + bytes(1024)
    assert taken(archive, "x.tar") == [("disk.img", "sparse file"), ("", b"")]


# ---- packed files --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("packed", "name", "given"),
    [
        (gzipped(b"text", "inner.txt"), "x.gz", "inner.txt"),
        (gzipped(b"text", "/etc/../inner.txt"), "x.gz", "inner.txt"),
        (gzipped(b"text"), "notes.txt.gz", "notes.txt"),
        (gzipped(b"text"), "notes", "notes"),
        (bz2.compress(b"text"), "notes.txt.bz2", "notes.txt"),
        (lzma.compress(b"text"), "notes.txt.xz", "notes.txt"),
    ],
)
def test_a_packed_file_is_one_member(packed: bytes, name: str, given: str) -> None:
    assert taken(packed, name) == [(given, b"text"), ("", b"")]


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_several_packed_streams_are_one_file_and_padding_is_passed_over(
    pack: Callable[[bytes], bytes],
) -> None:
    assert taken(pack(b"one ") + bytes(8) + pack(b"two") + bytes(512), "x.txt.gz")[0] == (
        "x.txt",
        b"one two",
    )


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_packed_file_cut_short_fails(pack: Callable[[bytes], bytes]) -> None:
    assert taken(pack(b"some text")[:-12], "x.txt.gz") == [
        ("", "not a readable archive: ends too early")
    ]


def test_a_packed_file_that_is_damaged_fails() -> None:
    packed = bytearray(gzip.compress(b"some text"))
    packed[-8] ^= 1
    (only,) = entries(bytes(packed), "x.txt.gz")
    assert "not a readable archive: " in str(only.refusal)


@pytest.mark.slow
def test_long_packed_text_comes_out_whole() -> None:
    text = b"".join(b"%d bottles\n" % number for number in range(300_000))
    for pack in (gzip.compress, bz2.compress):
        assert taken(pack(text), "x.txt.gz")[0] == ("x.txt", text)


# ---- samples -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sample", "found"),
    [
        (
            "gz/tika__quine.gz",
            [("quine.gz!/quine.gz!/quine.gz!/quine.gz", "nested deeper than 4 archives")],
        ),
        (
            "zip/tika__testZIP_corrupted_oom.zip",
            [("", "not a readable archive: Bad magic number for central directory")],
        ),
        (
            "zip/tika__testZipEncrypted.zip",
            [
                ("unencrypted.txt", b"hello world\r\n"),
                ("encrypted.txt", "encrypted: needs a password"),
            ],
        ),
        ("made/zipslip.zip", [("etc/evil.txt", b"evil")]),
        (
            "made/nested_bomb.zip",
            [
                ("0.zip!/a.txt", "zip bomb: 50,971 bytes unpack to 52,428,800 or more"),
                ("0.zip", b""),
            ],
        ),
    ],
)
def test_hostile_samples_end_with_a_reason(
    sample: str, found: list[tuple[str, bytes | str]]
) -> None:
    path = SAMPLES / sample
    assert taken(path.read_bytes(), path.name)[: len(found)] == found


def test_names_in_another_alphabet_than_that_of_dos_are_read_together() -> None:
    names = ["水门的钥匙.txt", "会议纪要.txt"]
    stand_ins = ["x" * len(name.encode("gbk")) for name in names]
    stand_ins[1] = stand_ins[1].replace("x", "y")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in stand_ins:
            archive.writestr(name, "The swan nests early.")
    data = buffer.getvalue()
    for name, stand_in in zip(names, stand_ins, strict=True):
        data = data.replace(stand_in.encode(), name.encode("gbk"))
    assert [entry.member for entry in entries(data, "a.zip") if entry.member] == names
