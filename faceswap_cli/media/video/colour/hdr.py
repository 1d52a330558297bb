"""What a file says about the display that an HDR video was made on: read from a picture, handed to an encoder."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from faceswap_cli.media.frame import Frame

_DISPLAY = struct.Struct("=20i2i")
"""AVMasteringDisplayMetadata: x, y of red, green, blue, white; least and most light, all rationals; two flags."""

_LIGHT = struct.Struct("=2I")
"""AVContentLightMetadata."""

_WHOLE = (lambda place: f"{round(place * 50_000)}", lambda level: f"{round(level * 10_000)}")
_DECIMAL = (lambda place: f"{float(place):.5f}", lambda level: f"{float(level):.4f}")
"""How encoders take places in the chart of colours, and light."""


@dataclass(frozen=True, slots=True)
class HdrMetadata:
    """What a display showed while an HDR video was made (SMPTE ST 2086, CTA 861.3).

    Attributes:
        primaries: x, y of red, green, blue, white, or None.
        luminance: Least and most, in candela per square metre, or None.
        light: Most light of any pixel, most mean light of any frame, or None.
    """

    primaries: tuple[Fraction, ...] | None
    luminance: tuple[Fraction, Fraction] | None
    light: tuple[int, int] | None

    def record(self) -> dict[str, list[str] | None]:
        """For JSON."""
        return {"primaries": list(map(str, self.primaries)) if self.primaries else None,
                "luminance": list(map(str, self.luminance)) if self.luminance else None,
                "light": list(map(str, self.light)) if self.light else None}

    def x264(self) -> str:
        """As `x264-params`."""
        return self._params("mastering-display", "cll", *_WHOLE)

    def x265(self) -> str:
        """As `x265-params`."""
        return self._params("master-display", "max-cll", *_WHOLE)

    def svt(self) -> str:
        """As `svtav1-params`."""
        return self._params("mastering-display", "content-light", *_DECIMAL)

    def _params(self, display: str, light: str, place: Callable[[Fraction], str],
                level: Callable[[Fraction], str]) -> str:
        parts = []
        if self.primaries and self.luminance:
            points = zip(self.primaries[::2], self.primaries[1::2], strict=True)
            red, green, blue, white = (f"({place(x)},{place(y)})" for x, y in points)
            low, high = map(level, self.luminance)
            parts.append(f"{display}=G{green}B{blue}R{red}WP{white}L({high},{low})")
        if self.light:
            parts.append(f"{light}={self.light[0]},{self.light[1]}")
        return ":".join(parts)


def read_hdr(frame: Frame) -> HdrMetadata | None:
    """The metadata of a frame that was decoded; None: it has none."""
    if frame.native is None:
        return None
    sides = {side.type.name: bytes(side) for side in frame.native.picture.side_data}
    display = sides.get("MASTERING_DISPLAY_METADATA", b"")
    light = sides.get("CONTENT_LIGHT_LEVEL", b"")
    primaries = luminance = levels = None
    if len(display) >= _DISPLAY.size:
        numbers = _DISPLAY.unpack_from(display)
        values = [Fraction(top, bottom or 1) for top, bottom in zip(numbers[:20:2], numbers[1:20:2], strict=True)]
        if numbers[20]:
            primaries = tuple(values[:8])
        if numbers[21]:
            luminance = (values[8], values[9])
    if len(light) >= _LIGHT.size:
        most, mean = _LIGHT.unpack_from(light)
        levels = (most, mean)
    if levels is None and not (primaries and luminance):
        return None
    return HdrMetadata(primaries, luminance, levels)


def parse_hdr(record: dict[str, Any]) -> HdrMetadata | None:
    """What `HdrMetadata.record` gave."""
    if not record:
        return None
    primaries, luminance, light = record["primaries"], record["luminance"], record["light"]
    return HdrMetadata(tuple(map(Fraction, primaries)) if primaries else None,
                       (Fraction(luminance[0]), Fraction(luminance[1])) if luminance else None,
                       (int(light[0]), int(light[1])) if light else None)
