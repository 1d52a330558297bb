"""The formats of media, one table; which one a file is, by its first bytes, and which an output gets, by its name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from faceswap_cli.errors import UsageError
from faceswap_cli.media.frame import ClipInfo
from faceswap_cli.options import MediaFormat, MediaOptions, VideoCodec
from faceswap_cli.text import opt

HEAD_BYTES = 512
"""How many bytes `sniff` wants; fewer will do for a short file."""

@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """What only formats of videos have.

    Attributes:
        name: In messages about what it holds.
        muxer: FFmpeg's name of it.
        codecs: What it can hold so that common players play it; one of the first two is taken for `auto`.
        audio, subtitles: FFmpeg's names of what tracks become that it cannot hold as they are.
        boxes: Made of ISO boxes; else of EBML, whose times are milliseconds.
        uncompressed: Players know uncompressed audio in it.
        attachments: Holds attached files.
    """

    name: str
    muxer: str
    codecs: tuple[VideoCodec, ...]
    audio: str
    subtitles: str
    boxes: bool = False
    uncompressed: bool = True
    attachments: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """All that is to be known of a format but how it is read and written.

    Attributes:
        label: In messages.
        suffixes: In lower case; the first is that of new files.
        media_type: As in HTTP.
        magic: A regular expression for how files begin; empty: `sniff` tells in another way.
        reader, writer: "module:callable" that opens one, that begins one, called as by `open_as` and `create_as`.
        clips: Reader and writer of more than one frame, where they are others.
        frames: Holds more than one frame.
        transparency: Else what was transparent becomes white.
        grey: Grey stays grey; else it becomes RGB.
        max_side: Most pixels of a side.
        max_rate: Most frames a second that are shown.
        metadata: A still keeps what the target tells about itself.
        exif: And as EXIF of its own, not as tags of the file.
        resolution, profile: Keeps dots per inch, an ICC profile.
        mark: Has a place for the mark that says that it is a composite.
        manifest: Has a place for a C2PA manifest; else that is a file beside it.
        decoded_whole: The decoder takes the whole file into memory.
        encoded_aside: Encoding frames takes long, outside the interpreter and without a thread of its own.
        browsers: Common browsers show it.
        video: Of videos alone.
    """

    label: str
    suffixes: tuple[str, ...]
    media_type: str
    magic: bytes = b""
    reader: str = "faceswap_cli.media.stills.reader:open_still"
    writer: str = "faceswap_cli.media.stills.writer:StillWriter"
    clips: tuple[str, str] | None = None
    frames: bool = False
    transparency: bool = True
    grey: bool = True
    max_side: int | None = None
    max_rate: int | None = None
    metadata: bool = False
    exif: bool = False
    resolution: bool = False
    profile: bool = True
    mark: bool = True
    manifest: bool = True
    decoded_whole: bool = False
    encoded_aside: bool = False
    browsers: bool = True
    video: Container | None = None


def _video(label: str, suffixes: tuple[str, ...], media_type: str, video: Container, magic: bytes = b"") -> Format:
    return Format(label=label, suffixes=suffixes, media_type=media_type, magic=magic, frames=True, transparency=False,
                  manifest=video.boxes, video=video, reader="faceswap_cli.media.video.read.reader:VideoReader",
                  writer="faceswap_cli.media.video.write.writer:create_video")


_WEBP_CLIPS = "faceswap_cli.media.animations.webp:WebpReader", "faceswap_cli.media.animations.webp:WebpWriter"
_ALL_CODECS = VideoCodec.H264, VideoCodec.H265, VideoCodec.VP9, VideoCodec.AV1

FORMATS: dict[MediaFormat, Format] = {
    MediaFormat.JPEG: Format(
        label="JPEG", suffixes=(".jpg", ".jpeg", ".jpe"), media_type="image/jpeg", magic=rb"\xff\xd8\xff",
        transparency=False, max_side=65_535, metadata=True, exif=True, resolution=True),
    MediaFormat.PNG: Format(
        label="PNG", suffixes=(".png",), media_type="image/png", magic=rb"\x89PNG\r\n\x1a\n", metadata=True, exif=True,
        resolution=True),
    MediaFormat.APNG: Format(  # told from PNG by what lies further in the file
        label="APNG", suffixes=(".apng",), media_type="image/png", frames=True, encoded_aside=True,
        reader="faceswap_cli.media.animations.apng:ApngReader", writer="faceswap_cli.media.animations.apng:ApngWriter"),
    MediaFormat.WEBP: Format(
        label="WebP", suffixes=(".webp",), media_type="image/webp", magic=rb"RIFF.{4}WEBP", clips=_WEBP_CLIPS,
        frames=True, grey=False, max_side=16_383, metadata=True, exif=True, decoded_whole=True, encoded_aside=True),
    MediaFormat.TIFF: Format(
        label="TIFF", suffixes=(".tif", ".tiff"), media_type="image/tiff", magic=rb"II[*+]\0|MM\0[*+]", metadata=True,
        resolution=True, browsers=False),
    MediaFormat.BMP: Format(
        label="BMP", suffixes=(".bmp",), media_type="image/bmp",
        magic=rb"BM.{12}[\x0c\x10\x28\x34\x38\x40\x6c\x7c]\0\0\0", resolution=True, profile=False, mark=False,
        manifest=False),
    MediaFormat.AVIF: Format(
        label="AVIF", suffixes=(".avif",), media_type="image/avif", grey=False, max_side=65_536, metadata=True,
        exif=True, decoded_whole=True),
    MediaFormat.GIF: Format(
        label="GIF", suffixes=(".gif",), media_type="image/gif", magic=rb"GIF8[79]a", frames=True, max_side=65_535,
        max_rate=50,  # durations count in hundredths, and browsers take less than two for ten
        reader="faceswap_cli.media.gif.reader:GifReader", writer="faceswap_cli.media.gif.writer:GifWriter"),
    MediaFormat.MP4: _video("MP4", (".mp4", ".m4v"), "video/mp4", Container(
        name="MP4", muxer="mp4", codecs=_ALL_CODECS, audio="aac", subtitles="mov_text", boxes=True,
        uncompressed=False)),
    MediaFormat.MOV: _video("MOV", (".mov",), "video/quicktime", Container(
        name="MOV", muxer="mov", codecs=_ALL_CODECS[:2], audio="aac", subtitles="mov_text", boxes=True),
        magic=rb".{4}(moov|mdat|wide|pnot)"),
    MediaFormat.MKV: _video("MKV", (".mkv",), "video/x-matroska", Container(
        name="Matroska", muxer="matroska", codecs=_ALL_CODECS, audio="flac", subtitles="subrip", attachments=True)),
    MediaFormat.WEBM: _video("WebM", (".webm",), "video/webm", Container(
        name="WebM", muxer="webm", codecs=_ALL_CODECS[2:], audio="libopus", subtitles="webvtt")),
}
"""The table: a new format is a row here, its reader and its writer."""

SUFFIXES = {suffix: kind for kind, row in FORMATS.items() for suffix in row.suffixes}
"""What outputs are written as, by their names; and, of a folder, the files that are taken for pictures and clips."""

VIDEO = frozenset(kind for kind, row in FORMATS.items() if row.video is not None)
"""Formats of videos."""

ANIMATED = frozenset(kind for kind, row in FORMATS.items() if row.frames) - VIDEO
"""Formats of pictures that are written with more than one frame."""

READ_ONLY_SUFFIXES = frozenset({
    ".avi", ".mpg", ".mpeg", ".vob", ".ts", ".m2ts", ".mts", ".flv", ".wmv", ".asf", ".ogv", ".3gp",
})
"""Of videos that can be read and not written."""

READ_ONLY_AS = MediaFormat.MKV
"""What such a video counts as: a container that takes whatever is in it, where no suffix names another."""

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


_FOREIGN = {
    rb"8BPS": Foreign("a Photoshop file (PSD)"),
    rb"%!PS|\xc5\xd0\xd3\xc6": Foreign("PostScript (EPS)"),
    rb"%PDF": Foreign("PDF"),
    rb"\0\0\x01\0": Foreign("an icon (ICO)"),
    rb"icns": Foreign("an icon (ICNS)"),
    rb"\0\0\x02\0": Foreign("a cursor (CUR)"),
    rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51": Foreign("JPEG 2000"),
    rb"\xff\x0a|\0\0\0\x0cJXL ": Foreign("JPEG XL"),
    rb"\x76\x2f\x31\x01": Foreign("OpenEXR"),
    rb"#\?RADIANCE": Foreign("Radiance HDR"),
    rb"DDS ": Foreign("DDS"),
    rb"qoif": Foreign("QOI"),
    rb"\x01\xda": Foreign("SGI"),
    rb".{4}\x11\xaf": Foreign("FLI"),
    rb".{4}\x12\xaf": Foreign("FLC"),
    rb"\x1f\x8b": Foreign("a gzip archive (SVGZ?)"),
    rb"PK\x03\x04": Foreign("a ZIP archive"),
    rb"P[1-7]\s": Foreign("PNM"),
    rb"(\xef\xbb\xbf)?\s*(?i:<!doctype html|<html)": Foreign("a web page"),
    rb"(\xef\xbb\xbf)?\s*(?i:<svg|(<\?xml|<!doctype svg|<!--).*<svg)": Foreign("SVG"),
    rb"RIFF.{4}AVI ": Foreign("AVI", video=True),
    rb"\0\0\x01[\xba\xb3]": Foreign("MPEG", video=True),
    rb"FLV\x01": Foreign("Flash", video=True),
    rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11": Foreign("Windows Media", video=True),
    rb"OggS": Foreign("Ogg", video=True),
    rb"\.RMF": Foreign("RealMedia", video=True),
    # Packets: plain, with times (.m2ts), with error correction.
    rb"(G.{187}){2}G|.{4}(G.{191}){2}G|(G.{203}){2}G": Foreign("MPEG transport stream", video=True),
}
"""By how files begin, the first that fits."""

_BEGINNINGS: dict[bytes, MediaFormat | Foreign] = {
    row.magic: kind for kind, row in FORMATS.items() if row.magic} | _FOREIGN
_EBML = b"\x1a\x45\xdf\xa3"
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})


def sniff(head: bytes) -> MediaFormat | Foreign:
    """What a file is, by content.

    An APNG comes out as PNG and an animated WebP as WebP: what tells them apart lies further in the file.

    Args:
        head: The first `HEAD_BYTES` bytes of the file.
    """
    if head.startswith(_EBML):
        return MediaFormat.WEBM if _doc_type(head) == b"webm" else MediaFormat.MKV
    if head[4:8] == b"ftyp":
        return _sniff_brands(head)
    return next((found for magic, found in _BEGINNINGS.items() if re.match(magic, head, re.DOTALL)), Foreign())


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
    return Foreign(FORMATS[found].label, video=True) if isinstance(found, MediaFormat) and found in VIDEO else found


def _doc_type(head: bytes) -> bytes:
    """What an EBML file holds. Source: RFC 8794, the element DocType."""
    at = head.find(b"\x42\x82", 4)
    if at < 0 or at + 3 > len(head):
        return b""
    return head[at + 3:at + 3 + (head[at + 2] & 0x7F)].rstrip(b"\0")


def container_of(kind: MediaFormat) -> Container:
    """What only formats of videos have, of one of these."""
    container = FORMATS[kind].video
    assert container is not None, f"{kind} is no video"
    return container


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
        others = [known for known, kind in SUFFIXES.items() if kind in VIDEO and known != ".m4v"]
        raise UsageError(f"cannot write {path}: {suffix} can be read but not written", advice=f"use {_list(others)}")
    elif named is None and asked is None:
        problem = f"the suffix {suffix} is not known" if suffix else "the name has no suffix"
        raise UsageError(f"cannot write {path}: {problem}",
                         advice=f"use {_list(_fitting(like))}, or add {opt('image-format')}")
    elif named is not None and asked not in (None, named) and (named, asked) != (MediaFormat.PNG, MediaFormat.APNG):
        raise UsageError(f"cannot write {path}: its suffix says {named}, {opt('image-format')} says {asked}",
                         advice="drop one of them")
    else:
        chosen = asked or named or like.format
    target = "standard output" if path is None else str(path)
    if like.animated:
        if chosen is MediaFormat.PNG:
            return MediaFormat.APNG
        if chosen not in ANIMATED | VIDEO:
            frames = f"{like.frame_count} frames" if like.frame_count > 1 else "moving pictures"
            raise UsageError(f"cannot write {target}: {chosen} holds one picture and the target has {frames}",
                             advice=f"use {_list(_fitting(like))}")
    elif chosen in VIDEO:
        raise UsageError(f"cannot write {target}: the target is one picture, and {FORMATS[chosen].label} is for videos",
                         advice=f"use {_list(_fitting(like))}")
    elif chosen is MediaFormat.APNG and asked is not MediaFormat.APNG and suffix != ".apng":
        return MediaFormat.PNG  # a target with one frame, written as the target
    return chosen


def _fitting(like: ClipInfo) -> list[str]:
    """The suffixes of what can hold a target."""
    if like.animated:
        return [known for known, kind in SUFFIXES.items() if kind in ANIMATED | VIDEO or kind is MediaFormat.PNG]
    return [known for known, kind in SUFFIXES.items() if kind not in VIDEO]


def _list(suffixes: list[str]) -> str:
    return f"{', '.join(suffixes[:-1])} or {suffixes[-1]}"
