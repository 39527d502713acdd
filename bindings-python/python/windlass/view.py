"""What is read from wire records."""

from __future__ import annotations

import datetime as dt
from typing import Any

from windlass import _forms

Record = dict[str, Any]


class View:
    """Something read from a wire record; `record` is the record itself."""

    __slots__ = ("record",)
    _shown: tuple[str, ...] = ()

    def __init__(self, record: Record) -> None:
        self.record = record

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.record == getattr(other, "record", None)

    def __hash__(self) -> int:
        return hash(tuple(str(self.record.get(key)) for key in self._shown))

    def __repr__(self) -> str:
        shown = ", ".join(f"{key}={self.record.get(key)!r}" for key in self._shown)
        return f"{type(self).__name__}({shown})"

    def _instant(self, key: str) -> dt.datetime | None:
        text = self.record.get(key)
        return None if text is None else _forms.instant(text)
