"""Opening: content decides, bounds come before decoding, and whatever goes wrong is one line."""

from __future__ import annotations

import io
import os
import signal
import struct
import subprocess
import sys
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import numpy as np
import pytest
from PIL import Image as PILImage
from refusals import refused

from faceswap_cli.errors import FaceswapError, InputError, LimitError, OutputError, UsageError
from faceswap_cli.media.formats import HEAD_BYTES, sniff
from faceswap_cli.media.frame import ClipInfo, Frame
from faceswap_cli.media.headers import read_png, read_tiff, read_webp
from faceswap_cli.media.limits import check_pixels
from faceswap_cli.media.open import create_media, open_media
from faceswap_cli.media.pillow import quiet
from faceswap_cli.options import MediaFormat, MediaOptions

CORPUS = Path(__file__).parents[2] / ".." / "shared" / "media" / "corpus"
OPTIONS = MediaOptions()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, *extra: bytes, data: bytes = b"") -> bytes:
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + b"".join(extra) + chunk(b"IDAT", data or zlib.compress(bytes(1_000_000))) + chunk(b"IEND", b""))


def tiff(width: int, height: int, *extra: tuple[int, int, int, int], strip: bytes = b"") -> bytes:
    """One strip of deflated RGB; `extra` are tags: number, type, count, value."""
    tags = sorted([(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 8), (262, 3, 1, 1),
                   (273, 4, 1, 8), (277, 3, 1, 1), (278, 4, 1, height), (279, 4, 1, len(strip)), *extra])
    offset = 8 + len(strip)
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags) + bytes(4)
    return struct.pack("<2sHI", b"II", 42, offset) + strip + directory


def webp(width: int, height: int) -> bytes:
    canvas = bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", 10) + canvas + b"VP8L" + struct.pack("<I", 5) + b"\x2f\xff\xff\xff\x0f\0"
    return b"RIFF" + struct.pack("<I", len(body)) + body


def read(path: Path, options: MediaOptions = OPTIONS) -> tuple[ClipInfo, Frame]:
    with open_media(path, options) as reader:
        return reader.info, next(iter(reader.frames()))


@pytest.mark.parametrize("name", ["picture.jpg", "picture", "picture.mp4"])
def test_the_name_says_nothing(tmp_path: Path, name: str) -> None:
    PILImage.new("RGB", (3, 2), (9, 8, 7)).save(tmp_path / name, "PNG")
    info, frame = read(tmp_path / name)
    assert info.format is MediaFormat.PNG
    assert frame.pixels.tolist() == [[[9, 8, 7]] * 3] * 2


