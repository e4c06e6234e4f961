"""Sound files that libsndfile does not read (m4a, aac, wma, ape and so on), by ffmpeg.

PyAV brings ffmpeg in its wheel. Only the file itself is opened: a playlist that names another file
or an address is refused.
"""

from __future__ import annotations

import importlib.util
import mmap
import re
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from ..core.errors import CorruptData
from ..core.paths import relative

if TYPE_CHECKING:
    import av

#: Containers of ffmpeg that may be opened, and the names that this project gives them.
_CONTAINERS = {
    "mov": "MP4", "mp4": "MP4", "m4a": "MP4", "3gp": "MP4", "aac": "AAC", "asf": "ASF",
    "ape": "APE", "wv": "WV", "mpc": "MPC", "mpc8": "MPC", "ogg": "OGG", "mp3": "MP3",
    "flac": "FLAC", "wav": "WAV", "aiff": "AIFF", "matroska": "MKV", "webm": "MKV",
    "avi": "AVI", "mpeg": "MPEG", "mpegts": "MPEG", "flv": "FLV",
}  # fmt: skip
_OPTIONS = {"protocol_whitelist": "file", "format_whitelist": ",".join(_CONTAINERS)}
#: Starts of playlists, in lower case.
_PLAYLISTS = (b"#extm3u", b"[playlist]", b"<asx", b"<?xml", b"<playlist", b"<smil")
#: Entries of a sample table that are encrypted: FairPlay's (m4p) and Common Encryption's.
_ENCRYPTED_MP4 = re.compile(rb"stsd.{12}(drms|drmi|enca|encv)", re.DOTALL)
#: Objects of an ASF header (wma) that say how it is encrypted.
_ENCRYPTED_ASF = tuple(
    bytes.fromhex(digits)
    for digits in ("fbb3112223bdd211b4b700a0c955fc6e", "14e68a292226174cb935dae07ee9289c")
)
_ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
#: Starts of Matroska, APE, WavPack, Musepack, FLV and MPEG files.
_STARTS = (b"\x1aE\xdf\xa3", b"MAC ", b"wvpk", b"MPCK", b"MP+", b"FLV", b"\0\0\1\xba")
_LONGEST_HEADER = 32 << 20  # bytes
_PICTURES = frozenset(("mjpeg", "png", "bmp", "gif", "webp"))


def available() -> bool:
    """Whether PyAV is installed."""
    return importlib.util.find_spec("av") is not None


def owns(path: Path) -> bool:
    """Whether a file's first bytes are of a container that libsndfile does not know.

    libsndfile would look for mp3 frames in it, and find some in the pictures of a video.
    """
    with path.open("rb") as file:
        head = file.read(16)
        if head[:3] == b"ID3" and len(head) == 16:
            sizes = zip(head[6:10], (21, 14, 7, 0), strict=True)
            file.seek(10 + sum(byte << shift for byte, shift in sizes))
            head = file.read(16)
    adts = len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0
    known = head[4:8] == b"ftyp" or head == _ASF or head[8:12] == b"AVI "
    return adts or known or head.startswith(_STARTS)


def read_start(path: Path, seconds: int) -> tuple[np.ndarray, int]:
    """Decode the first seconds of a file, mixed to mono.

    Parameters
    ----------
    path
        File that exists.
    seconds
        How much is decoded at most.

    Returns
    -------
    waveform : ndarray of shape (samples,), float32
        Full scale is -1 to 1.
    rate : int
        Samples a second.

    Raises
    ------
    CorruptData
        If the file is a playlist, a video, protected (DRM), or no sound that ffmpeg reads; also
        where PyAV is not installed.
    """
    _refuse(path)
    with _opened(path) as container:
        stream = _sound(container, path)
        rate, blocks, count = stream.codec_context.sample_rate, [], 0
        for block in _blocks(container, stream):
            blocks.append(block)
            count += len(block)
            if count >= seconds * rate:
                break
    if not count:
        raise _no_sound(path)
    return np.concatenate(blocks)[: seconds * rate], rate


