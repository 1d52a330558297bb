"""Files of saved faces, as bytes. Nothing of a file is trusted: its sizes are looked at before it is read."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from faceswap_cli.errors import InputError
from faceswap_cli.library.saved_face import KEY, MAX_PICTURES, FormatError, SavedFace, pack, parse, unpack

MAX_BYTES = 512 * 2**20
"""Bound on a file: about forty large pictures."""

_MAX_HEADER_BYTES = 2**20
_TENSORS = MAX_PICTURES * 17
"""At most so many: pixels, and landmarks and an embedding of each of eight engines."""

_ADVICE = "save it again with faceswap faces save, or get a good copy"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceSummary:
    """What the header of a file says, without its pictures; not compared with its content.

    Attributes:
        pictures: How many.
        face: Width and height in pixels of the largest face in them.
        name, created, program, note, engines: As in `SavedFace`.
    """

    name: str
    created: str
    program: str
    note: str | None
    pictures: int
    face: tuple[int, int]
    engines: tuple[str, ...]


def read_face(path: Path, name: str) -> SavedFace:
    """Read a saved face, and check it.

    Args:
        path: The file.
        name: How to call it in messages.

    Raises:
        InputError: It cannot be read, is no saved face, or is damaged.
    """
    from safetensors import safe_open

    with _reading(path, name), safe_open(path, framework="numpy") as file:
        content = parse((file.metadata() or {}).get(KEY, ""))
        names = list(file.keys())
        if len(names) > _TENSORS:
            raise FormatError("it has too many tensors")
        return unpack(content, {key: file.get_tensor(key) for key in names})


def read_summary(path: Path, name: str) -> FaceSummary:
    """What the header of a saved face says; fast, however large the file is.

    Raises:
        InputError: It cannot be read, or is no saved face.
    """
    from safetensors import safe_open

    with _reading(path, name), safe_open(path, framework="numpy") as file:
        content = parse((file.metadata() or {}).get(KEY, ""))
        try:
            pictures = [entry["faces"] for entry in content["pictures"]]
            boxes = [[float(side) for side in faces[0]["box"]] for faces in pictures]
            largest = max(boxes, key=lambda box: (box[2] - box[0]) * (box[3] - box[1]))
            engines = set.intersection(*({str(face["engine"]) for face in faces} for faces in pictures))
            note = content["note"]
            return FaceSummary(name=str(content["name"]), created=str(content["created"]),
                               program=str(content["program"]), note=None if note is None else str(note),
                               pictures=len(pictures),
                               face=(round(largest[2] - largest[0]), round(largest[3] - largest[1])),
                               engines=tuple(sorted(engines)))
        except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
            raise FormatError("something in it is missing or of another kind") from error


def encode(face: SavedFace) -> bytes:
    """The file of a saved face; the same face gives the same bytes."""
    from safetensors.numpy import save

    tensors, metadata = pack(face)
    return save(tensors, {KEY: metadata})


@contextmanager
def _reading(path: Path, name: str) -> Iterator[None]:
    """Look at the size of a file and of its header, and turn what goes wrong into one line."""
    from safetensors import SafetensorError

    try:
        _check_sizes(path)
        yield
    except FileNotFoundError as error:
        raise InputError(f"{name}: there is no such file") from error
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror or error}") from error
    except FormatError as error:
        raise InputError(f"{name} is no saved face, or damaged: {error}", advice=_ADVICE) from error
    except (SafetensorError, TypeError, ValueError, struct.error) as error:
        raise InputError(f"{name} is no saved face, or damaged: it is no safetensors file that can be read",
                         advice=_ADVICE) from error


def _check_sizes(path: Path) -> None:
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size > MAX_BYTES:
            raise FormatError(f"it has {size} bytes, more than any saved face")
        (header,) = struct.unpack("<Q", file.read(8))
    if header > _MAX_HEADER_BYTES:
        raise FormatError("its header is larger than that of any saved face")
