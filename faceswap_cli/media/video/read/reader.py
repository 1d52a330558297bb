"""Reads videos: upright RGB frames one after the other, each with the picture that it was made of."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from faceswap_cli.errors import InputError, UsageError
from faceswap_cli.media.frame import ClipInfo, Frame, Native, Reader, VideoFacts
from faceswap_cli.media.limits import check_pixels
from faceswap_cli.media.video.colour.curves import PQ
from faceswap_cli.media.video.colour.planes import canonical_layout, convert, make_canonical
from faceswap_cli.media.video.colour.tones import is_hdr, to_rgb
from faceswap_cli.media.video.read.container import picture_streams
from faceswap_cli.media.video.read.decoding import Decoder
from faceswap_cli.media.video.read.rotation import NONE, turn_of, turned_layout, upright
from faceswap_cli.media.video.read.timeline import LOWEST_KEPT_RATE, Timed, lasting, placed, thinned, trimmed
from faceswap_cli.options import MediaFormat, MediaOptions
from faceswap_cli.text import opt


class VideoReader(Reader):
    """An open video; its first frame is decoded to see what it is.

    Frames stream: a long video takes no more memory than a short one, and `max_clip_pixels` does not bound it. Each
    call of `frames` or `frames_from` opens the file anew. Where size or layout of the planes change on the way, as in
    recordings of calls, pictures are made like the first.
    """

    def __init__(self, path: Path, name: str, kind: MediaFormat, options: MediaOptions) -> None:
        """Open it.

        Args:
            path: A regular file.
            name: How to call it in messages.
            kind: What it is by content, or what is written where it is of a kind that is not.
            options: Bounds, the part that is taken, whether frames are dropped.

        Raises:
            InputError: It has no pictures, is damaged, or coded in a way that cannot be decoded.
            LimitError: Its pictures are too large.
            UsageError: The part begins behind its end.
        """
        self._path = path
        self._name = name
        self._options = options
        self._trim = options.trim
        self._start = options.trim.start if options.trim is not None else Fraction(0)
        self._open: Decoder | None = None
        with Decoder(path, name) as decoder:
            decoder.check_whole()
            self._check_size(decoder.stream.codec_context.width, decoder.stream.codec_context.height)
            first = next(placed(decoder.pictures(), decoder.stream.time_base, decoder.step), None)
            if first is None:
                raise InputError(f"{name} has no frame that can be decoded", advice="get the file again")
            self._check_size(first.picture.width, first.picture.height)
            self._beginning = first.time
            self._size = first.picture.width, first.picture.height
            self._turn = turn_of(first.picture)
            self._layout = canonical_layout(first.picture.format)
            self.info = self._look(decoder, first.picture, kind)

    def frames(self) -> Iterator[Frame]:
        """All frames in the order in which they are shown; damage may come out only at the end."""
        empty = True
        for frame in self._timed(self._start):
            empty = False
            yield self._made(frame)
        if empty:
            raise self._beyond()

    def frames_from(self, number: int, time: Fraction) -> Iterator[Frame]:
        """The frames from `number` on; sought by `time`, counted where that fails."""
        found = False
        for frame in self._timed(self._start + time):
            if not found and frame.time > time:
                break
            found = found or frame.time == time
            if found:
                yield self._made(frame)
        if not found:  # the file's times are not what a seek goes by
            for at, frame in enumerate(self._timed(None)):
                if at >= number:
                    found = True
                    yield self._made(frame)
        if not found:
            raise InputError(f"{self._name} has no frame {number + 1} any more",
                             advice=f"start again with {opt('overwrite')}")

    def close(self) -> None:
        """Release the file."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def _timed(self, start: Fraction | None) -> Iterator[Timed]:
        """The frames that are handed out, from the one shown `start` seconds after the first of the file, or earlier.

        None: from the beginning, without seeking.
        """
        with Decoder(self._path, self._name) as decoder:
            self._open = decoder
            pictures = decoder.pictures_at(self._beginning + start) if start else None
            if pictures is None and start:  # a seek that failed leaves the decoder anywhere
                yield from self._timed(None)
                return
            found = placed(pictures or decoder.pictures(), decoder.stream.time_base, decoder.step)
            frames = trimmed(lasting(found, decoder.end), self._trim, self._beginning)
            yield from thinned(frames) if self._thins else frames

    @property
    def _thins(self) -> bool:
        rate = self.info.video.rate if self.info.video is not None else None
        return not self._options.video.keep_fps and (rate is None or rate > LOWEST_KEPT_RATE)

    def _made(self, frame: Timed) -> Frame:
        picture = make_canonical(frame.picture)
        if (picture.width, picture.height, picture.format.name) != (*self._size, self._layout):
            self._check_size(picture.width, picture.height)
            picture = convert(picture, self._layout, size=self._size)
        picture = upright(picture, self._turn)
        shown = to_rgb(picture)
        return Frame(pixels=shown, duration=frame.duration, native=Native(picture, shown), time=frame.time)

    def _look(self, decoder: Decoder, first: Any, kind: MediaFormat) -> ClipInfo:
        stream, container = decoder.stream, decoder.container
        width, height = self._turn.size(*self._size)
        picture = upright(make_canonical(first), self._turn)
        aspect = Fraction(stream.sample_aspect_ratio or 1)
        aspect = aspect if aspect > 0 else Fraction(1)
        start = self._start
        end = self._trim.end if self._trim is not None else None
        rate = Fraction(stream.average_rate) if stream.average_rate else None
        whole = _duration(stream, container, None if decoder.end is None else decoder.end - self._beginning)
        if whole is not None and decoder.exact and start >= whole:
            raise self._beyond(whole)
        duration = whole
        if whole is not None:
            duration = max(Fraction(0), min(whole, end if end is not None else whole) - start)
        count = stream.frames
        if duration is not None and rate is not None and (not count or duration != whole):
            count = round(duration * rate)
        if not self._options.video.keep_fps and duration is not None:
            count = min(count, round(duration * LOWEST_KEPT_RATE))
        facts = VideoFacts(
            path=self._path, name=self._name, codec=stream.codec_context.codec.canonical_name,
            pixel_format=picture.format.name, rate=rate, time_base=stream.time_base,
            aspect=1 / aspect if self._turn.transpose else aspect, color_range=int(picture.color_range),
            primaries=int(picture.color_primaries), transfer=int(picture.color_trc), matrix=int(picture.colorspace),
            start=self._beginning + start, end=None if end is None else self._beginning + end,
            keep_metadata=self._options.keep_metadata, audio=len(container.streams.audio))
        return ClipInfo(format=kind, width=width, height=height, frame_count=max(count, 0), duration=duration,
                        video=facts, warnings=tuple(self._warnings(decoder, first)))

    def _warnings(self, decoder: Decoder, first: Any) -> Iterator[str]:
        streams = len(picture_streams(decoder.container))
        if streams > 1:
            yield f"{self._name} has {streams} tracks of pictures: the first is taken"
        alpha = any(part.is_alpha for part in first.format.components)
        if alpha or decoder.stream.metadata.get("alpha_mode") == "1":
            yield f"{self._name} has transparency, which is not kept in videos"
        if is_hdr(first):
            curve = "PQ" if first.color_trc == PQ else "HLG"
            yield (f"{self._name} is HDR ({curve}): faces are drawn through an 8-bit tone curve, all else keeps its "
                   "bits")
        if first.interlaced_frame:
            yield f"{self._name} is interlaced: its frames are taken as they are, both fields together"
        if self._turn.rounded:
            yield f"{self._name} asks to be turned by an angle that is no multiple of 90 degrees: the nearest is taken"
        depth = max(part.bits for part in first.format.components)
        if depth > 12:
            yield f"{self._name} has {depth} bits a channel: 12 are kept"
        if self._turn != NONE and turned_layout(self._layout, *self._size, self._turn) != self._layout:
            yield f"{self._name} is turned upright: its colours are kept for each pixel now (4:4:4)"

    def _check_size(self, width: int, height: int) -> None:
        check_pixels(width, height, 1, self._options, self._name)

    def _beyond(self, whole: Fraction | None = None) -> UsageError:
        plays = f"plays only {float(whole):.2f} seconds" if whole is not None else "ends before"
        return UsageError(f"{opt('trim')} begins at {float(self._start):.2f} seconds and {self._name} {plays}")


def _duration(stream: Any, container: Any, end: Fraction | None) -> Fraction | None:
    """Seconds that the pictures are shown, as far as the file tells; `end` is what its edit list tells, rounded."""
    if stream.duration:
        told = Fraction(stream.duration * stream.time_base)
        return told if end is None or abs(end - told) <= Fraction(1, 500) else end
    return Fraction(container.duration, 1_000_000) if container.duration else None
