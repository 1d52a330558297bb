"""The kinds of fields that a request has: each reads a JSON value and says, in one line, what it would take."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Any

from faceswap_cli.errors import UsageError

_LIST = re.compile(r"\s*[0-9]{1,9}\s*(,\s*[0-9]{1,9}\s*)*", re.ASCII)


class FieldError(UsageError):
    """A field that is missing or has a value that the API does not take: status 400 on a server.

    Attributes:
        field: Its name; empty where the body as a whole is wrong.
    """

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class _Required(Enum):
    REQUIRED = 0


REQUIRED = _Required.REQUIRED
"""The default of a field that has none."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a request.

    Attributes:
        name: As in the JSON object.
        default: What a server takes when it is not given; `REQUIRED`: it must be.
        about: What it is, for the page that describes the API.
    """

    name: str
    default: Any
    about: str

    def read(self, value: object) -> Any:
        """The checked value.

        Args:
            value: As JSON gave it; not null.

        Raises:
            FieldError: It is not what the API takes.
        """
        raise self.wrong()

    def takes(self) -> str:
        """What the field takes, after `must be`."""
        raise AssertionError("every kind of field says what it takes")

    def schema(self) -> dict[str, object]:
        """The JSON Schema of the field, with its default."""
        schema: dict[str, object] = {"description": self.about, **self._type()}
        if self.default is not REQUIRED:
            schema["default"] = self.default
        return schema

    def wrong(self) -> FieldError:
        """The error about a bad value. It does not repeat the value, which may be a whole picture."""
        return FieldError(f"{self.name} must be {self.takes()}", self.name)

    def _type(self) -> dict[str, object]:
        return {}


class TextField(Field):
    """A word of an open set."""

    __slots__ = ()

    def read(self, value: object) -> str:
        """Not empty, and text that can be sent."""
        if not isinstance(value, str) or not value.strip() or not _can_be_sent(value):
            raise self.wrong()
        return value.strip()

    def takes(self) -> str:
        """Some text."""
        return "a string that is not empty"

    def _type(self) -> dict[str, object]:
        return {"type": "string", "minLength": 1}


class PictureField(TextField):
    """A picture: an address, or its bytes as text; whether it leads to one is seen when it is fetched."""

    __slots__ = ()

    def takes(self) -> str:
        """An address or bytes as text."""
        return "a string: an http, https or data URI, or base64"

    def _type(self) -> dict[str, object]:
        return {"type": "string", "format": "uri", "minLength": 1}


class SwitchField(Field):
    """A boolean."""

    __slots__ = ()

    def read(self, value: object) -> bool:
        """JSON's own booleans only."""
        if not isinstance(value, bool):
            raise self.wrong()
        return value

    def takes(self) -> str:
        """Both of them."""
        return "true or false"

    def _type(self) -> dict[str, object]:
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class ChoiceField(Field):
    """One of a few words, case-sensitive."""

    choices: tuple[str, ...]

    def read(self, value: object) -> str:
        """The word as it is."""
        if not isinstance(value, str) or value not in self.choices:
            raise self.wrong()
        return value

    def takes(self) -> str:
        """The words."""
        return f"one of {', '.join(self.choices)}"

    def _type(self) -> dict[str, object]:
        return {"type": "string", "enum": list(self.choices)}


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberField(Field):
    """A number within bounds, both included."""

    low: float
    high: float

    def read(self, value: object) -> float:
        """An integer will do; a boolean, which Python takes for one, will not."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not self.low <= value <= self.high:
            raise self.wrong()
        return float(value)

    def takes(self) -> str:
        """The bounds."""
        return f"a number from {self.low:g} to {self.high:g}"

    def _type(self) -> dict[str, object]:
        return {"type": "number", "minimum": self.low, "maximum": self.high}


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegerField(Field):
    """A whole number within bounds, both included."""

    low: int
    high: int

    def read(self, value: object) -> int:
        """`95.0` is a whole number in JSON, which knows only one kind of numbers."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not self.low <= value <= self.high:
            raise self.wrong()
        if value != int(value):
            raise self.wrong()
        return int(value)

    def takes(self) -> str:
        """The bounds."""
        return f"an integer from {self.low} to {self.high}"

    def _type(self) -> dict[str, object]:
        return {"type": "integer", "minimum": self.low, "maximum": self.high}


class IndexField(Field):
    """Face numbers."""

    __slots__ = ()

    def read(self, value: object) -> str:
        """A list as text; a bare integer too, since public clients send one."""
        text = str(value) if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9 else value
        if not isinstance(text, str) or not is_index_list(text):
            raise self.wrong()
        return text

    def takes(self) -> str:
        """The grammar, by example."""
        return "face numbers from 0 with commas between them, such as 0 or 0,2"

    def _type(self) -> dict[str, object]:
        return {"type": "string", "pattern": r"^\s*\d+\s*(,\s*\d+\s*)*$"}


def read_fields(fields: tuple[Field, ...], body: object) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The checked values of a JSON object.

    Args:
        fields: Those that the request has.
        body: The object; null means "not given".

    Returns:
        Values by name, of the fields given only; names that are not known, as they should be logged.

    Raises:
        FieldError: Names the first field that is wrong, in the order of `fields`.
    """
    if not isinstance(body, dict):
        raise FieldError("the body must be a JSON object")
    values = {}
    for field in fields:
        value = body.get(field.name)
        if value is not None:
            values[field.name] = field.read(value)
        elif field.default is REQUIRED:
            raise FieldError(f"{field.name} is required", field.name)
    known = {field.name for field in fields}
    return values, tuple(_shown(name) for name in body if name not in known)


def _can_be_sent(text: str) -> bool:
    """Whether the text has no halves of characters, which JSON can write and nothing can encode."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(name: str) -> str:
    text = "".join(char if char.isprintable() else "?" for char in name[:40])
    return text + "..." if len(name) > 40 else text


def is_index_list(text: str) -> bool:
    """Whether the text is an index list; numbers of more than nine digits are none."""
    return _LIST.fullmatch(text) is not None


def read_index_list(text: str) -> tuple[int, ...]:
    """The numbers of an index list, in the order given, repeats included.

    Args:
        text: For which `is_index_list` holds.
    """
    return tuple(int(entry) for entry in text.split(","))
