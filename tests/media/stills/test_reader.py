"""Stills: what is read is what the file shows; what is written keeps what the target had."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image as PILImage
from PIL import ImageCms
from PIL.PngImagePlugin import PngInfo

from faceswap_cli.errors import InputError, UsageError
from faceswap_cli.media.frame import ClipInfo, Frame
from faceswap_cli.media.open import create_media, open_media
from faceswap_cli.media.stills.colour import icc_space, scale_to_bytes
from faceswap_cli.options import MediaFormat, MediaOptions

CORPUS = Path(__file__).parents[3] / ".." / "shared" / "media" / "corpus"
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
SHAPE = (24, 32)


def read(path: Path, **options: Any) -> tuple[ClipInfo, Frame]:
    with open_media(path, MediaOptions(**options)) as reader:
        (frame,) = reader.frames()
        return reader.info, frame


def write(path: Path, like: ClipInfo, frame: Frame, **options: Any) -> None:
    with create_media(path, like, MediaOptions(**options), overwrite=True) as writer:
        writer.write(frame)
        writer.commit()


def picture() -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Smooth, coloured and without any symmetry."""
    y, x = np.mgrid[:SHAPE[0], :SHAPE[1]]
    return np.dstack([x * 8, y * 10, (x + y) * 4]).astype(np.uint8)


def ramp(dtype: str = "uint16") -> np.ndarray[Any, Any]:
    return np.linspace(0, 65535, SHAPE[0] * SHAPE[1]).reshape(SHAPE).astype(dtype)


@pytest.mark.parametrize("suffix", ["png", "tiff", "bmp", "webp"])
def test_lossless_formats_keep_every_pixel(tmp_path: Path, suffix: str) -> None:
    write(tmp_path / f"a.{suffix}", ClipInfo(format=MediaFormat.PNG, width=32, height=24), Frame(pixels=picture()),
          image_quality=100)
    info, frame = read(tmp_path / f"a.{suffix}")
    assert np.array_equal(frame.pixels, picture())
    assert (info.width, info.height, info.lossless, info.animated) == (32, 24, True, False)
    assert frame.alpha is None
    assert frame.duration == 0


@pytest.mark.parametrize("suffix", ["jpg", "avif", "webp"])
def test_lossy_formats_are_close_and_follow_the_quality(tmp_path: Path, suffix: str) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    sizes = []
    for quality in (10, 50, 95):
        write(tmp_path / f"a.{suffix}", ClipInfo(format=MediaFormat.PNG, width=64, height=64), Frame(pixels=noise),
              image_quality=quality)
        sizes.append((tmp_path / f"a.{suffix}").stat().st_size)
    assert sizes == sorted(sizes) and sizes[0] < sizes[2]
    write(tmp_path / f"b.{suffix}", ClipInfo(format=MediaFormat.PNG, width=32, height=24), Frame(pixels=picture()))
    info, frame = read(tmp_path / f"b.{suffix}")
    assert np.abs(frame.pixels.astype(int) - picture()).mean() < 4
    assert not info.lossless


def test_colour_is_not_subsampled_at_high_quality(tmp_path: Path) -> None:
    for quality, layers in ((90, 1), (89, 2)):
        write(tmp_path / "a.jpg", ClipInfo(format=MediaFormat.JPEG, width=32, height=24), Frame(pixels=picture()),
              image_quality=quality)
        with PILImage.open(tmp_path / "a.jpg") as image:
            assert image.layer[0][1] == layers


def stored(upright: np.ndarray[Any, Any], orientation: int) -> np.ndarray[Any, Any]:
    """Pixels as a camera with this orientation stores them: 6 and 8 are quarter turns, 5 and 7 mirrored ones."""
    flipped = np.fliplr(upright)
    return {1: upright, 2: flipped, 3: np.rot90(upright, 2), 4: np.flipud(upright), 5: np.rot90(flipped, 1),
            6: np.rot90(upright, 1), 7: np.rot90(flipped, -1), 8: np.rot90(upright, -1)}[orientation]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["png", "tiff", "webp", "jpg", "avif"])
