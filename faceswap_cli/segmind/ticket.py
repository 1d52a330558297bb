"""What a client has to remember of an accepted request, to come back to it in another process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from faceswap_cli.segmind.schema import RETENTION, AnswerError


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """An accepted request. Holds no key and no picture.

    Attributes:
        slug: The model that was asked.
        request_id: Names the request.
        status_url: Where its state is asked for.
        response_url: Where its result is fetched.
        submitted_at: Seconds since 1970, when it was accepted.
    """

    slug: str
    request_id: str
    status_url: str
    response_url: str
    submitted_at: float

    def expired(self, now: float) -> bool:
        """Whether the API has, by its own account, forgotten the request.

        Args:
            now: Seconds since 1970.
        """
        return now - self.submitted_at >= RETENTION

    def to_json(self) -> dict[str, Any]:
        """The JSON object to write down."""
        return {"slug": self.slug, "request_id": self.request_id, "status_url": self.status_url,
                "response_url": self.response_url, "submitted_at": self.submitted_at}

    @classmethod
    def from_json(cls, body: object) -> Ticket:
        """What `to_json` gave.

        Raises:
            AnswerError: It is something else.
        """
        if not isinstance(body, dict):
            raise AnswerError("no ticket")
        texts = [body.get(name) for name in ("slug", "request_id", "status_url", "response_url")]
        slug, request_id, status_url, response_url = (text if isinstance(text, str) else "" for text in texts)
        at = body.get("submitted_at")
        if not (slug and request_id and status_url and response_url) or not isinstance(at, int | float):
            raise AnswerError("no ticket")
        return cls(slug=slug, request_id=request_id, status_url=status_url, response_url=response_url,
                   submitted_at=float(at))
