"""What the page at `/` asks for: `faceswap-v3`, and what that model's API has no words for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from faceswap_cli.segmind.fields import SwitchField
from faceswap_cli.segmind.schema import AnyRequest, FaceswapV3Request, Slug, parse_request

PAGE = "page"
"""In the place of a model's name, for requests of the page."""

_RESTORE = SwitchField("restore", True, "restore the swapped faces")


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A request of the page.

    Attributes:
        swap: What is asked for. Its target may be an animation, which keeps its format.
        restore: Whether swapped faces are restored; the API can choose by what, but not leave it out.
    """

    swap: FaceswapV3Request
    restore: bool

    @classmethod
    def parse(cls, body: dict[str, Any]) -> PageRequest:
        """The request of a JSON object: the fields of `faceswap-v3` and `restore`, a boolean.

        Raises:
            FieldError: A field is missing or wrong.
        """
        restore = body.get(_RESTORE.name)
        return cls(FaceswapV3Request.parse(body), _RESTORE.default if restore is None else _RESTORE.read(restore))

    def to_json(self) -> dict[str, Any]:
        """The JSON object."""
        return self.swap.to_json() | {_RESTORE.name: self.restore}


def read_stored(name: str, body: dict[str, Any]) -> AnyRequest | PageRequest:
    """A request that was accepted, by the name under which it is stored."""
    return PageRequest.parse(body) if name == PAGE else parse_request(Slug(name), body)
