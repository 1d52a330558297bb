"""Tracks of audio and subtitles on their way into another file: copied as they are, or converted."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from faceswap_cli.media.formats import container_of
from faceswap_cli.options import MediaFormat

_BITS_A_CHANNEL = {"aac": 96_000, "libopus": 64_000}
_OPUS_RATE = 48_000
_LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}
"""By number of channels; of other numbers stereo is made."""

_AAC_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)

_TEXT = frozenset({"mov_text", "subrip", "srt", "text", "webvtt", "ass", "ssa"})

_ASS_FIELDS = 8
"""Fields of a line of ASS in Matroska before its text."""

_ASS_HEADER = b"""\
[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, \
StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,Arial,16,&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,0

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""
"""What encoders of subtitles want to know of the looks of the text."""


class CopiedTrack:
    """Packets as they are.

    Attributes:
        target: The stream of the output.
        count: Packets given.
    """

    count = 0

    def __init__(self, target: Any) -> None:
        self.target = target

    def take(self, packet: Any) -> Iterator[Any]:
        """What becomes of a packet whose times are those of the output already."""
        self.count += 1
        packet.stream = self.target
        yield packet

    def finish(self) -> Iterator[Any]:
        """What comes after the last packet."""
        return iter(())


class ConvertedAudio(CopiedTrack):
    """Sound, decoded and encoded again."""

    def __init__(self, out: Any, stream: Any, kind: MediaFormat) -> None:
        """Add a stream to `out`, for `stream` of the source.

        Raises:
            ValueError, av.FFmpegError: It cannot be decoded or encoded here.
        """
        codec = container_of(kind).audio
        context = stream.codec_context
        rate = _OPUS_RATE if codec == "libopus" else context.sample_rate
        if codec == "aac":
            rate = min(_AAC_RATES, key=lambda known: abs(known - rate))
        layout = _LAYOUTS.get(context.layout.nb_channels, "stereo")
        channels = context.layout.nb_channels if context.layout.nb_channels in _LAYOUTS else 2
        target = out.add_stream(codec, rate, layout=layout)
        if codec in _BITS_A_CHANNEL:
            target.codec_context.bit_rate = _BITS_A_CHANNEL[codec] * channels
        target.codec_context.thread_count = 1
        target.codec_context.open()
        super().__init__(target)
        self._stream = stream

    def take(self, packet: Any) -> Iterator[Any]:
        """Likewise; the decoder and the encoder may hold some back."""
        for frame in packet.decode():
            yield from self._counted(self.target.encode(frame))

    def finish(self) -> Iterator[Any]:
        """What was held back."""
        for frame in self._stream.decode(None):
            yield from self._counted(self.target.encode(frame))
        yield from self._counted(self.target.encode(None))

    def _counted(self, packets: list[Any]) -> Iterator[Any]:
        self.count += len(packets)
        yield from packets


class ConvertedText(CopiedTrack):
    """Subtitles of text, without their looks, as another kind of container wants them."""

    def __init__(self, out: Any, stream: Any, kind: MediaFormat) -> None:
        """Add a stream to `out`, for `stream` of the source.

        Raises:
            ValueError, av.FFmpegError: Not text, or not for this container.
        """
        self._from = stream.codec_context.name
        self._to = container_of(kind).subtitles
        if self._from not in _TEXT:
            raise ValueError(f"{self._from} is no text")
        target = out.add_stream(self._to)
        target.codec_context.subtitle_header = _ASS_HEADER
        target.codec_context.time_base = Fraction(1, 1000)
        target.time_base = Fraction(1, 1000)
        super().__init__(target)

    def take(self, packet: Any) -> Iterator[Any]:
        """Likewise; times without text are left out."""
        import av

        text = _text(self._from, bytes(packet)).strip()
        if not text:
            return
        data = text.encode()
        if self._to == "mov_text":
            data = data[:65_535]
            data = len(data).to_bytes(2, "big") + data
        made = av.Packet(data)
        made.pts, made.dts, made.duration = packet.pts, packet.dts, packet.duration
        made.time_base = packet.time_base
        made.is_keyframe = True
        self.count += 1
        made.stream = self.target
        yield made


def _text(codec: str, data: bytes) -> str:
    """The plain text of a packet of subtitles."""
    if codec == "mov_text":
        return data[2:2 + int.from_bytes(data[:2], "big")].decode(errors="replace")
    text = data.decode(errors="replace")
    if codec in ("ass", "ssa"):
        text = text.split(",", _ASS_FIELDS)[-1].replace("\\N", "\n").replace("\\n", "\n").replace("\\h", " ")
        while (begin := text.find("{\\")) >= 0 and (end := text.find("}", begin)) >= 0:
            text = text[:begin] + text[end + 1:]
    return text
