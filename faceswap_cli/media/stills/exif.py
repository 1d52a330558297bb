"""Copies EXIF from file to file: directories of tags, each value kept bit for bit in its type and byte order.

Pillow's own way through Python values loses letters outside ASCII and the types of tags that it does not know. What
would be untrue of the new picture, or show the old one, is left out: thumbnails, maker notes (previews, and offsets
that break when they are moved), the identity of the file, places in the frame.

Source of the layout: TIFF 6.0, section 2; of the tags: Exif 2.32, section 4.6.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass, replace
from typing import BinaryIO, Literal

Order = Literal["<", ">"]

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
"""Bytes of one value, by type."""

SHORT, LONG, UNDEFINED = 3, 4, 7
_EXIF, _GPS = 0x8769, 0x8825
_RESOLUTION = frozenset({0x011A, 0x011B, 0x0128})
_WIDTH, _HEIGHT = 0xA002, 0xA003

_ABOUT = frozenset({
    0x010D, 0x010E, 0x010F, 0x0110, 0x011A, 0x011B, 0x0128, 0x0132, 0x013B, 0x013C, 0x4746, 0x4749,
    0x8298, *range(0x9C9B, 0x9CA0),
})
"""What is kept of the first directory, which in a TIFF also says how the pixels lie: titles, camera, resolution, date,
artist, host, rating, copyright, and Windows' title, comment, author, keywords, subject. Not the orientation, which the
pixels have by now."""

_UNTRUE = frozenset({_EXIF, _GPS, 0x9102, 0x9214, 0x927C, 0xA004, 0xA005, 0xA214, 0xA420, 0xEA1C, 0xEA1D})
"""What is not kept of the directory of EXIF: directories within it, compression, subject area, maker note, audio file,
interoperability, subject location, identity, padding and offset."""

_FIRST = 10
"""Where the first directory begins. It could be 8, but in a signed PNG exiftool (12.57) takes that for a part of the
signature that it has read already, and shows no EXIF."""

_MAX_ENTRIES = 256
_MAX_VALUE = 16_384
MAX_BYTES = 60_000
"""Bound on what is kept: a JPEG has room for 65,527 bytes."""


class ExifError(Exception):
    """Damaged, or too large."""


@dataclass(frozen=True, slots=True)
class ExifValue:
    """A tag: its type, how many values, and their bytes as they lie in the file."""

    kind: int
    count: int
    data: bytes


Directory = dict[int, ExifValue]


def copy_exif(file: BinaryIO, width: int, height: int) -> bytes | None:
    """What a new picture keeps of a TIFF file, or of EXIF, which has the layout of one.

    Args:
        file: Read from where it stands: the header has to be there.
        width, height: Of the new picture, upright.

    Returns:
        EXIF without the `Exif` prefix; None: there is nothing to keep.

    Raises:
        ExifError: It is damaged, or too large.
    """
    start = file.tell()
    order = _read_order(file)
    first = read_directory(file, order, start, _number(file.read(4), order))
    kept = {tag: entry for tag, entry in first.items() if tag in _ABOUT}
    parts = {}
    for tag, keep in ((_EXIF, lambda tag: tag not in _UNTRUE), (_GPS, lambda tag: tag < 0x0020)):
        if tag in first and first[tag].kind in (LONG, 13):
            try:
                found = read_directory(file, order, start, _number(first[tag].data, order))
            except ExifError:  # one that points nowhere says nothing
                continue
            parts[tag] = {name: entry for name, entry in found.items() if keep(name)}
    if _EXIF in parts:
        for name, size in ((_WIDTH, width), (_HEIGHT, height)):
            if name in parts[_EXIF]:
                parts[_EXIF][name] = number_entry(size, order)
    if not kept.keys() - _RESOLUTION and not any(parts.values()):
        return None
    data = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", _FIRST) + bytes(_FIRST - 8)
    data += lay_out(kept, parts, order, _FIRST)
    if len(data) > MAX_BYTES:
        raise ExifError(f"it has {len(data)} bytes")
    return data


def read_tag(file: BinaryIO, tag: int) -> bytes | None:
    """The bytes of one tag of a TIFF's first directory; None: it is not there."""
    start = file.tell()
    order = _read_order(file)
    entry = read_directory(file, order, start, _number(file.read(4), order), most=1 << 20).get(tag)
    return None if entry is None else entry.data


