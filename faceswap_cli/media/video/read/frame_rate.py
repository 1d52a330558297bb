"""Videos that become animations: what is lost on the way, and frames that come faster than an animation can show."""

from __future__ import annotations

from functools import partial

from faceswap_cli.media.formats import FORMATS
from faceswap_cli.media.frame import Reader
from faceswap_cli.media.handles import ReaderAround
from faceswap_cli.media.video.read.timeline import thinned
from faceswap_cli.options import MediaFormat


def suited(reader: Reader, kind: MediaFormat) -> tuple[Reader, tuple[str, ...]]:
    """A reader whose frames fit an output of this format, and what the user should know of the difference.

    Args:
        reader: Its frames have not been taken.
        kind: The format of the output.
    """
    video = reader.info.video
    row = FORMATS[kind]
    if video is None or row.video is not None:
        return reader, ()
    warnings = []
    if video.audio:
        warnings.append(f"{row.label} has no audio: that of {video.name} is left out")
    if row.max_rate is not None:
        if video.rate is not None and video.rate > row.max_rate:
            warnings.append(f"{row.label} shows at most {row.max_rate} frames a second, and {video.name} has "
                            f"{float(video.rate):.4g}: the others are left out")
        reader = ReaderAround(reader, partial(thinned, rate=row.max_rate))
    return reader, tuple(warnings)
