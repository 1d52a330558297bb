"""The words of the API, taken for those of the command line: `--input-faces-index` is `--target-index`."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from faceswap_cli.cli.options.declare import FACTS

API_WORDS = {f"--{facts.api.replace('_', '-')}": facts.flag for facts in FACTS.values()
             if facts.api and facts.api.replace("_", "-") != facts.key}
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
    if not (parameter := _parameter(flag)):
        return value
    from faceswap_cli.segmind.parameters import our_word

    return our_word(parameter, value)


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
        if (name in _VALUES or _parameter(name)) and (following := next(rest, None)) is not None:
            yield translate_value(name, following)


def _parameter(flag: str) -> str:
    """The API's name of an option; empty: it has none."""
    facts = FACTS.get(flag.lstrip("-"))
    return "" if facts is None else facts.api
