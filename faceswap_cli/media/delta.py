"""What changed from one frame of a clip to the next."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from faceswap_cli.media.frame import Frame

Packed = npt.NDArray[np.uint32]
"""Pixels as uint32: red in the lowest byte, then green, blue, alpha. In GIF 0 is transparent, all else opaque."""

Mask = npt.NDArray[np.bool_]
"""Bool (H, W)."""

Window = tuple[slice, slice]
"""Rows and columns of a part of the frame."""

_SPARSE = 0.5
"""With a smaller part of a window changed than this, leaving out the rest makes lossless files smaller: by 58 % (WebP)
and 60 % (PNG) for a dithered animation."""

NOWHERE: Window = (slice(0, 0), slice(0, 0))


def bounds(mask: Mask) -> Window:
    """The smallest window that holds all True of a mask; an empty one at the corner when there is none."""
    rows = np.flatnonzero(mask.any(axis=1))
    if not rows.size:
        return NOWHERE
    columns = np.flatnonzero(mask[rows[0]:rows[-1] + 1].any(axis=0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


class Delta:
    """Remembers one frame and finds the part of the next that differs from it."""

    def __init__(self, height: int, width: int, grid: int = 1) -> None:
        """For frames of `height` x `width` pixels; the corner of a part lies on multiples of `grid`."""
        self._size = (height, width)
        self._grid = grid
        self._seen: Packed | None = None

    def changed(self, frame: Frame) -> tuple[Window, Mask | None]:
        """What differs from the frame before.

        Returns:
            The smallest window with all that changed (at least one pixel, and all of the first frame), and bool (h, w)
            of that window: which of its pixels changed. The mask is None where leaving the others out does not pay,
            or cannot be said because the new pixels are not opaque.
        """
        import cv2

        packed = np.asarray(cv2.cvtColor(np.ascontiguousarray(frame.pixels), cv2.COLOR_RGB2RGBA))
        if frame.alpha is not None:
            packed[..., 3] = frame.alpha
        seen, self._seen = self._seen, packed.view(np.uint32)[..., 0]
        if seen is None:
            return (slice(0, self._size[0]), slice(0, self._size[1])), None
        mask: Mask = seen != self._seen
        rows, columns = bounds(mask)
        if rows.stop == 0:
            return (slice(0, 1), slice(0, 1)), None
        window = (slice(rows.start // self._grid * self._grid, rows.stop),
                  slice(columns.start // self._grid * self._grid, columns.stop))
        mask = mask[window]
        opaque = frame.alpha is None or bool((frame.alpha[window][mask] == 255).all())
        return window, mask if opaque and np.count_nonzero(mask) < _SPARSE * mask.size else None
