"""dlib's built-in detector, kept in the user's cache folder in the form that loads at once.

dlib unpacks its frontal detector from text in its own code, which takes 0.2 s in every process; the same detector saved
to a file loads in a millisecond and gives the same scores. The file is 150 kB, made by this machine's dlib for itself.
"""

from __future__ import annotations

from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any


def load_frontal_detector() -> Any:
    """What `dlib.get_frontal_face_detector()` gives; a cache that is missing, damaged or read-only only costs time."""
    import dlib

    with suppress(RuntimeError, OSError):
        if (path := _file()).is_file():
            return dlib.fhog_object_detector(str(path))
    detector = dlib.get_frontal_face_detector()
    with suppress(RuntimeError, OSError):
        _save(detector, _file())
    return detector


def _file() -> Path:
    """Where the detector of this dlib lies.

    Raises:
        OSError: The version of dlib is not known, so that nothing can be cached safely.
        RuntimeError: The user has no home folder.
    """
    from platformdirs import user_cache_path

    for package in ("dlib-bin", "dlib"):
        with suppress(PackageNotFoundError):
            return user_cache_path("faceswap", appauthor=False) / f"frontal-{package}-{version(package)}.svm"
    raise OSError("dlib's version is not known")


def _save(detector: Any, path: Path) -> None:
    """Write beside the file's place, then rename: another process never sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=path.parent, prefix=path.name, suffix=".part", delete=False) as file:
        part = Path(file.name)
    try:
        detector.save(str(part))
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
