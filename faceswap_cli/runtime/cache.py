"""The folder for what can be made again: graphs rewritten for this machine, engines that a provider builds."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER_VARIABLE = "FACESWAP_CACHE_DIR"


def cache_folder() -> Path:
    """The user's cache folder, which may not exist yet: `FACESWAP_CACHE_DIR`, else the platform's."""
    import platformdirs  # not needed before a model is opened

    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named) if named else Path(platformdirs.user_cache_dir("faceswap", appauthor=False))
