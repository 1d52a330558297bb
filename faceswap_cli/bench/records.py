"""What is measured, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from faceswap_cli.errors import UsageError
from faceswap_cli.options import EngineName, RuntimeOptions
from faceswap_cli.text import opt

SMALLEST, LARGEST = 128, 7680
"""Bounds on the sides of what is measured on, in pixels."""


class Media(StrEnum):
    """What a scene is."""

    STILL = "still"
    CLIP = "clip"


@dataclass(frozen=True, slots=True)
class Scene:
    """What is measured on: one face, in the middle.

    Attributes:
        media: Still or clip.
        width, height: In pixels; of a clip, even.
    """

    media: Media
    width: int
    height: int

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.media} {self.width}x{self.height}"


def parse_scenes(media: Media, text: str) -> tuple[Scene, ...]:
    """The scenes of a list such as `480x270,1280x720`; `none`: no scene.

    Raises:
        UsageError: An entry is no size, or one that is not measured.
    """
    option = f"--{media}"
    if text.strip().lower() == "none":
        return ()
    scenes = []
    for entry in text.split(","):
        width, _, height = entry.strip().lower().partition("x")
        if not (width.isdecimal() and height.isdecimal()):
            raise UsageError(f"{opt(option)} {text}: {entry.strip()!r} is no size",
                             advice="write WIDTHxHEIGHT, such as 480x270, or none")
        scene = Scene(media, int(width), int(height))
        if not all(SMALLEST <= side <= LARGEST for side in (scene.width, scene.height)):
            raise UsageError(f"{opt(option)} {scene.width}x{scene.height}: sides must be within {SMALLEST}..{LARGEST}")
        if media is Media.CLIP and (scene.width % 2 or scene.height % 2):
            raise UsageError(f"{opt(option)} {scene.width}x{scene.height}: the sides of a clip must be even")
        scenes.append(scene)
    return tuple(dict.fromkeys(scenes))


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchOptions:
    """What is measured and for how long.

    Attributes:
        engine: `auto`: each engine that is installed.
        scenes: On what.
        seconds: How long is measured, about, with all engines; warming up comes before it.
        rounds: How often everything is measured; None: as often as `seconds` allow.
        runtime: What runs the networks of the neural engine.
        models_folder: Where models lie; None: the usual place.
    """

    engine: EngineName = EngineName.AUTO
    scenes: tuple[Scene, ...] = (Scene(Media.STILL, 512, 512), Scene(Media.STILL, 1920, 1080),
                                 Scene(Media.CLIP, 480, 270))
    seconds: float = 20.0
    rounds: int | None = None
    runtime: RuntimeOptions = field(default_factory=RuntimeOptions)
    models_folder: str | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.seconds <= 3600:
            raise UsageError(f"{opt('seconds')} {self.seconds:g} is outside 1..3600")
        if self.rounds is not None and not 1 <= self.rounds <= 1000:
            raise UsageError(f"{opt('rounds', self.rounds)} is outside 1..1000")
        if not self.scenes:
            raise UsageError(f"there is nothing to measure: name a size with {opt('still')} or {opt('clip')}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """How fast one way of working was.

    Attributes:
        workers: Cores that it may use for frames; 1: one after the other.
        rate: Frames a second, of stills files a second: the median of all rounds.
        slowest, fastest: Of the rounds.
        memory: Bytes that the process and its helpers had at most; None: not known on this system.
    """

    workers: int
    rate: float
    slowest: float
    fastest: float
    memory: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchRow:
    """One engine on one scene.

    Attributes:
        engine: Which.
        scene: On what.
        frames: Of the clip; 1: a still.
        rounds: How often it was measured.
        find, swap, restore, decode, encode: Milliseconds for a frame, medians, by one worker; `restore`: None where
            nothing restores.
        one: By one worker.
        all: By all cores; None: a still, which has all of them anyway, or a machine with one.
        parts: Names of what ran, as `SwapBackend.parts`.
    """

    engine: str
    scene: Scene
    frames: int
    rounds: int
    find: float
    swap: float
    restore: float | None
    decode: float
    encode: float
    one: Speed
    all: Speed | None
    parts: dict[str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchReport:
    """What was measured.

    Attributes:
        processor: Its name.
        cores: That may be used.
        memory: Bytes of the machine; None: unknown.
        versions: Of Python, faceswap and what decides its speed.
        rows: By engine and scene.
        notes: What to know of the numbers.
        seconds: That all took.
    """

    processor: str
    cores: int
    memory: int | None
    versions: dict[str, str]
    rows: tuple[BenchRow, ...]
    notes: tuple[str, ...]
    seconds: float
