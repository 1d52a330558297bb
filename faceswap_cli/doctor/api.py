"""The remote API: whether there is a key, and whether the API answers and takes it. Starts no job."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from faceswap_cli.doctor.checks import Check, DoctorOptions, Look, fail, note, ok, parts_of
from faceswap_cli.errors import FaceswapError
from faceswap_cli.options import RemoteOptions

_SECONDS = 15.0


def _key_file(remote: RemoteOptions) -> Path | None:
    return None if remote.key_file is None else Path(remote.key_file).expanduser()


def _key(options: DoctorOptions) -> Iterator[Check]:
    """Whether there is a key; it is shown nowhere."""
    from faceswap_cli.segmind.address import Addresses, is_hosted
    from faceswap_cli.segmind.key import VARIABLE, default_key_file, load_key

    assert options.remote is not None
    try:
        key = load_key(_key_file(options.remote))
    except FaceswapError as error:
        yield fail("key", *parts_of(error), present=None)
        return
    if key is not None:
        yield ok("key", "there is one", present=True)
    elif is_hosted(Addresses.of(options.remote.base_url, options.remote.upload_url)):
        yield fail("key", "there is none", f"set {VARIABLE}, or write it to {default_key_file()} (mode 0600)",
                   present=False)
    else:
        yield note("key", "there is none, which a server of your own may not need", f"else set {VARIABLE}",
                   present=False)


def _reach(options: DoctorOptions) -> Iterator[Check]:
    """Whether the API answers."""
    from faceswap_cli.segmind.key import load_key
    from faceswap_cli.segmind.reach import reach

    remote = options.remote
    assert remote is not None
    try:
        key = load_key(_key_file(remote))
    except FaceswapError:
        return  # told above
    reached = reach(key, base_url=remote.base_url, upload_url=remote.upload_url, seconds=_SECONDS)
    yield ok("api", f"{reached.root} answers in {reached.seconds * 1000:.0f} ms"
             f"{'' if key is None else ', and does not refuse the key'}",
             root=reached.root, seconds=round(reached.seconds, 3))
    for text in reached.notes:
        yield note("api note", text)


LOOKS: dict[str, Look] = {"key": _key, "api": _reach}
