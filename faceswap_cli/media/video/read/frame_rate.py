"""Videos that become animations: what is lost on the way, and frames that come faster than an animation can show."""

from __future__ import annotations

from collections.abc import Iterator

from faceswap_cli.media.formats import LABELS, VIDEO
from faceswap_cli.media.frame import Frame, Reader
from faceswap_cli.media.handles import ReaderAround
from faceswap_cli.media.video.read.timeline import thinned
from faceswap_cli.options import MediaFormat

GIF_RATE = 50
"""Frames a second that a GIF can show: its durations count in hundredths, and browsers take less than two for ten."""


def suited(reader: Reader, kind: MediaFormat) -> tuple[Reader, tuple[str, ...]]:
    """A reader whose frames fit an output of this format, and what the user should know of the difference.

    Args:
        reader: Its frames have not been taken.
        kind: The format of the output.
    """
    video = reader.info.video
    if video is None or kind in VIDEO:
        return reader, ()
    warnings = []
    if video.sound:
        warnings.append(f"{LABELS[kind]} has no sound: that of {video.name} is left out")
    if kind is MediaFormat.GIF:
        if video.rate is not None and video.rate > GIF_RATE:
            warnings.append(f"GIF shows at most {GIF_RATE} frames a second, and {video.name} has "
                            f"{float(video.rate):.4g}: the others are left out")
        reader = PacedReader(reader, GIF_RATE)
    return reader, tuple(warnings)


class PacedReader(ReaderAround):
    """The frames of a video, at most so many a second; those that stay last longer."""

    def __init__(self, reader: Reader, rate: int) -> None:
        """Wrap an open reader of a video, which is closed with this one."""
        super().__init__(reader)
        self._rate = rate

    def frames(self) -> Iterator[Frame]:
        """The frames that stay, in order; may be called once.

        Raises:
            InputError: The file is damaged.
        """
        return thinned(self._reader.frames(), self._rate)
