"""Which encoder writes the pictures of a video, and how it is set up.

    codec  library     CRF          default  presets               default
    h264   libx264     0..51        18       ultrafast .. placebo  medium
    h265   libx265     0..51        20       ultrafast .. placebo  fast
    vp9    libvpx-vp9  0..63        24       0..8 (cpu-used)       4
    av1    libsvtav1   1..63        24       0..13                 8

The default rates are those at which a loss is hard to see on a screen. What an encoder does may depend on how many
threads it has, so that number is fixed: the bytes are the same on every machine.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

from faceswap_cli.errors import OutputError, UsageError
from faceswap_cli.media.formats import VIDEO, container_of
from faceswap_cli.media.frame import ClipInfo
from faceswap_cli.media.video.colour.hdr import HdrMetadata
from faceswap_cli.media.video.colour.layout import Layout, keeps_all, source_depth
from faceswap_cli.options import MediaFormat, VideoCodec, VideoOptions
from faceswap_cli.text import opt

THREADS = 4
"""Of every encoder, whatever the machine."""

_WORDS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow", "placebo")


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoder:
    """One encoder library.

    Attributes:
        codec: What it writes.
        library: FFmpeg's name of it.
        least_crf, most_crf, crf: Range and default of the constant rate factor.
        presets, preset: Words for its effort, and the default one.
        even: Whether sides must be even where the colour is coarser than the brightness.
        hdr: Whether it notes on what display the video was made.
        least_side: Fewest pixels of a side.
    """

    codec: VideoCodec
    library: str
    least_crf: int
    most_crf: int
    crf: int
    presets: tuple[str, ...]
    preset: str
    even: bool
    hdr: bool = True
    least_side: int = 1


_H264 = Encoder(codec=VideoCodec.H264, library="libx264", least_crf=0, most_crf=51, crf=18, presets=_WORDS,
                preset="medium", even=True)
_H265 = Encoder(codec=VideoCodec.H265, library="libx265", least_crf=0, most_crf=51, crf=20, presets=_WORDS,
                preset="fast", even=True, least_side=96)
"""Below that side its estimates read memory that was never written, so that equal runs give other bytes."""

_VP9 = Encoder(codec=VideoCodec.VP9, library="libvpx-vp9", least_crf=0, most_crf=63, crf=24,
               presets=tuple(map(str, range(9))), preset="4", even=False, hdr=False)
_AV1 = Encoder(codec=VideoCodec.AV1, library="libsvtav1", least_crf=1, most_crf=63, crf=24,
               presets=tuple(map(str, range(14))), preset="8", even=False, least_side=64)
"""Below that side it waits for ever in some sizes, such as 1000 x 16."""

ENCODERS = {encoder.codec: encoder for encoder in (_H264, _H265, _VP9, _AV1)}

_MOST_RATE = 1000
_FINEST = 1_000_000

_AVX_512F = 13
"""OpenCV's number of that extension."""

_SAME = {"h264": VideoCodec.H264, "hevc": VideoCodec.H265, "vp8": VideoCodec.VP9, "vp9": VideoCodec.VP9,
         "av1": VideoCodec.AV1}
