"""Which faces take part: order, index, gender and pairing. Pure functions over faces that are already found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from faceswap_cli.errors import UsageError
from faceswap_cli.faces.face import Face, Gender
from faceswap_cli.options import ALL, FaceIndex, GenderFilter, Order, SelectOptions

_MAX_DIGITS = 9
_SHOWN = 40

_KEYS: dict[Order, Callable[[Face], float]] = {
    Order.LARGE_SMALL: lambda face: -face.box.area,
    Order.SMALL_LARGE: lambda face: face.box.area,
    Order.LEFT_RIGHT: lambda face: face.box.x1,
    Order.RIGHT_LEFT: lambda face: -face.box.x1,
    Order.TOP_BOTTOM: lambda face: face.box.y1,
    Order.BOTTOM_TOP: lambda face: -face.box.y1,
}


class SkipReason(StrEnum):
    """Why a face is left as it is."""

    NOT_SELECTED = "not-selected"
    GENDER_MISMATCH = "gender-mismatch"
    GENDER_UNKNOWN = "gender-unknown"
    NO_SUCH_FACE = "no-such-face"
    OTHER_PERSON = "other-person"
    PERSON_UNKNOWN = "person-unknown"


@dataclass(frozen=True, slots=True)
class Choice:
    """The verdict on one face, or on one requested index.

    Attributes:
        index: Number of the face, from 0, among all faces in the chosen order.
        face: The face; None when the index was requested and there is no such face.
        skip_reason: Why the face is left alone; None when it is selected.
    """

    index: int
    face: Face | None
    skip_reason: SkipReason | None = None

    @property
    def selected(self) -> bool:
        """Whether the face takes part."""
        return self.skip_reason is None


def order_faces(faces: Iterable[Face], order: Order) -> list[Face]:
    """All faces in the order that gives them their numbers.

    The input's order does not matter: ties keep falling detection score, and equal scores go by the box.
    """
    key = _KEYS[order]
    return sorted(faces, key=lambda face: (key(face), -face.score, face.box))


def keep_order(faces_in_order: Sequence[Face], before: Sequence[int], order: Order) -> list[Face]:
    """The order of a clip's next frame, in which followed faces change places only for a clear reason.

    Two faces of nearly one size, or nearly side by side, would else trade their numbers, and with them the face they
    get, from frame to frame.

    Args:
        faces_in_order: As `order_faces` returned them; faces without a `track` stay where they are put.
        before: Tracks in the order of the frame before.
        order: What is compared; sizes must differ by a quarter, positions by a quarter of a face.

    Returns:
        The same faces; of two that were there before, the later one comes first only when it is clearly ahead.
    """
    place = {track: number for number, track in enumerate(before)}
    key = _KEYS[order]
    by_size = order in (Order.LARGE_SMALL, Order.SMALL_LARGE)

    def clearly_ahead(face: Face, other: Face) -> bool:
        size = max(face.box.area, other.box.area) if by_size else max(face.box.width, other.box.width)
        return key(other) - key(face) > 0.25 * size

    kept: list[Face] = []
    for face in faces_in_order:
        spot = len(kept)
        was = place.get(face.track) if face.track is not None else None
        while was is not None and spot > 0:
            other = kept[spot - 1]
            other_was = place.get(other.track) if other.track is not None else None
            if other_was is None or other_was < was or clearly_ahead(other, face):
                break
            spot -= 1
        kept.insert(spot, face)
    return kept


def parse_index(text: str, *, option: str = "the face index", repeats: bool = False) -> FaceIndex:
    """Read a comma list of face numbers, or `all`.

    Args:
        text: `"0"`, `"2, 0"` or `"all"`; blanks around entries are allowed. The order is kept.
        option: What to call the value in messages, such as `opt("target-index")`.
        repeats: Allow a number more than once. It means something for source faces, where `0,0,1` gives the first two
            targets the same face; a target face can be replaced only once.

    Raises:
        UsageError: An entry is empty, no whole number from 0, or given twice; the message shows the entry.
    """
    if text.strip().lower() == ALL:
        return ALL
    advice = f"give numbers from 0 with commas between them, such as 0,2, or {ALL}"
    numbers: list[int] = []
    for position, entry in enumerate(text.split(","), start=1):
        digits = entry.strip()
        if not digits:
            where = "is empty" if text.strip() in ("", ",") else f"has an empty entry {position} in {_quote(text)}"
            raise UsageError(f"{option} {where}", advice=advice)
        if not (digits.isascii() and digits.isdigit()):
            raise UsageError(f"{option} has the bad entry {_quote(digits)}", advice=advice)
        if len(digits) > _MAX_DIGITS:
            raise UsageError(f"{option} has the entry {_quote(digits)}, which is too large", advice=advice)
        numbers.append(int(digits))
    indices = tuple(numbers)
    if not repeats:
        _refuse_repeats(indices, option)
    return indices


def select_targets(faces_in_order: Sequence[Face], options: SelectOptions) -> list[Choice]:
    """A verdict on every target face and on every requested index.

    Gender is judged after the index. With a gender and no index the first face that passes is taken: those before it
    are reported with the reason of their gender, those after it as not selected.

    Args:
        faces_in_order: All faces of the picture, as `order_faces` returned them, with `gender` where a filter is set.
        options: `target_index` and `target_gender` are used.

    Returns:
        In selection order, which is the order of pairing: the requested indices as they were listed, then the other
        faces. Without a list: in the order of the faces.

    Raises:
        UsageError: `target_index` is no valid index (a number below 0 or given twice).
    """
    index = _checked(options.target_index, "the target index")
    if isinstance(index, tuple):
        _refuse_repeats(index, "the target index")
    return _judge(faces_in_order, index, options.target_gender)


def judge_sources(faces_in_order: Sequence[Face], options: SelectOptions) -> list[Choice]:
    """A verdict on every face of the source picture, as `select_targets` gives it on targets.

    A number listed twice is there twice, so that two targets in a row can get the same face.

    Raises:
        UsageError: `source_index` names a face that is not there. A picture with no face at all gives an empty list.
    """
    index = _checked(options.source_index, "the source index")
    count = len(faces_in_order)
    if not count:
        return []
    if isinstance(index, tuple):
        for number in index:
            if number >= count:
                there = "1 face, number 0" if count == 1 else f"{count} faces, numbers 0 to {count - 1}"
                raise UsageError(f"source index {number} is out of range: the source picture has {there}")
    return _judge(faces_in_order, index, options.source_gender)


def pair(k: int, n: int) -> int:
    """Which of `n` chosen source faces goes on the `k`-th target face really swapped, both from 0."""
    return k % n


def _judge(faces: Sequence[Face], index: FaceIndex, wanted: GenderFilter) -> list[Choice]:
    """Verdicts for one valid index and one gender filter."""
    choices: list[Choice] = []
    if index is None:
        found = False
        for number, face in enumerate(faces):
            verdict = SkipReason.NOT_SELECTED if found else _gender_verdict(face, wanted)
            found = found or verdict is None
            choices.append(Choice(number, face, verdict))
        return choices
    requested = range(len(faces)) if isinstance(index, str) else index
    for number in requested:
        if number < len(faces):
            choices.append(Choice(number, faces[number], _gender_verdict(faces[number], wanted)))
        else:
            choices.append(Choice(number, None, SkipReason.NO_SUCH_FACE))
    others = sorted(set(range(len(faces))).difference(requested))
    return choices + [Choice(number, faces[number], SkipReason.NOT_SELECTED) for number in others]


def _gender_verdict(face: Face, wanted: GenderFilter) -> SkipReason | None:
    """Why a face does not pass the filter; None when it does. Unknown passes no filter."""
    if wanted == GenderFilter.NO:
        return None
    if face.gender is None or face.gender == Gender.UNKNOWN:
        return SkipReason.GENDER_UNKNOWN
    return None if face.gender.value == wanted.value else SkipReason.GENDER_MISMATCH


def _checked(index: FaceIndex, name: str) -> FaceIndex:
    """An index from the Python API, where nothing has parsed it, made sure of."""
    if isinstance(index, str):
        return parse_index(index, option=name, repeats=True)
    if index is not None:
        if not index:
            raise UsageError(f"{name} is empty", advice=f"give numbers from 0, {ALL!r} or None")
        for number in index:
            if number < 0:
                raise UsageError(f"{name} has the bad entry {number}", advice="faces are counted from 0")
    return index


def _refuse_repeats(indices: tuple[int, ...], name: str) -> None:
    seen: set[int] = set()
    for number in indices:
        if number in seen:
            raise UsageError(f"{name} has {number} twice", advice="a face can be replaced only once")
        seen.add(number)


def _quote(text: str) -> str:
    """Text as a message shows it: on one line, quoted, not too long."""
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")
