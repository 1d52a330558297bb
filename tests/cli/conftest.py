"""The command line is tested as a user has it: a process with streams, an exit code and files."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import BLUE, scene
from faulty_site import Site
from PIL import Image as PILImage
from places import Place, furnish
from stand_ins import Models


@pytest.fixture
def place(tmp_path) -> Place:
    """As `furnish` makes it."""
    return furnish(tmp_path)


@pytest.fixture
def dance(place) -> Path:
    """dance.gif: twenty frames, a blue square that moves right; the first is empty."""
    frames = [PILImage.fromarray(scene(*([(2 * n, 10, 14, BLUE)] if n else []))) for n in range(20)]
    frames[0].save(place / "dance.gif", save_all=True, append_images=frames[1:], duration=[40, 70] * 10, loop=0)
    return place / "dance.gif"


@pytest.fixture
def models(tmp_path, monkeypatch) -> Iterator[Models]:
    """A folder for models that is not there yet, and a site that has stand-ins for them."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "FACESWAP_OFFLINE", "FACESWAP_MODELS_MIRROR",
                 "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    with Site() as site:
        thread = threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        place = Models(tmp_path, site)
        monkeypatch.setenv("FACESWAP_MODELS_DIR", str(place.folder))
        yield place
        site.stop.set()
        site.shutdown()
        thread.join()


@pytest.fixture
def film(place) -> Path:
    """film.mp4: six seconds, five frames a second, a blue square that moves right."""
    import av

    with av.open(str(place / "film.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=5, options={"crf": "1"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv444p"
        for n in range(30):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(scene((n, 10, 14, BLUE)), format="rgb24")))
        container.mux(stream.encode())
    return place / "film.mp4"