@pytest.mark.parametrize(("content", "says"), [
    (None, "does not exist"),
    (b"", "is empty"),
    (b"hello", "not a picture"),
    (b"\xff\xd8\xff", "cannot be read as JPEG"),
    (b"\x89PNG\r\n\x1a\n", "cannot be read as PNG"),
    (b"RIFF\0\0\0\0WEBP", "cannot be read as WebP"),
    (b"II*\0\x08\0\0\0", "cannot be read as TIFF"),
    (b"\0\0\0\x18ftypmp42\0\0\0\0isommp42", "cannot be read as a video"),
    (b"\x1a\x45\xdf\xa3", "cannot be read as a video"),
    (b"RIFF\0\0\0\0AVI ", "cannot be read as a video"),
    (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC.*convert it to PNG or JPEG"),
    (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "PostScript"),
])
def test_what_is_no_picture(tmp_path: Path, content: bytes | None, says: str) -> None:
    path = tmp_path / "file.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=f"the upload .*{says}") as caught:
        open_media(path, OPTIONS, name="the upload")
    assert "\n" not in str(caught.value) and str(tmp_path) not in str(caught.value)


def test_folders_pipes_and_devices_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, says in ((tmp_path, "is a folder"), (tmp_path / "pipe", "regular file"), (Path(os.devnull), "regular")):
        with pytest.raises(InputError, match=says):
            open_media(path, OPTIONS)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
def test_no_permission(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(1, 1))
    (tmp_path / "a.png").chmod(0)
    with pytest.raises(InputError, match="no permission"):
        open_media(tmp_path / "a.png", OPTIONS)


def test_the_bound_names_size_limit_and_option(tmp_path: Path) -> None:
    PILImage.new("RGB", (40, 30)).save(tmp_path / "a.png")
    with refused(LimitError, r"40x30.*1199.*--max-pixels 1200"):
        read(tmp_path / "a.png", MediaOptions(max_pixels=1199))
    read(tmp_path / "a.png", MediaOptions(max_pixels=1200))


def test_the_advice_is_enough() -> None:
    with refused(LimitError, "--max-pixels 51 ") as caught:
        check_pixels(10, 1, 101, MediaOptions(max_pixels=50), "clip")
    assert "101 frames" in str(caught.value)
    check_pixels(10, 1, 101, MediaOptions(max_pixels=51), "clip")
    with pytest.raises(InputError):
        check_pixels(0, 5, 1, OPTIONS, "clip")


def deflated_zeros(megabytes: int) -> bytes:
    packer = zlib.compressobj(1)
    block = bytes(1_000_000)
    return b"".join(packer.compress(block) for _ in range(megabytes)) + packer.flush()


BOMBS = {
    "png": lambda: png(60_000, 60_000),
    "png-text": lambda: png(8, 8, *[chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(1_000_000)))] * 200),
    "png-profile": lambda: png(8, 8, chunk(b"iCCP", b"k\0\0" + deflated_zeros(500))),
    "png-chunks": lambda: png(8, 8, chunk(b"abCd", b"") * 100_000),
    "png-data": lambda: png(8, 8, data=deflated_zeros(400)),
    "tiff": lambda: tiff(50_000, 50_000, strip=zlib.compress(bytes(1_000_000))),
    "tiff-tile": lambda: tiff(8, 8, (322, 4, 1, 60_000), (323, 4, 1, 60_000)),
    "tiff-tags": lambda: tiff(8, 8, *((number, 7, 900_000, 8) for number in range(40_000, 43_000)),
                              strip=bytes(900_000)),
    "tiff-strip": lambda: tiff(8, 8, strip=deflated_zeros(300)),
    "tiff-samples": lambda: tiff(9_000, 9_000, (339, 3, 1, 3)).replace(
        struct.pack("<HHII", 277, 3, 1, 1), struct.pack("<HHII", 277, 3, 1, 60_000)),
    "webp": lambda: webp(16_384, 16_384),
    "gif": lambda: b"GIF89a" + struct.pack("<HHBBB", 65_535, 65_535, 0, 0, 0) + b"," + struct.pack(
        "<HHHHB", 0, 0, 65_535, 65_535, 0) + b"\x02\x02D\x01\0;",
    "bmp": lambda: struct.pack("<2sIHHIIiiHHIIiiII", b"BM", 54, 0, 0, 54, 40, 60_000, 60_000, 1, 24, 0, 0, 0, 0, 0, 0),
    "jpeg": lambda: b"\xff\xd8\xff\xc0\0\x11\x08\xff\x00\xff\x00\x03\x01\x11\0\x02\x11\0\x03\x11\0\xff\xd9",
}

MEASURED = """
import sys
from pathlib import Path
from faceswap_cli.errors import InputError
from faceswap_cli.media.open import open_media
from faceswap_cli.options import MediaOptions
try:
    with open_media(Path(sys.argv[1]), MediaOptions()) as reader:
        for frame in reader.frames():
            print(frame.pixels.shape)
except InputError as error:
    print(type(error).__name__)
# Not getrusage: its peak includes the parent's memory, of which a forked child is a copy until it starts a program.
print(int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) // 1024)
"""


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_takes_no_memory(tmp_path: Path, name: str) -> None:
    if not Path("/proc/self/status").exists():
        pytest.skip("peak memory is read from /proc")
    (tmp_path / "bomb").write_bytes(BOMBS[name]())
    done = subprocess.run([sys.executable, "-c", MEASURED, str(tmp_path / "bomb")], capture_output=True, text=True,
                          check=True, timeout=30)
    outcome, megabytes = done.stdout.split("\n")[:2]
    assert outcome in ("LimitError", "InputError") or (outcome == "(8, 8, 3)" and name in ("png-data", "tiff-strip"))
    assert int(megabytes) < 300
    assert done.stderr == ""


def test_our_limit_rules_and_pillow_keeps_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    PILImage.new("L", (50, 50)).save(tmp_path / "a.webp")
    monkeypatch.setattr(PILImage, "MAX_IMAGE_PIXELS", 100)
    read(tmp_path / "a.webp")
    assert PILImage.MAX_IMAGE_PIXELS == 100


