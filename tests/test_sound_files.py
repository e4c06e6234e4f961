"""Sound files of every kind that people have, and what is no sound."""

import sys

import av
import numpy as np
import pytest
import soundfile

from wyf_utils.core.errors import CorruptData
from wyf_utils.music import library_files
from wyf_utils.sound import audio_files, ffmpeg_files


def encode(path, codec, rate=44_100, layout="stereo", seconds=2, video=False):
    """A file with one tone, by ffmpeg; with moving pictures on demand."""
    channels = av.AudioLayout(layout).nb_channels
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(seconds * rate) / rate)
    packed = np.repeat(tone.astype(np.float32), channels)[None]
    with av.open(str(path), "w") as file:
        stream = file.add_stream(codec, rate=rate, layout=layout)
        stream.bit_rate = 128_000
        pictures = file.add_stream("mpeg4", rate=5) if video else None
        if video:
            pictures.width = pictures.height = 64
            pictures.pix_fmt = "yuv420p"
        size = stream.codec_context.frame_size or 1024
        form = stream.codec_context.format.name
        resampler = av.AudioResampler(format=form, layout=layout, rate=rate, frame_size=size)
        frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=layout)
        frame.sample_rate = rate
        for part in [*resampler.resample(frame), *resampler.resample(None), None]:
            file.mux(stream.encode(part))
        for _ in range(3 * video):
            black = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
            file.mux(pictures.encode(black))
        if video:
            file.mux(pictures.encode(None))
    return path


@pytest.mark.parametrize(
    ("name", "codec", "options", "form"),
    [
        ("a.m4a", "aac", {}, "MP4"),
        ("alac.m4a", "alac", {"rate": 192_000, "layout": "mono"}, "MP4"),
        ("surround.m4a", "aac", {"rate": 96_000, "layout": "7.1"}, "MP4"),
        ("a.aac", "aac", {}, "AAC"),
        ("a.wma", "wmav2", {}, "ASF"),
        ("a.wv", "wavpack", {"rate": 8_000, "layout": "mono"}, "WV"),
        ("a.opus", "libopus", {"rate": 48_000}, "OGG"),
        ("a.mp3", "libmp3lame", {}, "MP3"),
    ],
)
def test_files_of_every_kind_are_read(tmp_path, name, codec, options, form):
    path = encode(tmp_path / name, codec, **options)
    found = audio_files.describe(path)
    assert found.format.startswith(form) and found.rate == options.get("rate", 44_100)
    assert abs(found.seconds - 2) < 0.8
    assert form.startswith(library_files.FORMATS[path.suffix])
    waveform = audio_files.read_excerpt(path)
    assert waveform.dtype == np.float32 and abs(len(waveform) - 32_000) < 2_000
    spectrum = np.abs(np.fft.rfft(waveform[8_000:24_000]))
    assert abs(int(spectrum.argmax()) - 440) <= 1 and waveform.std() > 0.1


def test_seconds_20_to_50_are_taken(tmp_path):
    path = encode(tmp_path / "a.m4a", "aac", rate=8_000, layout="mono", seconds=52)
    assert audio_files.read_excerpt(path).shape == (480_000,)
    whole, rate = ffmpeg_files.read_start(path, 50)
    assert rate == 8_000 and whole.shape == (400_000,)
    middle = audio_files.read_excerpt(path, 20, 1)
    assert np.abs(middle[::2][2_000:6_000] - whole[162_000:166_000]).max() < 0.05


PLAYLIST = "#EXTM3U\n#EXTINF:10,\nfile:///etc/hostname\n"


@pytest.fixture
def odd(tmp_path):
    """Files that are no sound, or none that may be heard, under names of sound files."""
    video = encode(tmp_path / "video.mp4", "aac", video=True)
    for name in ("video.m4a", "video.mp3"):
        (tmp_path / name).write_bytes(video.read_bytes())
    for name in ("list.mp3", "list.m4a"):
        (tmp_path / name).write_text(PLAYLIST)
    whole = encode(tmp_path / "a.m4a", "aac").read_bytes()
    (tmp_path / "drm.m4a").write_bytes(whole.replace(b"mp4a", b"drms", 1))
    (tmp_path / "half.m4a").write_bytes(whole[: len(whole) // 2])
    asf = encode(tmp_path / "a.wma", "wmav2").read_bytes()
    (tmp_path / "drm.wma").write_bytes(asf[:200] + ffmpeg_files._ENCRYPTED_ASF[0] + asf[216:])
    (tmp_path / "head.wma").write_bytes(asf[:300])
    (tmp_path / "noise.ape").write_bytes(np.random.default_rng(0).bytes(5_000))
    noise = np.random.default_rng(0).normal(0, 0.1, (4_000, 12))
    soundfile.write(tmp_path / "many.wav", noise, 8_000)
    soundfile.write(tmp_path / "low.wav", noise[:, 0], 4_000)
    return tmp_path


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (("video.m4a", "video.mp3"), "is a video; save its sound alone"),
        (("list.mp3", "list.m4a"), "is a playlist and holds no sound; take the files that it"),
        (("drm.m4a", "drm.wma"), r"is protected \(DRM\) and cannot be heard; get it without"),
        (("half.m4a", "head.wma", "noise.ape"), "is no sound that libsndfile reads, nor ffmpeg"),
        (("many.wav",), "has 12 channels, and at most 8 are read; convert it"),
        (("low.wav",), "has 4,000 Hz, and 8,000 to 192,000 Hz are read; convert it"),
    ],
)
def test_what_is_no_sound_is_named(odd, names, says):
    for name in names:
        with pytest.raises(CorruptData, match=f"{name} {says}") as error:
            audio_files.read_excerpt(odd / name)
        assert error.value.ko and "\n" not in str(error.value)
        values, cut = library_files._examine(odd / name, True)
        assert cut is None and values["fault"].split(";")[0] in str(error.value)


def test_a_broken_end_costs_the_end_only(tmp_path):
    whole = encode(tmp_path / "a.aac", "aac", seconds=4).read_bytes()
    (tmp_path / "a.aac").write_bytes(whole[: len(whole) // 2] + b"\x00\xff" * 3_000)
    assert 16_000 < len(audio_files.read_excerpt(tmp_path / "a.aac")) < 50_000


def test_without_pyav_other_kinds_say_what_to_install(tmp_path, monkeypatch):
    path = encode(tmp_path / "a.m4a", "aac")
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(CorruptData, match="other kinds need PyAV: run `pip install av`"):
        audio_files.read_excerpt(path)
