"""The folder of saved faces, where there is one: whether each of them can be read."""

from __future__ import annotations

import os
from collections.abc import Iterator

from faceswap_cli.doctor.checks import Check, DoctorOptions, Look, ok, parts_of, warn
from faceswap_cli.errors import InputError


def _faces(options: DoctorOptions) -> Iterator[Check]:
    from faceswap_cli.library.files import read_summary
    from faceswap_cli.library.library import FOLDER_VARIABLE, Library

    library = Library()
    folder = library.folder
    if not folder.exists():
        return
    data = {"folder": str(folder)}
    if not os.access(folder, os.R_OK | os.X_OK):
        yield warn("folder", f"{folder} cannot be read", f"make it so, or name another one with {FOLDER_VARIABLE}",
                   **data)
        return
    names = library.names()
    damaged = []
    for name in names:
        try:
            read_summary(library.location(name), f"@{name}")
        except InputError as error:
            damaged.append(name)
            yield warn(name, *parts_of(error), **data)
    writable = "" if os.access(folder, os.W_OK) else ", which cannot be written"
    good = len(names) - len(damaged)
    yield ok("folder", f"{good} saved in {folder}{writable}", **data, faces=good)


LOOKS: dict[str, Look] = {"folder": _faces}
