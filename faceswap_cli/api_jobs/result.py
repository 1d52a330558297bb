"""Results of the API on their way to the output: looked at whole, marked, and converted where they must be.

A result of the format that is wanted keeps its bytes, but for the mark: to encode it again would cost quality.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from faceswap_cli.errors import InputError
from faceswap_cli.files.atomic import AtomicFile
from faceswap_cli.jobs.job import OutputInfo, SwapJob
from faceswap_cli.media.frame import ClipInfo
from faceswap_cli.media.marks.label import Label
from faceswap_cli.media.marks.provenance import gif_xmp_extension, mark, marks, png_xmp_chunk
from faceswap_cli.media.marks.signing import Seal, seal_for
from faceswap_cli.media.open import create_media, open_media
from faceswap_cli.options import MediaFormat, MediaOptions
from faceswap_cli.segmind.faults import ApiError

_VOCABULARY = b"cv.iptc.org/newscodes/digitalsourcetype/"
_JPEG_XMP = b"http://ns.adobe.com/xap/1.0/\0"


def finish(received: Path, job: SwapJob, wanted: MediaFormat, *, animated: bool | None) -> OutputInfo:
    """Make the output of a result. Nothing is replaced unless all of the result can be decoded.

    Args:
        received: The file that came.
        job: Says where the output goes and how it is marked.
        wanted: The format of the output.
        animated: Whether the result has to be animated; None: either.

    Raises:
        ApiError: The result is damaged, or of the wrong kind.
        UsageError, OutputError: It cannot be written.
    """
    media = replace(job.spec.media, trained=True)
    try:
        info, frames, duration = _look(received, job.spec.media)
        if animated is not None and animated is not info.animated:
            kinds = "a still", "an animation"
            raise InputError(f"it is {kinds[info.animated]} instead of {kinds[animated]}")
        keeps = info.format is wanted or {info.format, wanted} == {MediaFormat.PNG, MediaFormat.APNG}
        kind = info.format if keeps else wanted
        if keeps and media.label is None:
            _write(_marked(received.read_bytes(), info, media), job, seal_for(media, kind))
        else:
            _convert(received, job, replace(media, image_format=kind))
    except InputError as error:
        raise ApiError(f"the API's result cannot be used: {error.marked}",
                       advice="the request may be billed") from error
    path = job.output_path
    if path is None:
        return OutputInfo(path=job.output, format=wanted.value, width=info.width, height=info.height, frames=frames,
                          duration=float(duration), loop=info.loop, bytes=received.stat().st_size,
                          marks=marks(media, kind))
    if not keeps:
        info, frames, duration = _look(path, job.spec.media)
    return OutputInfo(path=job.output, format=info.format.value, width=info.width, height=info.height, frames=frames,
                      duration=float(duration), loop=info.loop, bytes=path.stat().st_size, marks=marks(media, kind))


def _look(path: Path, media: MediaOptions) -> tuple[ClipInfo, int, Fraction]:
    """Decode all of a file; its facts, number of frames and seconds.

    Raises:
        InputError: It is damaged, or beyond the bounds.
    """
    with open_media(path, media, name="it") as reader:
        frames, duration = 0, Fraction(0)
        for frame in reader.frames():
            frames += 1
            duration += frame.duration
        return reader.info, frames, duration


def _write(data: bytes, job: SwapJob, seal: Seal | None) -> None:
    with AtomicFile(job.output_path, overwrite=job.overwrite) as file:
        file.seal_with(seal)
        with file.writing():
            file.file.write(data)
        file.commit()


def _convert(received: Path, job: SwapJob, media: MediaOptions) -> None:
    with open_media(received, job.spec.media, name="it") as reader, \
            create_media(job.output_path, reader.info, media, overwrite=job.overwrite) as writer:
        label = None if media.label is None else Label(media.label, reader.info.width, reader.info.height)
        for frame in reader.frames():
            writer.write(frame if label is None else label.mark(frame))
        writer.commit()


def _marked(data: bytes, info: ClipInfo, media: MediaOptions) -> bytes:
    """The file with the mark; as it is where it has one of its server's, or `media` wants none."""
    packet = mark(media)
    if packet is None or _VOCABULARY in data:
        return data
    if info.format is MediaFormat.JPEG:
        return _mark_jpeg(data, packet)
    if info.format in (MediaFormat.PNG, MediaFormat.APNG):
        return data[:33] + png_xmp_chunk(packet) + data[33:]  # behind the signature and IHDR
    if info.format is MediaFormat.GIF:
        end = data.rfind(b"\x3b")
        return data[:end] + gif_xmp_extension(packet) + data[end:] if end > 0 else data
    return _mark_webp(data, info, packet) if info.format is MediaFormat.WEBP else data


def _mark_jpeg(data: bytes, packet: bytes) -> bytes:
    """A segment of its own, behind that of JFIF, which has to come first."""
    body = _JPEG_XMP + packet
    segment = b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body
    at = 2
    while data[at:at + 2] == b"\xff\xe0":
        at += 2 + int.from_bytes(data[at + 2:at + 4], "big")
    return data[:at] + segment + data[at:]


def _mark_webp(data: bytes, info: ClipInfo, packet: bytes) -> bytes:
    """A chunk at the end, and the flag for it in the header, which a simple file has not yet."""
    chunks = data[12:]
    if data[12:16] == b"VP8X":
        chunks = chunks[:8] + bytes([chunks[8] | 0x04]) + chunks[9:]
    else:
        alpha = data[12:16] == b"VP8L" and bool(data[24] & 0x10)
        chunks = _chunk(b"VP8X", bytes([0x04 | (0x10 if alpha else 0), 0, 0, 0])
                        + (info.width - 1).to_bytes(3, "little") + (info.height - 1).to_bytes(3, "little")) + chunks
    body = b"WEBP" + chunks + _chunk(b"XMP ", packet)
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + len(body).to_bytes(4, "little") + body + b"\0" * (len(body) % 2)
