"""dlib's trained models: found inside the `face-recognition-models` package, each loaded when first needed."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from faceswap_cli.engine.analysers.detector_cache import load_frontal_detector
from faceswap_cli.errors import ModelError

PACKAGE = "face_recognition_models"
INSTALL = "pip install --force-reinstall face-recognition-models"


def weights_folder() -> Path:
    """The folder of weight files. The package is only located: importing it needs the removed `pkg_resources`.

    Raises:
        ModelError: The package is not installed.
    """
    spec = importlib.util.find_spec(PACKAGE)
    locations = list(spec.submodule_search_locations or ()) if spec is not None else []
    if not locations:
        raise ModelError("the package face-recognition-models is not installed", command=INSTALL)
    return Path(locations[0]) / "models"


def weights_file(name: str) -> Path:
    """Path of one weight file.

    Raises:
        ModelError: The package or the file is missing.
    """
    path = weights_folder() / name
    if not path.is_file():
        raise ModelError(f"{path} is missing", command=INSTALL)
    return path


class SharedModel:
    """One model of the process: loaded by the first call, run by one thread at a time.

    dlib's networks and scanners keep working memory inside the model, so calls must not overlap.
    """

    def __init__(self, load: Callable[[], Any], file: str | None = None) -> None:
        self._load = load
        self._file = file
        self._lock = threading.RLock()
        self._model: Any = None

    def get(self) -> Any:
        """The loaded dlib object.

        Raises:
            ModelError: The weights are missing or damaged, or dlib is not installed.
        """
        if self._model is None:
            with self._lock:
                if self._model is None:
                    self._model = self._open()
        return self._model

    def run(self, call: Callable[[Any], Any]) -> Any:
        """`call(model)`, alone.

        Raises:
            ModelError: As in `get`, or dlib failed while running.
        """
        model = self.get()
        with self._lock:
            try:
                return call(model)
            except (RuntimeError, MemoryError) as error:
                raise ModelError(f"dlib failed on a picture ({_first_line(error)})", advice="try it smaller") from error

    def _open(self) -> Any:
        try:
            return self._load()
        except ImportError as error:
            raise ModelError(f"dlib cannot be loaded ({error})",
                             command="pip install --force-reinstall dlib-bin") from error
        except (RuntimeError, EOFError, OSError, ValueError) as error:
            place = weights_file(self._file) if self._file else "dlib's built-in detector"
            raise ModelError(f"{place} is damaged ({_first_line(error)})", command=INSTALL) from error


def _first_line(error: BaseException) -> str:
    """The first line that says something: dlib's messages are long and begin with empty ones."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


def _from_file(kind: str, file: str) -> SharedModel:
    def load() -> Any:
        import dlib

        return getattr(dlib, kind)(str(weights_file(file)))

    return SharedModel(load, file)


def _load_predictor() -> Any:
    from faceswap_cli.engine.analysers.regression_trees import RegressionTrees
    from faceswap_cli.engine.analysers.shape_cache import load_cascade

    return RegressionTrees(load_cascade(weights_file(_PREDICTOR)))


_PREDICTOR = "shape_predictor_68_face_landmarks.dat"

FRONTAL_DETECTOR = SharedModel(load_frontal_detector)
"""HOG and linear SVM, five views (Dalal & Triggs 2005; Felzenszwalb's features; King 2015); built into dlib."""

LANDMARK_PREDICTOR = SharedModel(_load_predictor, _PREDICTOR)
"""Ensemble of regression trees (Kazemi & Sullivan 2014), 68 points; trained on iBUG 300-W (not for commercial use)."""

CNN_DETECTOR = _from_file("cnn_face_detection_model_v1", "mmod_human_face_detector.dat")
"""Max-margin detection with a small convolutional network (King 2015)."""

DESCRIPTOR_NETWORK = _from_file("face_recognition_model_v1", "dlib_face_recognition_resnet_model_v1.dat")
"""Residual network of 29 layers, 128 numbers per face; distances below 0.6 mean the same person."""
