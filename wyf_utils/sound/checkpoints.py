"""TensorFlow checkpoints as NumPy arrays, read without TensorFlow.

A checkpoint is a table of the LevelDB kind (`.index`), which names each tensor, and the values of
the tensors one after another (`.data-00000-of-00001`, little-endian).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ..core.errors import CorruptData

#: Last eight bytes of a LevelDB table.
_MAGIC = bytes.fromhex("57fb808b247547db")
_FOOTER = 48  # bytes
#: Number of float32 in TensorFlow's list of types.
_FLOAT = 1


def read_checkpoint(index: Path, values: Path) -> dict[str, np.ndarray]:
    """Read the float32 tensors of a TensorFlow checkpoint.

    Parameters
    ----------
    index, values
        Files that end in `.index` and `.data-00000-of-00001`.

    Returns
    -------
    dict
        {name: float32 array}; tensors of other types are left out.

    Raises
    ------
    CorruptData
        If the index is no table, or if a tensor lies beyond the end of the values.
    """
    table, data = index.read_bytes(), values.read_bytes()
    try:
        entries = {name: _entry(entry) for name, entry in _rows(table) if name}
        return {
            name.decode(): np.frombuffer(data, "<f4", int(np.prod(shape)), offset).reshape(shape)
            for name, (dtype, shape, offset) in entries.items()
            if dtype == _FLOAT
        }
    except (IndexError, ValueError, struct.error) as error:
        raise CorruptData(
            f"The checkpoint {index.name} with {values.name} is no whole one of TensorFlow; "
            "get both files again.",
            f"체크포인트 {index.name}, {values.name} 파일이 온전하지 않아요. 두 파일을 다시 받아 "
            "주세요.",
        ) from error


def _rows(table: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keys and values of a table, whose footer points to a block of pointers."""
    footer = table[-_FOOTER:]
    if not footer.endswith(_MAGIC):
        raise ValueError("no LevelDB table")
    _, _, start, size = _varints(footer, 4)
    for _, pointer in _block(table, start, size):
        yield from _block(table, *_varints(pointer, 2))


def _block(table: bytes, start: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield the rows of a block; a key names only what differs from the key before it."""
    block = table[start : start + size]
    if len(block) < size or table[start + size]:
        raise ValueError("cut off or compressed")
    (restarts,) = struct.unpack("<I", block[-4:])
    position, end, key = 0, size - 4 - 4 * restarts, b""
    while position < end:
        shared, position = _varint(block, position)
        new, position = _varint(block, position)
        length, position = _varint(block, position)
        key = key[:shared] + block[position : position + new]
        position += new
        yield key, block[position : position + length]
        position += length


def _entry(message: bytes) -> tuple[int, tuple[int, ...], int]:
    """Parse the protocol buffer of a tensor: type, shape and first byte of its values."""
    fields = dict.fromkeys((1, 3, 4), 0)  # zeros are left out of a message
    shape: Sequence[int] = ()
    for number, value in _fields(message):
        if number == 2:
            sizes = (dict(_fields(size)) for kind, size in _fields(value) if kind == 2)
            shape = [size.get(1, 0) for size in sizes]
        elif number in fields:
            fields[number] = value
    if fields[3]:
        raise ValueError("in several files")
    return fields[1], tuple(shape), fields[4]


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield the fields of a protocol buffer: number and value."""
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        kind = tag & 7
        if kind == 0:
            value, position = _varint(message, position)
        elif kind == 2:
            size, position = _varint(message, position)
            value, position = message[position : position + size], position + size
        elif kind == 5:
            value, position = message[position : position + 4], position + 4
        else:
            raise ValueError("unknown field")
        yield tag >> 3, value


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """Read a number of seven bits a byte, lowest first: the number and the next position."""
    number = shift = 0
    while True:
        byte = data[position]
        position += 1
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return number, position


def _varints(data: bytes, count: int) -> list[int]:
    """Read the first numbers of some bytes."""
    numbers, position = [], 0
    for _ in range(count):
        number, position = _varint(data, position)
        numbers.append(number)
    return numbers
