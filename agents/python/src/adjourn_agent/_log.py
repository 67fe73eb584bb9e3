"""What the sentinel says: lines of JSON, each with the interview that it is about, by the names that client and backend have for it."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timezone

_RECORD = re.compile(r"/v1/interviews/([^/]+)/attempts/(\d+)/records/agent:([^/]+)$")
_ids: ContextVar[dict[str, str | int]] = ContextVar("ids", default={})


@contextmanager
def about(address: str) -> Iterator[None]:
    """What is said meanwhile is about the interview, the attempt and the job that a record's address names."""
    found = _RECORD.search(address)
    ids: dict[str, str | int] = (
        {} if found is None else {"interview_id": found[1], "attempt": int(found[2]), "job": found[3]}
    )
    token = _ids.set(ids)
    try:
        yield
    finally:
        _ids.reset(token)


class JsonLines(logging.Formatter):
    """One object a line; its time, level and message have livekit-agents' names."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, timezone.utc).isoformat()
        line = {"timestamp": at, "level": record.levelname, "message": record.getMessage(), **_ids.get()}
        if record.exc_info:
            line["exc_info"] = self.formatException(record.exc_info)
        return json.dumps(line)
