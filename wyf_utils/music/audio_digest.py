"""Digest of a sound file's audio bytes, which a change of tags leaves as it is."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal

#: Bytes read at once.
_BLOCK = 1 << 20
_ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
#: Start and end of bytes in a file.
_Span = tuple[int, int]


def audio_digest(path: Path) -> str:
    """Hash the audio bytes of a sound file.

    Left out are ID3 and APEv2 tags, the metadata blocks of FLAC, the header pages of Ogg, the
    header of ASF (wma), and all chunks of wav, aiff and MP4 (m4a) but those that hold audio.

    Returns
    -------
    str
        sha256 as 64 hex digits; that of all bytes where no audio is found.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        start, end = _between_tags(file, size)
        spans = [(a, min(b, end)) for a, b in _audio_spans(file, start, end) if a < min(b, end)]
        for first, last in spans or [(0, size)]:
            file.seek(first)
            left = last - first
            while left and (block := file.read(min(left, _BLOCK))):
                digest.update(block)
                left -= len(block)
    return digest.hexdigest()


def _bytes(file: BinaryIO, place: int, count: int) -> bytes:
    file.seek(place)
    return file.read(count)


def _between_tags(file: BinaryIO, size: int) -> _Span:
    """Span between ID3v2 tags at the start and ID3v1 and APEv2 tags at the end."""
    start, end = 0, size
    while (head := _bytes(file, start, 10))[:3] == b"ID3" and len(head) == 10:
        length = sum(byte << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True))
        start += 10 + length + (10 if head[5] & 0x10 else 0)  # with a footer
    if _bytes(file, max(end - 128, start), 3) == b"TAG":
        end -= 128
    foot = _bytes(file, max(end - 32, start), 32)
    if foot[:8] == b"APETAGEX":
        end -= int.from_bytes(foot[12:16], "little") + (32 if foot[23] & 0x80 else 0)  # a header
    return start, end


def _audio_spans(file: BinaryIO, start: int, end: int) -> Iterator[_Span]:
    """Spans of audio bytes by container format; the whole span for mp3, aac, ape and so on."""
    head = _bytes(file, start, 16)
    if head[:4] == b"fLaC":
        yield _flac_frames(file, start), end
    elif head[:4] == b"OggS":
        yield from _ogg_bodies(file, start, end)
    elif head[:4] == b"RIFF":
        yield from _chunks(file, start, end, b"data", "little")
    elif head[:4] == b"FORM":
        yield from _chunks(file, start, end, b"SSND", "big")
    elif head[4:8] == b"ftyp":
        yield from _mp4_data(file, start, end)
    elif head == _ASF:
        yield start + int.from_bytes(_bytes(file, start + 16, 8), "little"), end
    else:
        yield start, end


def _flac_frames(file: BinaryIO, start: int) -> int:
    """Place after the metadata blocks of a FLAC file."""
    place = start + 4
    while any(head := _bytes(file, place, 4)):
        place += 4 + int.from_bytes(head[1:], "big")
        if head[0] & 0x80:  # the last block
            break
    return place


def _ogg_bodies(file: BinaryIO, start: int, end: int) -> Iterator[_Span]:
    """Bodies of Ogg pages from the first that ends a packet of audio: headers have granule 0."""
    place, is_audio = start, False
    while place < end and (head := _bytes(file, place, 27))[:4] == b"OggS" and len(head) == 27:
        body = place + 27 + head[26]
        place = body + sum(_bytes(file, place + 27, head[26]))
        is_audio = is_audio or int.from_bytes(head[6:14], "little", signed=True) > 0
        if is_audio:
            yield body, place


def _chunks(
    file: BinaryIO, start: int, end: int, name: bytes, order: Literal["little", "big"]
) -> Iterator[_Span]:
    """Chunks of a name in a RIFF or AIFF file."""
    place = start + 12
    while place < end and any(head := _bytes(file, place, 8)):
        length = int.from_bytes(head[4:], order)
        if head[:4] == name:
            yield place + 8, place + 8 + length
        place += 8 + length + length % 2


def _mp4_data(file: BinaryIO, start: int, end: int) -> Iterator[_Span]:
    """Media data of an MP4 file."""
    place = start
    while place < end:
        head = _bytes(file, place, 16)
        length = int.from_bytes(head[:4], "big")
        if length == 1:  # too long for four bytes
            length = int.from_bytes(head[8:], "big")
        if length < 8:  # 0 reaches to the end
            length = end - place
        if head[4:8] == b"mdat":
            yield place + 8, place + length
        place += length