def add_to_tiff(tiff: bytes, exif: bytes | None, more: Directory) -> bytes:
    """A TIFF with what `copy_exif` gave, and other tags; its own tags win.

    Args:
        tiff: A whole file.
        exif: From `copy_exif`, None: none.
        more: Other tags for its first directory.

    Raises:
        ExifError: The file is no classic TIFF, or has more directories than one.
    """
    file = io.BytesIO(tiff)
    order = _read_order(file)
    at = _number(file.read(4), order)
    own = read_directory(file, order, 0, at, most=len(tiff))
    parts: dict[int, Directory] = {}
    added: Directory = {}
    if exif is not None:
        source = io.BytesIO(exif)
        theirs = _read_order(source)
        added = read_directory(source, theirs, 0, _number(source.read(4), theirs))
        parts = {tag: read_directory(source, theirs, 0, _number(added.pop(tag).data, theirs))
                 for tag in (_EXIF, _GPS) if tag in added}
        added = {tag: _turned(entry, theirs, order) for tag, entry in added.items()}
        parts = {name: {tag: _turned(entry, theirs, order) for tag, entry in part.items()}
                 for name, part in parts.items()}
    tiff += b"\0" * (len(tiff) % 2)
    table = lay_out(added | more | own, parts, order, len(tiff))
    return tiff[:4] + struct.pack(order + "I", len(tiff)) + tiff[8:] + table


def read_directory(file: BinaryIO, order: Order, start: int, offset: int, most: int = _MAX_VALUE) -> Directory:
    """The tags of one directory; such as are cut off, too large or of an unknown type are left out.

    Args:
        file: Seekable.
        order: Of the bytes.
        start: Where the header lies, from which offsets count.
        offset: Of the directory.
        most: Bytes of the largest value that is read.

    Raises:
        ExifError: There is no directory.
    """
    file.seek(start + offset)
    head = file.read(2)
    count = struct.unpack(order + "H", head)[0] if len(head) == 2 else 0
    table = file.read(12 * count)
    if not 0 < count <= _MAX_ENTRIES or len(table) < 12 * count:
        raise ExifError("a directory is cut off")
    found: Directory = {}
    for tag, kind, number, inline in struct.iter_unpack(order + "HHI4s", table):
        size = _SIZES.get(4 if kind == 13 else kind, 0) * number
        if not 0 < size <= most:
            continue
        if size > 4:
            file.seek(start + _number(inline, order))
            data = file.read(size)
            if len(data) < size:
                continue
        else:
            data = inline[:size]
        found[tag] = ExifValue(kind, number, data)
    return found


def lay_out(first: Directory, parts: dict[int, Directory], order: Order, at: int) -> bytes:
    """A directory and those that it points to, for the place `at`; no other follows."""
    parts = {tag: part for tag, part in parts.items() if part}
    tables = {tag: ExifValue(LONG, 1, b"\0\0\0\0") for tag in parts}
    first = {tag: entry for tag, entry in first.items() if tag not in (_EXIF, _GPS)} | tables
    after = at + _size(first)
    for tag, part in parts.items():
        first[tag] = replace(first[tag], data=struct.pack(order + "I", after))
        after += _size(part)
    data = _table(first, order, at)
    for part in parts.values():
        data += _table(part, order, at + len(data))
    return data


def number_entry(value: int, order: Order) -> ExifValue:
    """A tag with one number."""
    return ExifValue(SHORT, 1, struct.pack(order + "H", value)) if value < 1 << 16 else \
        ExifValue(LONG, 1, struct.pack(order + "I", value))


def _table(directory: Directory, order: Order, at: int) -> bytes:
    head, values = struct.pack(order + "H", len(directory)), b""
    after = at + 2 + 12 * len(directory) + 4
    for tag, entry in sorted(directory.items()):
        inline = entry.data.ljust(4, b"\0")
        if len(entry.data) > 4:
            inline = struct.pack(order + "I", after + len(values))
            values += entry.data + b"\0" * (len(entry.data) % 2)
        head += struct.pack(order + "HHI", tag, entry.kind, entry.count) + inline
    return head + b"\0\0\0\0" + values


def _size(directory: Directory) -> int:
    values = sum(len(entry.data) + len(entry.data) % 2 for entry in directory.values() if len(entry.data) > 4)
    return 2 + 12 * len(directory) + 4 + values


def _turned(entry: ExifValue, before: Order, after: Order) -> ExifValue:
    """The same values in another byte order."""
    unit = {3: 2, 8: 2, 4: 4, 9: 4, 11: 4, 5: 4, 10: 4, 12: 8}.get(entry.kind, 1)
    if before == after or unit == 1:
        return entry
    data = b"".join(entry.data[at:at + unit][::-1] for at in range(0, len(entry.data), unit))
    return replace(entry, data=data)


def _read_order(file: BinaryIO) -> Order:
    head = file.read(4)
    if head == b"II*\0":
        return "<"
    if head == b"MM\0*":
        return ">"
    raise ExifError("it does not begin as it should")


def _number(data: bytes, order: Order) -> int:
    if len(data) < 4:
        raise ExifError("it is cut off")
    number: int = struct.unpack(order + "I", data[:4])[0]
    return number
