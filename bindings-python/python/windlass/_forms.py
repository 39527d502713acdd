"""The one JSON form of each Python value, both ways.

| Python | JSON |
| --- | --- |
| `dict` with text keys, `list`, `str`, `int`, `float`, `bool`, `None` | themselves |
| `tuple`, `set`, `frozenset` | array |
| dataclass, Pydantic model | object |
| aware `datetime` | RFC 3339 text; UTC is written `Z` |
| `date`, `time` | ISO 8601 text |
| `timedelta` | number of seconds |
| `Decimal` | text |
| `UUID`, `pathlib` path | text |
| `Enum` | its value |
| `bytes` | base64 text |

NaN, infinities, naive datetimes and everything else are refused. The way back is taken where an
annotation asks for it; without one a handler gets what JSON has.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import decimal
import enum
import json
import json.scanner
import pathlib
import types
import typing
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Union, get_args, get_origin

from windlass.errors import InvalidPayloadError

Rebuild = Callable[[Any], Any]


def _plain(value: Any) -> Any:
    """The plainer value that stands for `value`: for what the encoder does not know."""
    if isinstance(value, dt.datetime):
        if value.tzinfo is None:
            raise TypeError(f"{value!r} has no time zone")
        text = value.isoformat()
        return text[:-6] + "Z" if text.endswith("+00:00") else text
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, decimal.Decimal):
        if not value.is_finite():
            raise ValueError(f"{value!r} is not a finite number")
        return str(value)
    if isinstance(value, (uuid.UUID, pathlib.PurePath)):
        return str(value)
    if isinstance(value, (set, frozenset)):
        return list(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(value).decode("ascii")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if hasattr(value, "model_dump") and not isinstance(value, type):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__module__}.{type(value).__qualname__} has no JSON form")


_encode = json.JSONEncoder(
    allow_nan=False, ensure_ascii=False, separators=(",", ":"), default=_plain
).encode


def encode(field: str, value: Any) -> str:
    """The JSON text of `value`; `InvalidPayloadError` names `field` when it has none."""
    if value is None:
        return "null"
    try:
        text = _encode(value)
        if not text.isascii():
            text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        reason = "is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise _invalid(field, reason) from error
    return text


# The stubs take what `make_scanner` gives for what it takes.
_scan = json.scanner.make_scanner(json.JSONDecoder())  # type: ignore[arg-type]


def decode(text: str) -> Any:
    """The value of JSON text that native code has checked."""
    try:
        # The scanner alone: two searches for white space around it are most of what `loads` costs.
        return _scan(text, 0)[0]
    except StopIteration:
        return json.loads(text)


def _invalid(field: str, reason: str) -> InvalidPayloadError:
    return InvalidPayloadError(
        f"{field} is not valid: {reason}", fields={"field": field, "reason": reason}
    )


def seconds(value: Any) -> Any:
    """A duration as a number of seconds; what is none is left for core to refuse."""
    return value.total_seconds() if isinstance(value, dt.timedelta) else value


def instant(text: str) -> dt.datetime:
    """The aware datetime of RFC 3339 text."""
    # Python 3.10 does not read the Z.
    at = dt.datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith("Z") else text)
    if at.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return at


_SCALARS: dict[Any, Rebuild] = {
    dt.datetime: instant,
    dt.date: dt.date.fromisoformat,
    dt.time: dt.time.fromisoformat,
    dt.timedelta: lambda value: dt.timedelta(seconds=value),
    decimal.Decimal: lambda value: decimal.Decimal(str(value)),
    uuid.UUID: uuid.UUID,
    bytes: lambda value: base64.b64decode(value, validate=True),
}
_SEQUENCES = (list, set, frozenset)
_JSON_TYPES: dict[Any, tuple[type, ...]] = {
    int: (int,),
    float: (int, float),
    str: (str,),
    bool: (bool,),
    dict: (dict,),
    list: (list,),
}


def rebuild(annotation: Any) -> Rebuild | None:
    """How a JSON value becomes what `annotation` asks for; `None` when it is that already."""
    annotation = getattr(annotation, "__supertype__", annotation)
    if annotation in _SCALARS if isinstance(annotation, type) else False:
        return _SCALARS[annotation]
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is typing.Annotated:
        return rebuild(args[0])
    if origin in (Union, types.UnionType):
        return _union(args)
    if isinstance(origin, type):
        return _container(origin, args)
    if not isinstance(annotation, type):
        return None
    if issubclass(annotation, enum.Enum) or issubclass(annotation, pathlib.PurePath):
        return annotation
    if hasattr(annotation, "model_validate"):
        validate: Rebuild = annotation.model_validate
        return validate
    if dataclasses.is_dataclass(annotation):
        return _Fields(annotation)
    if annotation in (set, frozenset, tuple):
        return annotation
    return None


def _union(members: tuple[Any, ...]) -> Rebuild | None:
    ways = [(member, rebuild(member)) for member in members if member is not type(None)]
    if all(way is None for _, way in ways):
        return None

    def first(value: Any) -> Any:
        if value is None and type(None) in members:
            return None
        problem: Exception | None = None
        for member, way in ways:
            if way is None:
                kinds = _JSON_TYPES.get(get_origin(member) or member)
                if kinds is None or type(value) in kinds:
                    return value
                continue
            try:
                return way(value)
            except Exception as error:
                problem = problem or error
        raise problem or ValueError(f"{value!r} fits none of {members}")

    return first


def _container(origin: type, args: tuple[Any, ...]) -> Rebuild | None:
    ways = [rebuild(arg) for arg in args]
    if origin is tuple:
        if len(args) == 2 and args[1] is Ellipsis:
            return _each(tuple, ways[0])
        return lambda value: tuple(
            item if way is None else way(item) for item, way in zip(value, ways, strict=True)
        )
    if issubclass(origin, Mapping):
        way = ways[1] if len(ways) == 2 else None
        if way is None:
            return None
        return lambda value: {key: way(item) for key, item in value.items()}
    if origin in (set, frozenset):
        return _each(origin, ways[0])
    if origin is list or hasattr(origin, "__iter__"):
        return _each(list, ways[0]) if ways and ways[0] is not None else None
    return None


def _each(kind: Callable[[Any], Any], way: Rebuild | None) -> Rebuild:
    if way is None:
        return kind
    return lambda value: kind([way(item) for item in value])


class _Fields:
    """Rebuilds a dataclass. Its fields are looked at when first needed: it may contain itself."""

    def __init__(self, kind: type) -> None:
        self.kind = kind
        self.ways: dict[str, Rebuild | None] | None = None

    def __call__(self, value: Any) -> Any:
        if not isinstance(value, dict):
            raise TypeError(f"{self.kind.__qualname__} needs an object, not {value!r:.40}")
        if self.ways is None:
            hints = typing.get_type_hints(self.kind)
            self.ways = {
                field.name: rebuild(hints.get(field.name))
                for field in dataclasses.fields(self.kind)
                if field.init
            }
        ways = self.ways
        return self.kind(
            **{
                key: item if (way := ways.get(key)) is None or item is None else way(item)
                for key, item in value.items()
            }
        )
