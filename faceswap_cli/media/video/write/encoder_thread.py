"""The thread in which a video is encoded, segment by segment, while the next frames are made."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from faceswap_cli.errors import OutputError
from faceswap_cli.media.frame import Frame
from faceswap_cli.media.video.colour.hdr import parse_hdr, read_hdr
from faceswap_cli.media.video.colour.pictures import PictureMaker
from faceswap_cli.media.video.write.encoders import EncoderSettings
from faceswap_cli.media.video.write.segments import EncodedPicture, Segment, SegmentStore

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext

_WAITING = 4
"""Frames that wait to be encoded: enough to bridge a slow one, few enough for 4K."""

_POLL = 0.2

_HELD = 2
"""Frames held back, so that the last but one is known before it is encoded."""

_ANY, _PREDICTED = 0, 2
"""FFmpeg's numbers of kinds of pictures: as the encoder likes, and P."""


@dataclass(frozen=True, slots=True)
class TimedFrame:
    """A frame on its way.

    Attributes:
        frame: The frame.
        tick, end: When it is shown and until when, in the writer's unit.
    """

    frame: Frame
    tick: int
    end: int


@dataclass(frozen=True, slots=True)
class Cut:
    """The end of a segment.

    Attributes:
        state, next_time: As in `Segment`.
        last: Whether it is the end of the video.
    """

    state: bytes = b""
    next_time: Fraction = Fraction(0)
    last: bool = False


@dataclass(slots=True)
class _Growing:
    encoder: VideoCodecContext
    ticks: list[int] = field(default_factory=list)
    end: int = 0
    order: list[int] = field(default_factory=list)


class EncodingLine:
    """Takes frames and cuts in order; encodes them in a thread of its own.

    What goes wrong there is raised by the next call.
    """

    def __init__(self, settings: EncoderSettings, store: SegmentStore,
                 failure: Callable[[Exception], Exception]) -> None:
        """Nothing runs before the first `put`.

        Args:
            settings: The encoder's.
            store: Gets what is encoded.
            failure: Turns an error into the one to raise.
        """
        self.pictures = PictureMaker(settings.layout)
        self.hdr = parse_hdr(store.kept[0].extra) if store.kept else None
        self._looked = bool(store.kept)
        self._settings = settings
        self._store = store
        self._failure = failure
        self._queue: queue.Queue[TimedFrame | Cut] = queue.Queue(_WAITING)
        self._growing: _Growing | None = None
        self._held: list[TimedFrame] = []
        self._error: Exception | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def put(self, item: TimedFrame | Cut) -> None:
        """Hand over a frame or a cut; waits while too many are on their way.

        Raises:
            OutputError: Encoding failed.
        """
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="faceswap-encode", daemon=True)
            self._thread.start()
        while True:
            self._raise()
            try:
                self._queue.put(item, timeout=_POLL)
            except queue.Full:
                continue
            return

    def finish(self) -> None:
        """Encode what waits, as the last segment.

        Raises:
            OutputError: Encoding failed.
        """
        self.put(Cut(last=True))
        assert self._thread is not None
        self._thread.join()
        self._raise()

    def stop(self, *, save: bool) -> None:
        """End without finishing.

        Args:
            save: Segments whose cut was handed over are finished all the same.
        """
        if self._thread is None:
            return
        if save:
            with self._queue.mutex:
                save = any(isinstance(item, Cut) for item in self._queue.queue)
        if save and self._error is None:
            while self._thread.is_alive() and not self._queue.empty():
                self._thread.join(_POLL)
        self._stop.set()
        self._thread.join()

    def _raise(self) -> None:
        if self._error is not None:
            raise self._failure(self._error) from self._error

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                try:
                    item = self._queue.get(timeout=_POLL)
                except queue.Empty:
                    continue
                if isinstance(item, TimedFrame):
                    self._held.append(item)
                    if len(self._held) > _HELD:
                        self._encode(self._held.pop(0))
                else:
                    self._cut(item)
                    if item.last:
                        return
        except Exception as error:
            self._error = error

    def _encode(self, entry: TimedFrame, picture_type: int = _ANY) -> None:
        picture = self.pictures.make(entry.frame)
        if not self._looked:
            self.hdr = read_hdr(entry.frame)
            self._looked = True
        if self._growing is None:
            self._growing = _Growing(self._settings.open(self.hdr))
        growing = self._growing
        picture.pts = len(growing.ticks)
        picture.time_base = 1 / self._settings.rate
        picture.duration = 1
        picture.pict_type = picture_type if growing.ticks else _ANY  # the decoder's would be taken for a wish
        growing.ticks.append(entry.tick)
        growing.end = entry.end
        self._take(growing, growing.encoder.encode(picture))

    def _cut(self, cut: Cut) -> None:
        while self._held:
            # In MP4 how long the last picture is shown is only kept where it is the last one to be decoded too: no
            # picture between it and the one before may wait for it.
            before_last = cut.last and len(self._held) == _HELD
            self._encode(self._held.pop(0), _PREDICTED if before_last else _ANY)
        growing, self._growing = self._growing, None
        if growing is None:
            return
        self._take(growing, growing.encoder.encode(None))
        if sorted(growing.order) != list(range(len(growing.ticks))):
            raise OutputError(f"the encoder lost pictures: {len(growing.order)} of {len(growing.ticks)} came out")
        delay = max(place - number for place, number in enumerate(growing.order))
        extra = {} if self.hdr is None else self.hdr.record()
        self._store.close(
            Segment(ticks=tuple(growing.ticks), end=growing.end, delay=delay, next_time=cut.next_time, state=cut.state,
                    extra=extra),
            last=cut.last)

    def _take(self, growing: _Growing, packets: list[Any]) -> None:
        for packet in packets:
            growing.order.append(packet.pts)
            self._store.append(EncodedPicture(packet.pts, packet.is_keyframe, bytes(packet)))