def test_all_orientations_come_out_upright(tmp_path: Path, suffix: str, orientation: int) -> None:
    exif = PILImage.Exif()
    exif[0x0112] = orientation
    settings: dict[str, Any] = {"webp": {"lossless": True}, "jpg": {"quality": 100, "subsampling": 0},
                                "avif": {"quality": 100}}.get(suffix, {})
    path = tmp_path / f"a.{suffix}"
    PILImage.fromarray(np.ascontiguousarray(stored(picture(), orientation))).save(
        path, exif=exif, **settings, **({"dpi": (100, 200)} if suffix == "png" else {}))
    info, frame = read(path)
    assert (info.width, info.height) == (32, 24)
    assert np.abs(frame.pixels.astype(int) - picture()).max() <= (0 if suffix in ("png", "tiff", "webp") else 12)
    if suffix == "png":
        assert info.dpi == pytest.approx((200, 100) if orientation > 4 else (100, 200), rel=0.01)
    write(path, info, frame)
    with PILImage.open(path) as again:
        assert again.getexif().get(0x0112, 1) == 1
    assert np.abs(read(path)[1].pixels.astype(int) - picture()).mean() < 4


@pytest.mark.parametrize("kind", ["Landscape", "Portrait"])
def test_orientation_examples_agree(kind: str) -> None:
    folder = CORPUS / "recurser+exif-orientation-examples"
    files = sorted(folder.glob(f"{kind}_*.jpg"))
    if not files:
        pytest.skip("the shared corpus is not there")
    pictures = [read(path)[1].pixels[::20, ::20].astype(int) for path in files]
    assert all(np.abs(one - pictures[0]).mean() < 6 for one in pictures)


@pytest.mark.parametrize(("name", "save"), [
    ("grey.png", lambda path: PILImage.fromarray(ramp()).save(path)),
    ("grey.tif", lambda path: tifffile.imwrite(path, ramp())),
    ("big-endian.tif", lambda path: tifffile.imwrite(path, ramp(), byteorder=">")),
    ("int32.tif", lambda path: tifffile.imwrite(path, ramp("int32"))),
    ("white-is-zero.tif", lambda path: tifffile.imwrite(path, 65535 - ramp(), photometric="miniswhite")),
    ("float.tif", lambda path: tifffile.imwrite(path, (ramp("float32") / 65535).astype("float32"))),
    ("rgb.tif", lambda path: tifffile.imwrite(path, np.dstack([ramp()] * 3), photometric="rgb")),
    ("float-rgb.tif", lambda path: tifffile.imwrite(
        path, np.dstack([ramp("float32") / 65535] * 3).astype("float32"), photometric="rgb")),
    ("double.tif", lambda path: tifffile.imwrite(path, ramp("float64") / 65535)),
    ("planar.tif", lambda path: tifffile.imwrite(
        path, np.stack([ramp("uint32") * 65537] * 3), photometric="rgb", planarconfig="separate")),
    ("grey-alpha.tif", lambda path: tifffile.imwrite(
        path, np.dstack([ramp(), np.full(SHAPE, 65535, "uint16")]), photometric="minisblack",
        extrasamples=["unassalpha"])),
])
def test_deep_pictures_are_scaled_not_clipped(tmp_path: Path, name: str, save: Any) -> None:
    save(tmp_path / name)
    info, frame = read(tmp_path / name)
    expected = ramp("float64") / 65535 * 255
    assert frame.pixels.shape == (*SHAPE, 3)
    for channel in range(3):
        assert np.abs(frame.pixels[..., channel] - expected).max() <= 1.01
    assert frame.alpha is None
    assert any("8" in warning for warning in info.warnings)


@pytest.mark.parametrize(("values", "expected"), [
    (np.array([0.0, 0.5, 1.0]), [0, 128, 255]),
    (np.array([0.0, 128.0, 255.0]), [0, 128, 255]),
    (np.array([0, 1, 255], dtype="int32"), [0, 1, 255]),
    (np.array([-1.0, 0.0, 1.0]), [0, 128, 255]),
    (np.array([0.0, np.nan, 1.0]), [0, 0, 255]),
    (np.array([False, True]), [0, 255]),
    (np.array([0, 65535], dtype="uint16"), [0, 255]),
    (np.array([0.0, 0.0]), [0, 0]),
])
def test_white_is_found(values: np.ndarray[Any, Any], expected: list[int]) -> None:
    assert scale_to_bytes(values).tolist() == expected


