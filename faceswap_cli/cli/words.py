"""The words of the API, taken for those of the command line: `--input-faces-index` is `--target-index`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

RESTORERS = {
    "codeformer-v0.1.0.pth": "codeformer",
    "GFPGANv1.4.pth": "gfpgan_1.4",
    "GFPGANv1.3.pth": "gfpgan_1.3",
}
"""The API's file names of restorers, and ours."""

SWAP_WORDS = {
    "--input-faces-index": "--target-index",
    "--source-faces-index": "--source-index",
    "--detect-gender-input": "--target-gender",
    "--detect-gender-source": "--source-gender",
    "--detection-face-order": "--order",
    "--face-restore": "--restore",
    "--face-restore-weight": "--restore-weight",
    "--facedetection": "--detector",
}
"""The API's words for the options of `swap`."""

BATCH_WORDS = SWAP_WORDS
"""The API's words for the options of `batch`."""

ANIMATION_WORDS = {name: word for name, word in SWAP_WORDS.items() if name != "--face-restore"} | {
    "--image-format": "--file-type",
}
"""The API's words for the options of `swap-gif`, where `--face-restore` is a switch of its own."""

DETECT_WORDS = {
    "--facedetection": "--detector",
    "--detection-face-order": "--order",
}
"""The API's words for the options of `detect`."""

_VALUES: Mapping[str, Mapping[str, str]] = {
    "--restore": RESTORERS,
    "--interpolation": {"Nearest": "nearest", "Bilinear": "bilinear", "Bicubic": "bicubic", "Lanczos": "lanczos"},
    "--image-format": {"jpg": "jpeg", "tif": "tiff"},
    "--file-type": {"png": "apng"},
}


def translate(arguments: list[str], words: Mapping[str, str]) -> list[str]:
    """The arguments in the words of the command line.

    Names may be written with underscores, as the API writes them. Values are translated for the options that have
    other names for them. What follows `--` is left alone.

    Args:
        arguments: What follows the command's name.
        words: The API's name of an option and ours.
    """
    return list(_translated(arguments, words))


def _translated(arguments: list[str], words: Mapping[str, str]) -> Iterator[str]:
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            yield argument
            yield from rest
            return
        if not argument.startswith("--"):
            yield argument
            continue
        spelled, equals, value = argument.partition("=")
        name = spelled.replace("_", "-")
        name = words.get(name, name)
        values = _VALUES.get(name, {})
        if equals:
            yield f"{name}={values.get(value, value)}"
        else:
            yield name
            if values:
                yield from (values.get(value, value) for value in _next(rest))


def _next(rest: Iterator[str]) -> Iterator[str]:
    """The next argument, if there is one."""
    for argument in rest:
        yield argument
        return
