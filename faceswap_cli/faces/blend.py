"""Joining the new face to the picture: multiband blending in the crop, and the paste-back of the difference."""

from __future__ import annotations

import cv2
import numpy as np

from faceswap_cli.faces.align import Matrix, crop_bounds, invert, matrix_scale
from faceswap_cli.image import FloatArray, Image


def multiband(upper: FloatArray, lower: FloatArray, mask: FloatArray, levels: int) -> FloatArray:
    """Laplacian-pyramid blend of `upper` over `lower` (Burt & Adelson 1983).

    Fine detail changes over a short way, tone over a long one.

    Args:
        upper, lower: float32 (H, W, 3).
        mask: float32 (H, W), 0..1, weight of `upper`.
        levels: Octaves above the coarsest.
    """
    # The blend is linear: it is lower + the blend of (upper - lower) over nothing, which saves one pyramid.
    stack, masks = [upper - lower], [mask]
    for _ in range(levels):
        stack.append(cv2.pyrDown(stack[-1]))
        masks.append(cv2.pyrDown(masks[-1]))
    blended = stack[-1] * masks[-1][..., None]
    for level in range(levels - 1, -1, -1):
        size = (stack[level].shape[1], stack[level].shape[0])
        band = stack[level] - cv2.pyrUp(stack[level + 1], dstsize=size)
        band *= masks[level][..., None]
        band += cv2.pyrUp(blended, dstsize=size)
        blended = band
    blended += lower
    return blended


def paste_difference(image: Image, difference: FloatArray, matrix: Matrix,
                     interpolation: int = cv2.INTER_LINEAR) -> None:
    """Add a crop's difference to the picture it was cut from, in place; where it is 0 no pixel changes.

    Args:
        image: uint8 (H, W, 3).
        difference: float32 (h, w, 3), in grey levels, 0 towards the border of the crop.
        matrix: From picture to crop.
        interpolation: How OpenCV is to resample the difference.
    """
    height, width = difference.shape[:2]
    scale = matrix_scale(matrix)
    if scale > 1.6:
        # The crop is finer than the picture: without this, sampling it would alias.
        difference = cv2.GaussianBlur(difference, (0, 0), 0.35 * scale)
    x0, y0, x1, y1 = crop_bounds(matrix, (width, height), (image.shape[1], image.shape[0]))
    if x1 <= x0 or y1 <= y0:
        return
    back = invert(matrix)
    # Pixel x0 of the picture becomes pixel 0 of the patch.
    back[:, 2] -= [x0, y0]
    patch = cv2.warpAffine(difference, back, (x1 - x0, y1 - y0), flags=interpolation,
                           borderMode=cv2.BORDER_CONSTANT)
    region = image[y0:y1, x0:x1]
    patch += region
    patch += np.float32(0.5)
    np.clip(patch, 0, 255, out=patch)
    region[:] = patch.astype(np.uint8)