def test_grey_stays_grey_with_its_profile_also_when_a_face_was_coloured(tmp_path: Path) -> None:
    profile = bytearray(SRGB)
    profile[16:20] = b"GRAY"
    PILImage.fromarray(picture()[..., 0]).save(tmp_path / "a.png", icc_profile=bytes(profile))
    info, frame = read(tmp_path / "a.png")
    assert info.mode == "L" and info.icc == bytes(profile)
    assert np.array_equal(frame.pixels, np.dstack([picture()[..., 0]] * 3))
    changed = frame.pixels.copy()
    changed[5:9, 5:9] = (200, 10, 10)
    for suffix in ("png", "jpg", "tiff"):
        write(tmp_path / f"b.{suffix}", info, Frame(pixels=changed))
        with PILImage.open(tmp_path / f"b.{suffix}") as image:
            assert image.mode == "L"
            assert image.info["icc_profile"] == bytes(profile)
    with PILImage.open(tmp_path / "b.png") as image:
        outside = np.asarray(image) == picture()[..., 0]
    outside[5:9, 5:9] = True
    assert outside.all()
    write(tmp_path / "b.webp", info, frame)  # knows colour alone: a grey profile would be wrong there
    assert read(tmp_path / "b.webp")[0].icc is None


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tiff", "avif"])
def test_profile_bytes_survive(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    PILImage.fromarray(picture()).save(path, icc_profile=SRGB)
    info, frame = read(path)
    assert info.icc == SRGB
    write(tmp_path / f"b.{suffix}", info, frame)
    with PILImage.open(tmp_path / f"b.{suffix}") as image:
        assert image.info["icc_profile"] == SRGB


def test_a_profile_of_another_space_is_dropped(tmp_path: Path) -> None:
    PILImage.fromarray(picture()[..., 0]).save(tmp_path / "a.png", icc_profile=SRGB)
    assert read(tmp_path / "a.png")[0].icc is None
    assert icc_space(b"junk") == ""


@pytest.mark.parametrize("suffix", ["png", "webp", "tiff", "avif", "bmp"])
def test_alpha_survives(tmp_path: Path, suffix: str) -> None:
    alpha = np.linspace(0, 255, SHAPE[0] * SHAPE[1]).reshape(SHAPE).astype(np.uint8)
    write(tmp_path / f"a.{suffix}", ClipInfo(format=MediaFormat.PNG, width=32, height=24),
          Frame(pixels=picture(), alpha=alpha), image_quality=100)
    _, frame = read(tmp_path / f"a.{suffix}")
    assert frame.alpha is not None
    assert np.abs(frame.alpha.astype(int) - alpha).max() <= (2 if suffix == "avif" else 0)
    if suffix != "avif":
        assert np.array_equal(frame.pixels, picture())  # also where nothing shows


def test_transparency_in_jpeg_is_white(tmp_path: Path) -> None:
    write(tmp_path / "a.jpg", ClipInfo(format=MediaFormat.PNG, width=32, height=24),
          Frame(pixels=picture() // 4, alpha=np.zeros(SHAPE, np.uint8)))
    assert read(tmp_path / "a.jpg")[1].pixels.min() > 250


def test_transparent_colours_of_png(tmp_path: Path) -> None:
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    cases = {
        "L": (PILImage.fromarray(grey), 7, grey == 7),
        "I;16": (PILImage.fromarray(grey.astype(np.uint16) * 257), 7 * 257, grey == 7),
        "RGB": (PILImage.fromarray(np.dstack([grey] * 3)), (7, 7, 7), grey == 7),
        "P": (PILImage.fromarray(grey).convert("RGB").quantize(256), None, None),
    }
    image, _, _ = cases.pop("P")
    indices = np.asarray(image)
    cases["P"] = (image, bytes([255, 0, 128]), None)
    for mode, (image, value, gone) in cases.items():
        image.save(tmp_path / "a.png", transparency=value)
        info, frame = read(tmp_path / "a.png")
        assert info.mode == mode and frame.alpha is not None
        if gone is None:
            assert np.array_equal(frame.alpha, np.select([indices == 1, indices == 2], [0, 128], 255))
        else:
            assert np.array_equal(frame.alpha == 0, gone)


def test_transparent_grey_of_few_bits(tmp_path: Path) -> None:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = b"".join(b"\0" + bytes([16 * (4 * y) + 4 * y + 1, 16 * (4 * y + 2) + 4 * y + 3]) for y in range(4))
    data = (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 4, 4, 0, 0, 0, 0))
            + chunk(b"tRNS", b"\0\x05") + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
    (tmp_path / "a.png").write_bytes(data)
    _, frame = read(tmp_path / "a.png")
    assert np.array_equal(frame.pixels[..., 0], np.arange(16).reshape(4, 4) * 17)
    assert frame.alpha is not None and np.argwhere(frame.alpha == 0).tolist() == [[1, 1]]


def test_grey_with_alpha_stays_so(tmp_path: Path) -> None:
    both = np.dstack([picture()[..., 0], picture()[..., 1]])
    PILImage.fromarray(both).save(tmp_path / "a.png")
    info, frame = read(tmp_path / "a.png")
    assert info.mode == "LA"
    write(tmp_path / "b.png", info, frame)
    with PILImage.open(tmp_path / "b.png") as image:
        assert image.mode == "LA" and np.array_equal(np.asarray(image), both)


def test_associated_alpha_is_divided_out(tmp_path: Path) -> None:
    colours = np.full((*SHAPE, 3), (100, 50, 20), np.uint16)
    half = np.dstack([colours * 257 // 2, np.full(SHAPE, 32768, np.uint16)])
    for kind in ("uint16", "float32"):
        array = half if kind == "uint16" else (half / 65535).astype("float32")
        tifffile.imwrite(tmp_path / "a.tif", array, photometric="rgb", extrasamples=["assocalpha"])
        _, frame = read(tmp_path / "a.tif")
        assert np.abs(frame.pixels.astype(int) - colours).max() <= 3
        assert frame.alpha is not None and set(np.unique(frame.alpha)) == {128}


@pytest.mark.parametrize("suffix", ["jpg", "tiff"])
def test_cmyk_becomes_rgb_and_says_so(tmp_path: Path, suffix: str) -> None:
    settings = {"quality": 100, "subsampling": 0} if suffix == "jpg" else {}
    PILImage.fromarray(picture()).convert("CMYK").save(tmp_path / f"a.{suffix}", **settings)
    info, frame = read(tmp_path / f"a.{suffix}")
    assert info.mode == "CMYK" and info.icc is None
    assert "CMYK converted to RGB" in info.warnings
    assert np.abs(frame.pixels.astype(int) - picture()).max() <= 12
    write(tmp_path / "b.jpg", info, frame)
    with PILImage.open(tmp_path / "b.jpg") as image:
        assert image.mode == "RGB"


def test_cmyk_goes_through_its_profile() -> None:
    path = CORPUS / "python-pillow+Pillow" / "pil_sample_cmyk.jpg"
    files = [file for file in (path, *CORPUS.glob("*/*CMYK*")) if file.exists()]
    for file in files:
        with PILImage.open(file) as image:
            if icc_space(image.info.get("icc_profile")) == "CMYK":
                break
    else:
        pytest.skip("no CMYK picture with a profile is there")
    info, frame = read(file)
    assert info.icc is None
    with PILImage.open(file) as image:
        naive = np.asarray(image.convert("RGB"))
    assert not np.array_equal(frame.pixels, naive)


def test_a_damaged_cmyk_profile_is_ignored_and_said(tmp_path: Path) -> None:
    profile = bytearray(SRGB)
    profile[16:20] = b"CMYK"
    PILImage.fromarray(picture()).convert("CMYK").save(tmp_path / "a.jpg", icc_profile=bytes(profile))
    info, _ = read(tmp_path / "a.jpg")
    assert any("profile is damaged" in warning for warning in info.warnings)


def test_lab_one_bit_and_palette(tmp_path: Path) -> None:
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    image = ImageCms.profileToProfile(PILImage.fromarray(picture()), srgb, lab, outputMode="LAB")
    assert image is not None
    image.save(tmp_path / "a.tif")
    info, frame = read(tmp_path / "a.tif")
    assert info.mode == "LAB" and np.abs(frame.pixels.astype(int) - picture()).mean() < 6
    PILImage.fromarray(picture()[..., 0] > 100).save(tmp_path / "b.png")
    info, frame = read(tmp_path / "b.png")
    assert info.mode == "1" and np.array_equal(frame.pixels[..., 1], np.where(picture()[..., 0] > 100, 255, 0))
    palette = PILImage.fromarray(picture()).quantize(32)
    palette.save(tmp_path / "c.png")
    info, frame = read(tmp_path / "c.png")
    assert info.mode == "P" and np.array_equal(frame.pixels, np.asarray(palette.convert("RGB")))
    write(tmp_path / "d.png", info, frame)
    with PILImage.open(tmp_path / "d.png") as image:
        assert image.mode == "RGB"


@pytest.mark.parametrize("suffix", ["jpg", "png", "tiff", "bmp"])
def test_resolution_survives(tmp_path: Path, suffix: str) -> None:
    PILImage.fromarray(picture()).save(tmp_path / f"a.{suffix}", dpi=(300, 300))
    info, frame = read(tmp_path / f"a.{suffix}")
    write(tmp_path / f"b.{suffix}", info, frame)
    assert read(tmp_path / f"b.{suffix}")[0].dpi == pytest.approx((300, 300), abs=0.5)


def test_where_and_when_is_not_passed_on(tmp_path: Path) -> None:
    exif = PILImage.Exif()
    exif[0x010F] = "camera"
    exif.get_ifd(0x8825)[1] = "N"
    text = PngInfo()
    text.add_text("Author", "somebody")
    PILImage.fromarray(picture()).save(tmp_path / "a.png", exif=exif, pnginfo=text)
    info, frame = read(tmp_path / "a.png")
    for suffix in ("png", "jpg", "webp", "tiff", "avif"):
        write(tmp_path / f"b.{suffix}", info, frame)
        data = (tmp_path / f"b.{suffix}").read_bytes()
        assert b"camera" not in data and b"somebody" not in data


def test_lossless_webp_stays_lossless_and_lossy_does_not_grow(tmp_path: Path) -> None:
    noise = np.random.default_rng(2).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    for lossless in (True, False):
        PILImage.fromarray(noise).save(tmp_path / "a.webp", lossless=lossless, quality=50)
        info, frame = read(tmp_path / "a.webp")
        assert info.lossless is lossless
        write(tmp_path / "b.webp", info, frame, image_quality=50)
        again, kept = read(tmp_path / "b.webp")
        assert again.lossless is lossless
        assert np.array_equal(kept.pixels, frame.pixels) is lossless


def test_first_page_of_many(tmp_path: Path) -> None:
    pages = [PILImage.fromarray(picture()), PILImage.new("RGB", (5, 5))]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    info, frame = read(tmp_path / "a.tif")
    assert np.array_equal(frame.pixels, picture())
    assert info.frame_count == 1 and any("page" in warning for warning in info.warnings)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tiff", "bmp", "avif"])
def test_a_truncated_file_is_never_half_a_picture(tmp_path: Path, suffix: str,
                                                  capfd: pytest.CaptureFixture[str]) -> None:
    noise = np.random.default_rng(3).integers(0, 255, (80, 80, 3), dtype=np.uint8)
    settings = {"compression": "tiff_lzw"} if suffix == "tiff" else {}
    PILImage.fromarray(noise).save(tmp_path / f"a.{suffix}", **settings)
    whole = (tmp_path / f"a.{suffix}").read_bytes()
    for size in (20, 200, len(whole) // 2, len(whole) * 9 // 10):
        (tmp_path / f"b.{suffix}").write_bytes(whole[:size])
        with pytest.raises(InputError) as caught:
            read(tmp_path / f"b.{suffix}")
        assert f"b.{suffix}" in str(caught.value) and "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tiff", "bmp", "avif"])
def test_flipped_bytes_are_a_picture_or_an_input_error(tmp_path: Path, suffix: str,
                                                       capfd: pytest.CaptureFixture[str]) -> None:
    PILImage.fromarray(picture()).save(tmp_path / f"a.{suffix}")
    whole = bytearray((tmp_path / f"a.{suffix}").read_bytes())
    generator = np.random.default_rng(4)
    for _ in range(40):
        damaged = bytearray(whole)
        for at in generator.integers(8, min(len(whole), 400), 3):
            damaged[at] = generator.integers(0, 256)
        (tmp_path / f"b.{suffix}").write_bytes(damaged)
        try:
            read(tmp_path / f"b.{suffix}", max_pixels=1_000_000)
        except InputError as error:
            assert "\n" not in str(error)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tiff", "bmp", "avif"])
def test_the_same_run_gives_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    for name in ("a", "b"):
        write(tmp_path / f"{name}.{suffix}", ClipInfo(format=MediaFormat.PNG, width=32, height=24, icc=SRGB),
              Frame(pixels=picture()))
    assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()


@pytest.mark.parametrize(("suffix", "width"), [("jpg", 65536), ("webp", 16384)])
def test_sizes_that_a_format_cannot_hold(tmp_path: Path, suffix: str, width: int) -> None:
    with pytest.raises(UsageError, match="pixels a side"):
        create_media(tmp_path / f"a.{suffix}", ClipInfo(format=MediaFormat.PNG, width=width, height=1), MediaOptions())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the number of cores cannot be set here")
def test_the_number_of_cores_changes_no_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (600, 800, 3), np.uint8)
    found = set()
    for cores in (1, 2, 16):
        monkeypatch.setattr(os, "sched_getaffinity", lambda process, cores=cores: set(range(cores)))
        write(tmp_path / "a.avif", ClipInfo(format=MediaFormat.AVIF, width=800, height=600), Frame(pixels=noise))
        found.add((tmp_path / "a.avif").read_bytes())
    assert len(found) == 1
