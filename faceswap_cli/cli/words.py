"""The words of the API, taken for those of the command line: `--input-faces-index` is `--target-index`."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from faceswap_cli.facts import fields
from faceswap_cli.options import EngineOptions, MediaOptions

_API = {one.facts.flag: one.facts.api for record in (EngineOptions, MediaOptions) for one in fields(record)
        if one.facts.api}

API_WORDS = {word: flag for flag, api in _API.items() if (word := f"--{api.replace('_', '-')}") != flag}
"""The API's words for options that it calls otherwise."""

_VALUES = {"--image-format": {"jpg": "jpeg", "tif": "tiff"}, "--file-type": {"png": "apng"}}


def translate(arguments: list[str], known: Collection[str] = ()) -> list[str]:
    """The arguments in the words of the command line.

    Names may be written with underscores, as the API writes them, and values as it spells them. What follows `--` is
    left alone.

    Args:
        arguments: What follows the command's name.
        known: Options of the command, with their dashes.
    """
    return list(_translated(arguments, known))


def translate_value(flag: str, value: str) -> str:
    """A value in the words of the command line."""
    if flag in _VALUES:
        return _VALUES[flag].get(value, value)
    if flag not in _API:
        return value
    from faceswap_cli.segmind.parameters import our_word

    return our_word(_API[flag], value)


def _translated(arguments: list[str], known: Collection[str]) -> Iterator[str]:
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
        if name not in known:
            ours = "--file-type" if name == "--image-format" else API_WORDS.get(name, "")
            name = ours if ours in known else name
        if equals:
            yield f"{name}={translate_value(name, value)}"
            continue
        yield name
        if (name in _VALUES or name in _API) and (following := next(rest, None)) is not None:
            yield translate_value(name, following)
