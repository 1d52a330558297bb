"""Our options as parameters of the API."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import Any

from faceswap_cli.errors import UsageError
from faceswap_cli.facts import Option, Refusal, fields, given
from faceswap_cli.models.catalogue import CATALOGUE, find_spec
from faceswap_cli.options import ALL, EngineOptions, MediaFormat, MediaOptions
from faceswap_cli.segmind.fields import ChoiceField, IndexField
from faceswap_cli.segmind.schema import IMAGE_FORMATS, FaceswapperRequest, FaceswapV3Request
from faceswap_cli.text import opt

_STILL = {row.name: row for row in FaceswapV3Request.fields}


def still_request(source: str, target: str, engine: EngineOptions, media: MediaOptions, *,
                  written_as: MediaFormat | None = None, base64: bool = False) -> FaceswapV3Request:
    """The request that swaps faces of a still. Of the options only what differs from our defaults is sent.

    Args:
        source: URI of the picture of the face to put on.
        target: URI of the picture to change.
        engine: Selection, detector and restorer; what runs locally is not looked at.
        media: Quality and format.
        written_as: The format that the command fixes by the name of its output; `media.image_format` goes first. What
            the API does not write is asked for as PNG, from which nothing is lost, and is the caller's to convert.
        base64: Ask for text instead of bytes.

    Raises:
        UsageError: An option that the API has no parameter for.
    """
    wanted = media.image_format or written_as
    if wanted is not None and wanted not in IMAGE_FORMATS:
        wanted = MediaFormat.PNG
    media = replace(media, image_format=wanted)
    check_options(engine, media, fallback=True)
    body: dict[str, Any] = {"source_img": source, "target_img": target} | ({"base64": True} if base64 else {})
    for options in (engine, media):
        body |= {one.facts.api: _parameter(one, one.of(options)) for one in given(options) if one.facts.api}
    return FaceswapV3Request.parse(body)


def animation_request(source: str, target: str, engine: EngineOptions, *,
                      file_type: str | None = None) -> FaceswapperRequest:
    """The request that swaps faces of an animation.

    Args:
        source: URI of the picture of the face to put on.
        target: URI of the animation to change.
        engine: `restore.if_available`, which is on for animations, is the API's own default; without it and without a
            model the API is told not to restore.
        file_type: The kind of the target, such as `gif`.

    Raises:
        UsageError: An option that the API has no parameter for, which are nearly all.
    """
    check_options(engine, fallback=True)
    for one in given(engine):
        if one.facts.api and not one.facts.animations_api:
            raise UsageError(f"{opt(one.facts.given)} cannot be used with {opt('remote')}: the API has no parameter "
                             "for it for animations", advice="leave one of the two out")
    body: dict[str, Any] = {"input_face_image": source, "target_face_image": target}
    defaults = {row.name: row.default for row in FaceswapperRequest.fields}
    body |= {name: one.of(engine) for one in fields(EngineOptions)
             if (name := one.facts.animations_api) and one.of(engine) != defaults[name]}
    if file_type is not None:
        body["file_type"] = file_type
    return FaceswapperRequest.parse(body)


def check_options(*records: object, fallback: bool) -> None:
    """Refuse what the API has no parameter for and is not done here with its result.

    Args:
        records: The options.
        fallback: What only runs the engine of this machine is for a fallback.

    Raises:
        UsageError: Such an option; names it.
    """
    allowed = {Refusal.NEVER, Refusal.ENGINE} if fallback else {Refusal.NEVER}
    for options in records:
        for one in given(options):
            if not one.facts.api and one.facts.remote not in allowed:
                value = one.of(options) if one.facts.remote is Refusal.NO_FACE else ""
                raise one.facts.remote.refusal(one.facts.given, value)


def our_word(parameter: str, word: str) -> str:
    """The API's word for a value, in our words; other words stay."""
    row = _STILL[parameter]
    if not isinstance(row, ChoiceField) or word not in row.choices:
        return word
    return next((spec.id for spec in CATALOGUE if word in spec.aliases), word.lower())


def _parameter(one: Option, value: Any) -> Any:
    """A value as the API spells it."""
    row, flag = _STILL[one.facts.api], one.facts.flag
    if isinstance(row, IndexField):
        if value == ALL:
            raise UsageError(f"{opt(flag, ALL)} cannot be used with {opt('remote')}: the API takes numbers",
                             advice="list them, such as 0,1,2")
        return ",".join(map(str, value))
    if not isinstance(row, ChoiceField):
        return value
    ours = value if isinstance(value, StrEnum) else find_spec(value).id  # a model has several names
    spelled = next((word for word in row.choices if our_word(row.name, word) == ours), None)
    if spelled is None:
        raise UsageError(f"{opt(flag, value)} cannot be used with {opt('remote')}",
                         advice=f"the API has {', '.join(row.choices)}")
    return spelled
