"""The engines: whether they find a face and swap it, tried on the portraits that come with the package."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from faceswap_cli.doctor.checks import Check, DoctorOptions, Look, fail, note, ok, reason_of, warn
from faceswap_cli.errors import FaceswapError, MissingDependencyError
from faceswap_cli.options import EngineName, EngineOptions, RestoreOptions
from faceswap_cli.text import as_flag, spell

if TYPE_CHECKING:
    from faceswap_cli.engine.outcome import SourcePicture

_SIZE = (320, 400)
"""To which the portraits are shrunk: faces of about 200 pixels."""


def _pictures() -> list[SourcePicture]:
    import numpy as np
    from PIL import Image

    from faceswap_cli.engine.outcome import SourcePicture
    from faceswap_cli.jobs.portraits import open_portrait

    pictures = []
    for name in ("woman", "man"):
        with open_portrait(name) as file, Image.open(file) as picture:
            pictures.append(SourcePicture(name, np.asarray(picture.convert("RGB").resize(_SIZE))))
    return pictures


def _try(name: EngineName, options: DoctorOptions) -> Iterator[Check]:
    """Swap one face."""
    import numpy as np

    from faceswap_cli.jobs.backend import open_backend

    began = time.perf_counter()
    backend = open_backend(EngineOptions(engine=name, restore=RestoreOptions(if_available=name is EngineName.NEURAL),
                                         models_folder=options.models_folder))
    woman, man = _pictures()
    source = backend.prepare_source([woman])
    plan = backend.plan(source, man.pixels)
    swapped = backend.render(plan, man.pixels)
    seconds = time.perf_counter() - began
    if plan.swapped != 1 or np.array_equal(swapped, man.pixels):
        yield fail(name.value, f"finds {plan.found} faces in a portrait with one, and swaps {plan.swapped}",
                   "faceswap models verify" if name is EngineName.NEURAL
                   else "pip install --force-reinstall dlib-bin face-recognition-models")
        return
    parts = backend.parts
    provider = f" on {parts['provider']}" if parts["provider"] else ""
    yield ok(name.value, f"finds a face and swaps it{provider} ({seconds:.1f} s, with loading)",
             **parts, seconds=round(seconds, 3))
    for text in backend.late_notes:
        yield note(f"{name.value} note", spell(text, as_flag))


def _weights(options: DoctorOptions) -> Iterator[Check]:
    """Dlib's models, each opened: those of the analyser, and the built-in detector."""
    from faceswap_cli.engine.analysers import dlib_weights

    models = {"detector": dlib_weights.FRONTAL_DETECTOR, "landmarks": dlib_weights.LANDMARK_PREDICTOR,
              "second detector": dlib_weights.CNN_DETECTOR, "descriptor": dlib_weights.DESCRIPTOR_NETWORK}
    for model in models.values():
        model.get()
    yield ok("weights", f"dlib's {len(models)} models open", folder=str(dlib_weights.weights_folder()))


def _embedded(options: DoctorOptions) -> Iterator[Check]:
    yield from _try(EngineName.EMBEDDED, options)


def _neural(options: DoctorOptions) -> Iterator[Check]:
    """Opening its models takes seconds, so it is only tried when models are to be read anyway."""
    from faceswap_cli.engine.neural import FULL_SET, has_full_set, models_folder

    store = models_folder(EngineOptions(models_folder=options.models_folder))
    if not has_full_set(store):
        yield note("neural", "its models are not installed; the embedded engine works without",
                   f"faceswap models pull {FULL_SET} --accept-license", installed=False)
    elif not options.verify:
        yield ok("neural", "its models are installed (--verify tries them)", installed=True)
    else:
        try:
            yield from _try(EngineName.NEURAL, options)
        except MissingDependencyError as error:
            yield warn("neural", reason_of(error), "add --provider cpu", installed=True)
        except FaceswapError as error:
            yield fail("neural", reason_of(error), "faceswap models verify", installed=True)


LOOKS: dict[str, Look] = {"weights": _weights, "embedded": _embedded, "neural": _neural}