def describe(path: Path) -> tuple[str, int, int, float]:
    """Describe a file without decoding it: container, channels, hertz, seconds (0 for unknown).

    Errors are those of `read_start`.
    """
    _refuse(path)
    with _opened(path) as container:
        codec = _sound(container, path).codec_context
        names = container.format.name.split(",")
        name = next((_CONTAINERS[n] for n in names if n in _CONTAINERS), names[0].upper())
        return name, codec.channels, codec.sample_rate, (container.duration or 0) / 1e6


def _refuse(path: Path) -> None:
    """Raise an error for a playlist and for a protected file."""
    name = relative(path)
    with path.open("rb") as file:
        head = file.read(4096)
        if head.lstrip(b"\xef\xbb\xbf \r\n\t").lower().startswith(_PLAYLISTS):
            raise CorruptData(
                f"{name} is a playlist and holds no sound; take the files that it names.",
                f"{name} 파일은 재생 목록이고 소리가 없어요. 목록에 있는 파일을 넣어 주세요.",
            )
        if head[4:8] == b"ftyp":
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                protected = _ENCRYPTED_MP4.search(content) is not None
        else:
            protected = head[:16] == _ASF and _encrypted_asf(head, file)
    if protected:
        raise CorruptData(
            f"{name} is protected (DRM) and cannot be heard; get it without protection.",
            f"{name} 파일은 보호(DRM)되어 있어 들을 수 없어요. 보호되지 않은 파일을 구해 주세요.",
        )


def _encrypted_asf(head: bytes, file: BinaryIO) -> bool:
    """Whether the header of an ASF file, pictures included, says that it is encrypted."""
    file.seek(0)
    header = file.read(min(int.from_bytes(head[16:24], "little"), _LONGEST_HEADER))
    return any(sign in header for sign in _ENCRYPTED_ASF)


def _opened(path: Path) -> av.container.InputContainer:
    """Open a container; ffmpeg's own errors become `CorruptData`."""
    try:
        import av
    except ImportError as error:
        raise _no_sound(path, "; other kinds need PyAV: run `pip install av`") from error
    try:
        return av.open(str(path), options=_OPTIONS, metadata_errors="ignore")
    except (av.FFmpegError, OSError, ValueError) as error:
        raise _no_sound(path) from error


def _sound(container: av.container.InputContainer, path: Path) -> av.AudioStream:
    """Return the first sound of a container without moving pictures."""
    name = relative(path)
    moving = [s for s in container.streams.video if s.codec_context.name not in _PICTURES]
    if moving:
        raise CorruptData(
            f"{name} is a video; save its sound alone, or drop the song.",
            f"{name} 파일은 동영상이에요. 소리만 따로 저장해 주세요.",
        )
    sounds = [s for s in container.streams.audio if s.codec_context and s.codec_context.sample_rate]
    if not sounds:
        raise _no_sound(path)
    return sounds[0]


def _blocks(container: av.container.InputContainer, stream: av.AudioStream):
    """Decode blocks of mono samples; what is broken within the file is left out."""
    import av

    stream.codec_context.thread_count = 1
    # Packed: with eight planes PyAV would read a ninth.
    resampler = av.AudioResampler(format="flt", rate=stream.codec_context.sample_rate)
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
            frames = packet.decode()
        except StopIteration:
            return
        except av.error.EOFError:
            return
        except av.error.InvalidDataError:
            continue
        for frame in frames:
            for part in resampler.resample(frame):
                yield part.to_ndarray().reshape(part.samples, -1).mean(1, dtype=np.float32)


def _no_sound(
    path: Path, remedy: str = ", nor ffmpeg; convert it, or drop the song"
) -> CorruptData:
    return CorruptData(
        f"{relative(path)} is no sound that libsndfile reads{remedy}.",
        f"{relative(path)} 파일은 읽을 수 있는 소리가 아니에요. 변환하거나 빼 주세요.",
    )
