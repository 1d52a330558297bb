"""Option records: names, defaults and ranges, declared once. Frozen, small and picklable.

Floor 0: imports nothing heavy, so that `--help` can read defaults and choices from here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from faceswap_cli.errors import UsageError

ALL = "all"
"""The index value that selects every face."""

MAX_PIXELS = 100_000_000
"""Default bound on the pixels of a still and of one frame of an animation."""

MAX_CLIP_PIXELS = 20 * MAX_PIXELS
"""Default bound on pixels x frames of an animation, for the default of `--max-pixels`: twenty times that bound."""


class Order(StrEnum):
    """How detected faces are counted."""

    LARGE_SMALL = "large-small"
    SMALL_LARGE = "small-large"
    LEFT_RIGHT = "left-right"
    RIGHT_LEFT = "right-left"
    TOP_BOTTOM = "top-bottom"
    BOTTOM_TOP = "bottom-top"


class GenderFilter(StrEnum):
    """Which faces pass; `no` lets all pass."""

    NO = "no"
    FEMALE = "female"
    MALE = "male"


class OnNoFace(StrEnum):
    """What happens when nothing was swapped."""

    FAIL = "fail"
    COPY = "copy"
    SKIP = "skip"


class EngineName(StrEnum):
    """The local engines."""

    AUTO = "auto"
    EMBEDDED = "embedded"


class ImageFormat(StrEnum):
    """Formats that can be written."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    TIFF = "tiff"
    BMP = "bmp"
    AVIF = "avif"
    GIF = "gif"
    APNG = "apng"


FaceIndex = tuple[int, ...] | str | None
"""Indices in the chosen order, `ALL`, or None: the first that passes the gender filter."""


@dataclass(frozen=True, slots=True)
class SelectOptions:
    """Which faces take part.

    Attributes:
        order: How faces are counted, in source and target.
        target_index: Faces of the target that are replaced; None: the first one that passes the gender filter.
        source_index: Faces of the source that are used; None: the first one that passes.
        target_gender: Only faces of this gender are replaced.
        source_gender: Only faces of this gender are used.
    """

    order: Order = Order.LARGE_SMALL
    target_index: FaceIndex = None
    source_index: FaceIndex = None
    target_gender: GenderFilter = GenderFilter.NO
    source_gender: GenderFilter = GenderFilter.NO


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """Which engine runs and how.

    Attributes:
        engine: `auto` takes the best engine that is installed.
        restore: Name of the restorer, or None.
        select: Which faces take part.
        describe: Compute gender even where no filter needs it (for reports).
        restore_if_available: Restore with whatever restorer is installed, and say so where there is none.
    """

    engine: EngineName = EngineName.AUTO
    restore: str | None = None
    select: SelectOptions = field(default_factory=SelectOptions)
    describe: bool = False
    restore_if_available: bool = False


@dataclass(frozen=True, slots=True)
class MediaOptions:
    """How media are read and written.

    Attributes:
        image_format: Format of the output; None: from the suffix of the output, else as the target.
        image_quality: 10..100, for JPEG, WebP and AVIF.
        max_pixels: Bound on width x height, checked before decoding; `max_pixels * 20` bounds pixels x frames.
        provenance: Write the mark that says the picture was made with algorithmic media.
    """

    image_format: ImageFormat | None = None
    image_quality: int = 95
    max_pixels: int = MAX_PIXELS
    provenance: bool = True

    def __post_init__(self) -> None:
        if not 10 <= self.image_quality <= 100:
            raise UsageError(f"--image-quality {self.image_quality} is outside 10..100")
        if self.max_pixels < 1:
            raise UsageError(f"--max-pixels {self.max_pixels} must be at least 1")

    @property
    def max_clip_pixels(self) -> int:
        """Bound on pixels x frames of an animation."""
        return self.max_pixels * (MAX_CLIP_PIXELS // MAX_PIXELS)