"""FFmpeg's names of codecs, and what is written for `auto`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderSettings:
    """An encoder with all that is chosen for one video.

    Attributes:
        encoder: The library.
        kind: The container.
        crf, preset: Checked.
        layout: Size and pixel format that it gets.
        rate: Frames a second, for its own estimates; times are the container's.
        key_interval: Most frames from one key frame to the next.
    """

    encoder: Encoder
    kind: MediaFormat
    crf: int
    preset: str
    layout: Layout
    rate: Fraction
    key_interval: int

    def fingerprint(self) -> str:
        """All that the bytes of an encoded frame depend on, but for the frame."""
        import av

        return f"{self!r} {av.__version__} {sorted(av.library_versions.items())}"

    def open(self, hdr: HdrMetadata | None) -> Any:
        """A fresh `av.VideoCodecContext`, ready for its first frame, whose number is 0.

        Raises:
            OutputError: The library refuses the settings.
        """
        import av
        from av.codec.context import Flags

        os.environ.setdefault("SVT_LOG", "1")  # errors only; it would tell its settings on standard error
        context = av.CodecContext.create(self.encoder.library, "w")
        self.configure(context, hdr)
        context.flags |= Flags.global_header | Flags.bitexact
        try:
            context.open()
        except (av.FFmpegError, ValueError) as error:
            raise OutputError(f"the {self.encoder.codec} encoder refuses {self.layout.width} x {self.layout.height} "
                              f"pixels of {self.layout.pixel_format}",
                              advice=f"try another {opt('video-codec')}") from error
        return context

    def configure(self, context: Any, hdr: HdrMetadata | None) -> None:
        """Give all settings to an `av.VideoCodecContext` that is not open yet."""
        layout = self.layout
        context.width, context.height = layout.width, layout.height
        context.pix_fmt = layout.pixel_format
        context.time_base, context.framerate = 1 / self.rate, self.rate
        context.sample_aspect_ratio = layout.aspect
        context.color_range, context.color_primaries = layout.color_range, layout.primaries
        context.color_trc, context.colorspace = layout.transfer, layout.matrix
        context.thread_count = THREADS
        context.thread_type = "FRAME"  # by slices, PyAV's default, pictures get worse with each thread
        context.gop_size = self.key_interval
        context.options = self._options(hdr)
        if self.encoder is _H265 and container_of(self.kind).boxes:
            context.codec_tag = "hvc1"  # players of Apple know no other

    def _options(self, hdr: HdrMetadata | None) -> dict[str, str]:
        options = {"crf": str(self.crf)}
        if self.encoder is _VP9:
            return options | {"b": "0", "deadline": "good", "cpu-used": self.preset, "row-mt": "1"}
        options["preset"] = self.preset
        if self.encoder is _H264:
            told = [*(["asm=avx2"] if _has_avx512() else []), *([hdr.x264()] if hdr else [])]
            return options | ({"x264-params": ":".join(told)} if told else {})
        if self.encoder is _H265:
            # Its note about itself would tell the kind of the CPU.
            fixed = f"info=0:log-level=none:open-gop=0:frame-threads=2:pools={THREADS}"
            return options | {"x265-params": f"{fixed}:{hdr.x265()}" if hdr else fixed}
        fixed = "lp=2"  # its "level of parallelism": the next one takes twice the memory, and is hardly faster
        return options | {"svtav1-params": f"{fixed}:{hdr.svt()}" if hdr else fixed}


@cache
def _has_avx512() -> bool:
    """Whether x264 would take its code for AVX-512, to be kept from it.

    That code reads memory that was never written (in the look ahead of `mbtree`, where the number of macroblocks across
    is no multiple of 16), so that equal runs give other bytes. Its other code gives those of plain C.
    """
    import cv2

    return bool(cv2.checkHardwareSupport(_AVX_512F))


def choose_encoder(kind: MediaFormat, like: ClipInfo, options: VideoOptions) -> Encoder:
    """The encoder for a container, a source and what the user wants.

    Raises:
        UsageError: The container cannot hold the codec, or the codec such small pictures.
    """
    codecs = container_of(kind).codecs
    side = min(like.width, like.height)
    if options.codec is not VideoCodec.AUTO:
        if options.codec not in codecs:
            holders = [other for other in MediaFormat if other in VIDEO and options.codec in container_of(other).codecs]
            raise UsageError(f"{opt('video-codec', options.codec)}: {kind} holds {_list(codecs)}",
                             advice=f"take one of them, or write {_list(holders)}")
        encoder = ENCODERS[options.codec]
        if side < encoder.least_side:
            raise UsageError(f"{opt('video-codec', options.codec)}: sides have at least {encoder.least_side} pixels, "
                             f"and this is {like.width} x {like.height}", advice="leave the option out")
        return encoder
    candidates = [ENCODERS[codec] for codec in codecs[:2]]
    if like.video is not None:
        same = _SAME.get(like.video.codec)
        if source_depth(like.video.pixel_format) > 8:
            candidates.reverse()
        if same in codecs and keeps_all(ENCODERS[same].library, like.video.pixel_format):
            candidates.insert(0, ENCODERS[same])
    return next(encoder for encoder in candidates if side >= encoder.least_side)


def usable_rate(rate: Fraction) -> Fraction:
    """The nearest number of frames a second that FFmpeg can hold: two numbers of 31 bits, within 1/1000..1000."""
    return min(max(rate, Fraction(1, _MOST_RATE)), Fraction(_MOST_RATE)).limit_denominator(_FINEST)


def check_options(encoder: Encoder, options: VideoOptions) -> tuple[int, str]:
    """The rate factor and the preset.

    Raises:
        UsageError: Out of the encoder's range, or no word of its.
    """
    crf = encoder.crf if options.crf is None else options.crf
    if not encoder.least_crf <= crf <= encoder.most_crf:
        raise UsageError(f"{opt('crf', crf)} is outside {encoder.least_crf}..{encoder.most_crf}, the range of "
                         f"{encoder.codec} ({encoder.library})")
    preset = encoder.preset if options.preset is None else options.preset.strip().lower()
    if preset not in encoder.presets:
        known = (f"a number within {encoder.presets[0]}..{encoder.presets[-1]}" if encoder.presets[0].isdigit()
                 else _list(encoder.presets))
        raise UsageError(f"{opt('preset', options.preset)}: {encoder.codec} ({encoder.library}) takes {known}")
    return crf, preset


def _list(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else str(words[0])
