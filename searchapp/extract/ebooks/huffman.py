"""The second way in which Kindle books are packed: codes of up to 32 bits for pieces of text, which
may be packed themselves.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

_MAX_DEPTH = 32  # pieces in pieces
_MAX_RECORD = 2**20  # bytes that a record unpacks to; books have 4096
_PLAIN = 0x8000


class HuffmanDictionary:
    """The codes and the pieces of one book, from its HUFF record and its CDIC records; raises
    ValueError or struct.error where they are broken.
    """

    def __init__(self, codes: bytes, dictionaries: Sequence[bytes]) -> None:
        if codes[:4] != b"HUFF":
            raise ValueError("its codes are missing")
        first, second = struct.unpack_from(">II", codes, 8)
        self._short = struct.unpack_from(">256I", codes, first)
        limits = struct.unpack_from(">64I", codes, second)
        self._least = (0, *limits[0::2])  # by length, the codes counted from the left
        self._most = (0, *limits[1::2])
        self._pieces: list[tuple[bytes, bool]] = []
        for record in dictionaries:
            self._add(record)
        self._known: dict[int, bytes] = {}

    def unpacked(self, packed: bytes, depth: int = 0) -> bytes:
        """The text of a record."""
        if depth > _MAX_DEPTH:
            raise ValueError("its pieces are nested too deeply")
        left = 8 * len(packed)
        bits = int.from_bytes(packed, "big") << 32
        shift = left
        unpacked = bytearray()
        while True:
            window = bits >> shift & 0xFFFFFFFF
            entry = self._short[window >> 24]
            length, most = entry & 0x1F, entry >> 8
            if length == 0:
                raise ValueError("a code is not known")
            if entry & 0x80:
                most = ((most + 1) << (32 - length)) - 1
            else:
                while length < 33 and window < self._least[length] << (32 - length):
                    length += 1
                if length > 32:
                    raise ValueError("a code is not known")
                most = ((self._most[length] + 1) << (32 - length)) - 1
            shift -= length
            left -= length
            if left < 0:
                return bytes(unpacked)
            unpacked += self._piece(most - window >> 32 - length, depth)
            if len(unpacked) > _MAX_RECORD:
                raise ValueError("unpacks to too much")

    def _piece(self, number: int, depth: int) -> bytes:
        if number in self._known:
            return self._known[number]
        if not 0 <= number < len(self._pieces):
            raise ValueError("a piece is not known")
        piece, is_plain = self._pieces[number]
        self._known[number] = piece if is_plain else self.unpacked(piece, depth + 1)
        return self._known[number]

    def _add(self, record: bytes) -> None:
        if record[:4] != b"CDIC":
            raise ValueError("its dictionary is broken")
        count, bits = struct.unpack_from(">II", record, 8)
        for index in range(min(1 << min(bits, 16), count - len(self._pieces))):
            (offset,) = struct.unpack_from(">H", record, 16 + 2 * index)
            (length,) = struct.unpack_from(">H", record, 16 + offset)
            start = 18 + offset
            size = length & ~_PLAIN
            self._pieces.append((record[start : start + size], bool(length & _PLAIN)))
