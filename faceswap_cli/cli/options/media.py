"""The options about clips and outputs, in a group, and what their values mean: `MediaOptions`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated

import typer

from faceswap_cli.cli.options import common as o
from faceswap_cli.cli.options.declare import record
from faceswap_cli.cli.options.marking import MarkingChoice
from faceswap_cli.options import MediaFormat, MediaOptions, VideoCodec
from faceswap_cli.trim import parse_trim

VIDEO = "Video"

_DEFAULTS = MediaOptions()

TrimOption = Annotated[str | None, typer.Option(
    "--trim", metavar="START-END", show_default=False, rich_help_panel=VIDEO,
    help="Take only this part of a clip: 00:01-00:05, or in seconds 1-5; either end may be left out.")]

VideoCodecOption = Annotated[VideoCodec, typer.Option(
    "--video-codec", rich_help_panel=VIDEO, help="What encodes a video; auto: as the target, where that can be.")]

CrfOption = Annotated[int | None, typer.Option(
    "--crf", min=0, max=63, metavar="0..63", show_default=False, rich_help_panel=VIDEO,
    help="Quality of a video, lower is better and larger. Default: a loss that is hard to see.")]

PresetOption = Annotated[str | None, typer.Option(
    "--preset", metavar="WORD", show_default=False, rich_help_panel=VIDEO,
    help="Effort of the video encoder, by its own words: fast, medium, slow ... for h264 and h265, a number for the "
         "others.")]

KeepFpsOption = Annotated[bool, typer.Option(
    "--keep-fps/--no-keep-fps", rich_help_panel=VIDEO,
    help="Keep every frame of a video; --no-keep-fps drops frames to 30 a second.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaChoice(MarkingChoice):
    """How media are read and written, and what they tell of themselves."""

    image_quality: o.ImageQualityOption = _DEFAULTS.image_quality
    trim: TrimOption = None
    video_codec: VideoCodecOption = _DEFAULTS.video.codec
    crf: CrfOption = None
    preset: PresetOption = None
    keep_fps: KeepFpsOption = _DEFAULTS.video.keep_fps
    no_provenance: o.NoProvenanceOption = False

    def options(self, format: MediaFormat | None, max_pixels: int) -> MediaOptions:
        """The record of these values.

        Raises:
            UsageError: A value out of its range, or options that contradict each other.
            MissingDependencyError, InputError: As `MarkingChoice.credentials`.
        """
        provenance = not self.no_provenance
        return record(MediaOptions, asdict(self) | {
            "image_format": format, "max_pixels": max_pixels, "no_provenance": provenance,
            "trim": None if self.trim is None else parse_trim(self.trim), "label": self.checked_label(),
            "c2pa_cert": self.credentials(provenance=provenance)})
