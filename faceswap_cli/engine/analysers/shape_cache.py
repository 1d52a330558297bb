"""The landmark model, kept in the user's cache folder in the form that loads at once.

Reading dlib's file takes half a second, what comes of it 0.03 s. The file is 66 MB, made by this program for itself.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

import numpy as np

from faceswap_cli.engine.analysers.shape_file import FORESTS, NODES, POINTS, TREES, TreeCascade, read_shape_file

_PREFIX = "landmarks-1-"
"""With the version of what is written."""

_SHAPES = {
    "shape": (POINTS, 2), "anchors": (FORESTS, TREES), "offsets": (FORESTS, TREES, 2),
    "first": (FORESTS, NODES, TREES), "second": (FORESTS, NODES, TREES), "thresholds": (FORESTS, NODES, TREES),
    "leaves": (FORESTS, TREES * (NODES + 1), 2 * POINTS),
}

_SAMPLES, _SAMPLE = 32, 4096


def load_cascade(path: Path) -> TreeCascade:
    """What `read_shape_file` gives; a cache that is missing, damaged or read-only only costs time.

    Raises:
        ValueError: The file is damaged.
        OSError: It cannot be read.
    """
    cached: Path | None = None
    with suppress(RuntimeError, OSError):
        cached = _place(path)
    if cached is not None:
        with suppress(OSError, ValueError, EOFError):
            return _load(cached)
    cascade = read_shape_file(path)
    if cached is not None:
        with suppress(OSError):
            _save(cascade, cached)
    return cascade


def _place(path: Path) -> Path:
    """Where the model read from `path` lies: named by samples of its bytes, the same in every environment.

    Raises:
        OSError: `path` cannot be read.
        RuntimeError: The user has no home folder.
    """
    from platformdirs import user_cache_path

    digest = hashlib.sha256()
    with path.open("rb") as file:
        size = file.seek(0, 2)
        digest.update(str(size).encode())
        for number in range(_SAMPLES):
            file.seek((size - _SAMPLE) * number // (_SAMPLES - 1) if size > _SAMPLE else 0)
            digest.update(file.read(_SAMPLE))
    return user_cache_path("faceswap", appauthor=False) / f"{_PREFIX}{digest.hexdigest()[:16]}.npy"


def _load(path: Path) -> TreeCascade:
    arrays = {}
    with path.open("rb") as file:
        for name, shape in _SHAPES.items():
            arrays[name] = np.load(file, allow_pickle=False)
            if arrays[name].shape != shape:
                raise ValueError("not what this version writes")
    indices = {name: arrays[name].astype(np.int64) for name in ("anchors", "first", "second")}
    return TreeCascade(**(arrays | indices))


def _save(cascade: TreeCascade, path: Path) -> None:
    """Write beside the file's place, then rename: another process never sees half of it. Earlier ones go."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=path.parent, prefix=path.name, suffix=".part", delete=False) as file:
        part = Path(file.name)
        try:
            for name in _SHAPES:
                array = getattr(cascade, name)
                np.save(file, array.astype(np.int16) if array.dtype == np.int64 else array, allow_pickle=False)
        except BaseException:
            file.close()
            part.unlink(missing_ok=True)
            raise
    part.replace(path)
    for other in path.parent.glob("landmarks-*.npy"):
        if other != path:
            other.unlink(missing_ok=True)
