"""What the page at `/` asks for: `faceswap-v3`, and what that model's API has no words for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from faceswap_cli.segmind.fields import SwitchField
from faceswap_cli.segmind.schema import AnyRequest, FaceswapV3Request, Slug, parse_request

PAGE = "page"
"""In the place of a model's name, for requests of the page."""


@dataclass(frozen=True, slots=True)
class PageRequest(FaceswapV3Request):
    """A request of the page. Its target may be an animation, which keeps its format.

    Attributes:
        restore: Whether swapped faces are restored; the API can choose by what, but not leave it out.
    """

    restore: bool

    fields = (*FaceswapV3Request.fields, SwitchField("restore", True, "restore the swapped faces"))


def read_stored(name: str, body: Any) -> AnyRequest:
    """A request that was accepted, by the name under which it is stored."""
    return PageRequest.parse(body) if name == PAGE else parse_request(Slug(name), body)