def test_settings_of_the_process_come_back_after_overlapping_threads() -> None:
    before = list(warnings.filters), PILImage.MAX_IMAGE_PIXELS
    inside, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with quiet:
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=hold)
    with quiet:
        thread.start()
        assert inside.wait(10)
    assert PILImage.MAX_IMAGE_PIXELS is None  # the other thread still decodes
    leave.set()
    thread.join(10)
    assert (list(warnings.filters), PILImage.MAX_IMAGE_PIXELS) == before


def test_a_still_can_be_read_once_and_after_the_file_is_gone(tmp_path: Path) -> None:
    PILImage.new("RGB", (3, 2)).save(tmp_path / "a.png")
    with open_media(tmp_path / "a.png", OPTIONS) as reader:
        (tmp_path / "a.png").unlink()
        assert len(list(reader.frames())) == 1
        assert list(reader.frames()) == []


def test_nothing_is_left_when_an_output_is_refused(tmp_path: Path) -> None:
    like = ClipInfo(format=MediaFormat.PNG, width=3, height=2)
    for name in ("a", "a.xyz"):
        with pytest.raises(UsageError):
            create_media(tmp_path / name, like, OPTIONS)
    with create_media(tmp_path / "a.png", like, OPTIONS) as writer, pytest.raises(OutputError, match="no frame"):
        writer.commit()
    with create_media(tmp_path / "a.jpg", like, OPTIONS) as writer:
        writer.write(Frame(pixels=np.zeros((2, 3, 3), np.uint8)))
        with pytest.raises(UsageError, match="one picture"):
            writer.write(Frame(pixels=np.zeros((2, 3, 3), np.uint8)))
    assert list(tmp_path.iterdir()) == []


def test_a_picture_may_be_written_over_itself(tmp_path: Path) -> None:
    PILImage.new("RGB", (3, 2), (1, 2, 3)).save(tmp_path / "a.png")
    path = tmp_path / "a.png"
    with open_media(path, OPTIONS) as reader, create_media(path, reader.info, OPTIONS, overwrite=True) as writer:
        for frame in reader.frames():
            writer.write(Frame(pixels=255 - frame.pixels))
        writer.commit()
    assert read(tmp_path / "a.png")[1].pixels[0, 0].tolist() == [254, 253, 252]
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


@contextmanager
def time_bound(seconds: int) -> Iterator[None]:
    def expire(_number: int, _frame: FrameType | None) -> None:
        pytest.fail(f"took more than {seconds} s")

    before = signal.signal(signal.SIGALRM, expire)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def corpus_files() -> list[Path]:
    return sorted(path for path in CORPUS.rglob("*") if path.is_file() and not still_of_a_clip(path))


def still_of_a_clip(path: Path) -> bool:
    """Animations have tests of their own."""
    with path.open("rb") as file:
        kind = sniff(file.read(HEAD_BYTES))
        try:
            return (kind is MediaFormat.GIF or (kind is MediaFormat.PNG and read_png(file).animated)
                    or (kind is MediaFormat.WEBP and read_webp(file).animated))
        except (ValueError, struct.error):
            return False


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the shared corpus is not there")
@pytest.mark.parametrize("path", corpus_files(), ids=lambda path: path.name)
def test_every_odd_still_is_a_picture_or_one_line(tmp_path: Path, path: Path,
                                                  capfd: pytest.CaptureFixture[str]) -> None:
    with time_bound(30):
        try:
            info, frame = read(path)
        except FaceswapError as error:
            assert isinstance(error, InputError)
            assert "\n" not in str(error) and path.name in str(error)
        else:
            assert frame.pixels.shape == (info.height, info.width, 3)
            if frame.pixels.size > 2_000_000:
                return  # large ones would make the suite slow and write like small ones
            with create_media(tmp_path / "a.png", info, OPTIONS) as writer:
                writer.write(frame)
                writer.commit()
            again = read(tmp_path / "a.png")[1]
            assert np.array_equal(again.pixels, frame.pixels)
            assert (again.alpha is None) == (frame.alpha is None)
        finally:
            assert capfd.readouterr() == ("", "")


def test_damaged_headers_raise_nothing_else() -> None:
    generator = np.random.default_rng(5)
    for parse, whole in ((read_png, BOMBS["png"]()[:200]), (read_webp, BOMBS["webp"]()), (read_tiff, tiff(8, 8))):
        for _ in range(300):
            damaged = bytearray(whole)
            for at in generator.integers(0, len(whole), 4):
                damaged[at] = generator.integers(0, 256)
            try:
                parse(io.BytesIO(damaged[:generator.integers(1, len(whole) + 1)]))
            except (ValueError, struct.error, OverflowError, IndexError):
                continue
