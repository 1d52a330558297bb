"""Which format a file is, by its first bytes, and which format an output gets, by its name. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from faceswap_cli.errors import UsageError
from faceswap_cli.media.frame import ClipInfo
from faceswap_cli.options import MediaFormat, MediaOptions

HEAD_BYTES = 512
"""How many bytes `sniff` wants; fewer will do for a short file."""

SUFFIXES = {
    ".jpg": MediaFormat.JPEG,
    ".jpeg": MediaFormat.JPEG,
    ".jpe": MediaFormat.JPEG,
    ".png": MediaFormat.PNG,
    ".apng": MediaFormat.APNG,
    ".webp": MediaFormat.WEBP,
    ".tif": MediaFormat.TIFF,
    ".tiff": MediaFormat.TIFF,
    ".bmp": MediaFormat.BMP,
    ".avif": MediaFormat.AVIF,
    ".gif": MediaFormat.GIF,
    ".mp4": MediaFormat.MP4,
    ".m4v": MediaFormat.MP4,
    ".mov": MediaFormat.MOV,
    ".mkv": MediaFormat.MKV,
    ".webm": MediaFormat.WEBM,
}
"""What outputs are written as, by their names; and, of a folder, the files that are taken for pictures and clips."""

READ_ONLY_SUFFIXES = frozenset({
    ".avi", ".mpg", ".mpeg", ".vob", ".ts", ".m2ts", ".mts", ".flv", ".wmv", ".asf", ".ogv", ".3gp",
})
"""Of videos that can be read and not written."""

LABELS = {
    MediaFormat.JPEG: "JPEG",
    MediaFormat.PNG: "PNG",
    MediaFormat.WEBP: "WebP",
    MediaFormat.TIFF: "TIFF",
    MediaFormat.BMP: "BMP",
    MediaFormat.AVIF: "AVIF",
    MediaFormat.GIF: "GIF",
    MediaFormat.APNG: "APNG",
    MediaFormat.MP4: "MP4",
    MediaFormat.MOV: "MOV",
    MediaFormat.MKV: "MKV",
    MediaFormat.WEBM: "WebM",
}
"""How formats are called in messages."""

ANIMATED = frozenset({MediaFormat.GIF, MediaFormat.WEBP, MediaFormat.APNG})
"""Formats of pictures that are written with more than one frame."""

VIDEO = frozenset({MediaFormat.MP4, MediaFormat.MOV, MediaFormat.MKV, MediaFormat.WEBM})
"""Formats of videos."""

OPAQUE = frozenset({MediaFormat.JPEG}) | VIDEO
"""Formats without transparency: what was transparent becomes white."""

READABLE_PICTURES = "JPEG, PNG, WebP, TIFF, BMP, AVIF and GIF"
READABLE_VIDEOS = "MP4, MOV, MKV, WebM, AVI, MPEG, Flash, Windows Media and Ogg"
READABLE = f"pictures ({READABLE_PICTURES}) and videos ({READABLE_VIDEOS})"


@dataclass(frozen=True, slots=True)
class Foreign:
    """What a file is that is none of `MediaFormat`.

    Attributes:
        kind: For a message: `HEIC`, `AVI`, `a web page`, or empty when unknown.
        video: Whether it is a video; such a one can be read, but not written.
    """

    kind: str = ""
    video: bool = False

    def explain(self, name: str) -> str:
        """One line for the file called `name`, where it cannot be used."""
        if self.video:
            return f"{name} is a video ({self.kind}); here only pictures can be used: {READABLE_PICTURES}"
        if self.kind:
            return f"{name} is {self.kind}, which is not supported; convert it to PNG or JPEG"
        return f"{name} is not a picture of a known kind; faceswap reads {READABLE}"


_MAGIC: tuple[tuple[int, bytes, MediaFormat | Foreign], ...] = (
    (0, b"\xff\xd8\xff", MediaFormat.JPEG),
    (0, b"\x89PNG\r\n\x1a\n", MediaFormat.PNG),
    (0, b"GIF87a", MediaFormat.GIF),
    (0, b"GIF89a", MediaFormat.GIF),
    (0, b"II*\0", MediaFormat.TIFF),
    (0, b"MM\0*", MediaFormat.TIFF),
    (0, b"II+\0", MediaFormat.TIFF),
    (0, b"MM\0+", MediaFormat.TIFF),
    (0, b"8BPS", Foreign("a Photoshop file (PSD)")),
    (0, b"%!PS", Foreign("PostScript (EPS)")),
    (0, b"\xc5\xd0\xd3\xc6", Foreign("PostScript (EPS)")),
    (0, b"%PDF", Foreign("PDF")),
    (0, b"\0\0\x01\0", Foreign("an icon (ICO)")),
    (0, b"\0\0\x02\0", Foreign("a cursor (CUR)")),
    (0, b"icns", Foreign("an icon (ICNS)")),
    (0, b"\0\0\0\x0cjP  ", Foreign("JPEG 2000")),
    (0, b"\xff\x4f\xff\x51", Foreign("JPEG 2000")),
    (0, b"\xff\x0a", Foreign("JPEG XL")),
    (0, b"\0\0\0\x0cJXL ", Foreign("JPEG XL")),
    (0, b"\x76\x2f\x31\x01", Foreign("OpenEXR")),
    (0, b"#?RADIANCE", Foreign("Radiance HDR")),
    (0, b"DDS ", Foreign("DDS")),
    (0, b"qoif", Foreign("QOI")),
    (0, b"\x01\xda", Foreign("SGI")),
    (4, b"\x11\xaf", Foreign("FLI")),
    (4, b"\x12\xaf", Foreign("FLC")),
    (0, b"\x1f\x8b", Foreign("a gzip archive (SVGZ?)")),
    (0, b"PK\x03\x04", Foreign("a ZIP archive")),
    (0, b"\0\0\x01\xba", Foreign("MPEG", video=True)),
    (0, b"\0\0\x01\xb3", Foreign("MPEG", video=True)),
    (0, b"FLV\x01", Foreign("Flash", video=True)),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", Foreign("Windows Media", video=True)),
    (0, b"OggS", Foreign("Ogg", video=True)),
    (0, b".RMF", Foreign("RealMedia", video=True)),
)

_EBML = b"\x1a\x45\xdf\xa3"
_PNM = frozenset(b"P%d" % number for number in range(1, 8))
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
_MOVIE_ATOMS = frozenset({b"moov", b"mdat", b"wide", b"pnot"})
_BMP_HEADERS = frozenset({12, 16, 40, 52, 56, 64, 108, 124})


def sniff(head: bytes) -> MediaFormat | Foreign:
    """What a file is, by content.

    An APNG comes out as PNG and an animated WebP as WebP: what tells them apart lies further in the file.

    Args:
        head: The first `HEAD_BYTES` bytes of the file.
    """
    if head.startswith(_EBML):
        return MediaFormat.WEBM if _doc_type(head) == b"webm" else MediaFormat.MKV
    for offset, magic, found in _MAGIC:
        if head.startswith(magic, offset):
            return found
    if head[:4] == b"RIFF":
        if head[8:12] == b"WEBP":
            return MediaFormat.WEBP
        if head[8:12] == b"AVI ":
            return Foreign("AVI", video=True)
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return MediaFormat.BMP
    if head[4:8] == b"ftyp":
        return _sniff_brands(head)
    if head[4:8] in _MOVIE_ATOMS:
        return MediaFormat.MOV
    if any(len(head) > at + 2 * size and head[at] == head[at + size] == head[at + 2 * size] == 0x47
           for at, size in ((0, 188), (4, 192), (0, 204))):  # plain, with times (.m2ts), with error correction
        return Foreign("MPEG transport stream", video=True)
    if head[:2] in _PNM and head[2:3].isspace():
        return Foreign("PNM")
    return _sniff_text(head)


def _sniff_brands(head: bytes) -> MediaFormat | Foreign:
    """Tell AVIF, HEIC and MP4 apart: all are ISO base media files that list their brands."""
    size = int.from_bytes(head[:4], "big")
    major = head[8:12]
    brands = {major, *(head[at:at + 4] for at in range(16, min(size, len(head)) - 3, 4))}
    if brands & {b"avif", b"avis"}:
        return MediaFormat.AVIF
    if brands & _HEIF_BRANDS:
        return Foreign("HEIC")
    if major == b"crx ":
        return Foreign("a raw photograph (CR3)")
    if major == b"jp2 ":
        return Foreign("JPEG 2000")
    return MediaFormat.MOV if major == b"qt  " else MediaFormat.MP4


def sniff_picture(head: bytes) -> MediaFormat | Foreign:
    """As `sniff`, for where only pictures can be used: every video is `Foreign`."""
    found = sniff(head)
    return Foreign(LABELS[found], video=True) if isinstance(found, MediaFormat) and found in VIDEO else found


def _doc_type(head: bytes) -> bytes:
    """What an EBML file holds. Source: RFC 8794, the element DocType."""
    at = head.find(b"\x42\x82", 4)
    if at < 0 or at + 3 > len(head):
        return b""
    return head[at + 3:at + 3 + (head[at + 2] & 0x7F)].rstrip(b"\0")


def _sniff_text(head: bytes) -> Foreign:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith((b"<!doctype html", b"<html")):
        return Foreign("a web page")
    if text.startswith(b"<svg") or (text.startswith((b"<?xml", b"<!doctype svg", b"<!--")) and b"<svg" in text):
        return Foreign("SVG")
    return Foreign()


def output_format(path: Path | None, options: MediaOptions, like: ClipInfo) -> MediaFormat:
    """The format of an output.

    Args:
        path: The output, or None for standard output.
        options: `image_format` must agree with the suffix of `path`.
        like: The target; its format is taken for standard output, and with more than one frame PNG means APNG.

    Raises:
        UsageError: No known suffix and no `image_format`; the two disagree; the format cannot hold the frames.
    """
    suffix = path.suffix.lower() if path is not None else ""
    named = SUFFIXES.get(suffix)
    asked = options.image_format
    if path is None:
        chosen = asked or like.format
    elif suffix in READ_ONLY_SUFFIXES:
        raise UsageError(f"cannot write {path}: {suffix} can be read but not written; use {_videos()}")
    elif named is None and asked is None:
        problem = f"the suffix {suffix} is not known" if suffix else "the name has no suffix"
        raise UsageError(f"cannot write {path}: {problem}; use {_list(_fitting(like))}, or add --image-format")
    elif named is not None and asked is not None and not _agree(named, asked):
        raise UsageError(f"cannot write {path}: its suffix says {named}, --image-format says {asked}; drop one of them")
    else:
        chosen = asked or named or like.format
    target = "standard output" if path is None else str(path)
    if like.animated:
        if chosen is MediaFormat.PNG:
            return MediaFormat.APNG
        if chosen not in ANIMATED | VIDEO:
            frames = f"{like.frame_count} frames" if like.frame_count > 1 else "moving pictures"
            raise UsageError(f"cannot write {target}: {chosen} holds one picture and the target has {frames}; use "
                             f"{_list(_fitting(like))}")
    elif chosen in VIDEO:
        raise UsageError(f"cannot write {target}: the target is one picture, and {LABELS[chosen]} is for videos; use "
                         f"{_list(_fitting(like))}")
    elif chosen is MediaFormat.APNG and asked is not MediaFormat.APNG and suffix != ".apng":
        return MediaFormat.PNG  # a target with one frame, written as the target
    return chosen


def _fitting(like: ClipInfo) -> list[str]:
    """The suffixes of what can hold a target."""
    if like.animated:
        return [known for known, kind in SUFFIXES.items() if kind in ANIMATED | VIDEO or kind is MediaFormat.PNG]
    return [known for known, kind in SUFFIXES.items() if kind not in VIDEO]


def _videos() -> str:
    return _list([known for known, kind in SUFFIXES.items() if kind in VIDEO and known != ".m4v"])


def _agree(named: MediaFormat, asked: MediaFormat) -> bool:
    """Whether a suffix and a format fit: an APNG may be called .png too."""
    return named is asked or (named, asked) == (MediaFormat.PNG, MediaFormat.APNG)


def _list(suffixes: list[str]) -> str:
    return f"{', '.join(suffixes[:-1])} or {suffixes[-1]}"
