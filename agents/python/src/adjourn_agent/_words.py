"""JSON that every reader takes, whatever the user's code or a model put into it."""

from __future__ import annotations

import json
import math
from typing import Any

DEEPEST = 100
"""Levels; what lies deeper is told as text."""


def readable(text: str) -> str:
    """Without halves of characters: a model that is cut off in the middle of an emoji leaves one."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def plain(value: Any, level: int = 0) -> Any:
    """What JSON can say of a value: numbers that are none become ``None``, everything else its text."""
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, str):
        return readable(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if level < DEEPEST:
        if isinstance(value, dict):
            return {readable(str(key)): plain(inner, level + 1) for key, inner in value.items()}
        if isinstance(value, (list, tuple, set, frozenset)):
            return [plain(inner, level + 1) for inner in value]
    try:
        return readable(str(value))
    except Exception:
        return f"<{type(value).__name__}>"


def body(record: dict[str, Any]) -> str:
    """A record as it is sent."""
    return json.dumps(plain(record), ensure_ascii=False, allow_nan=False)
