"""What the sentinel's lines say."""

from __future__ import annotations

import json
import logging
import sys

from adjourn_agent._log import JsonLines, about


def line(message: str, *args: object, exc_info: object = None) -> dict[str, object]:
    record = logging.LogRecord("adjourn_agent", logging.WARNING, __file__, 1, message, args, exc_info)  # type: ignore[arg-type]
    said = JsonLines().format(record)
    assert "\n" not in said
    return dict(json.loads(said))


def test_a_line_names_the_interview_that_it_is_about() -> None:
    with about("https://b.example/v1/interviews/i/attempts/2/records/agent:AJ_1"):
        said = line("%s is gone", "agent-AJ_1")
    assert {"interview_id": "i", "attempt": 2, "job": "AJ_1", "level": "WARNING", "message": "agent-AJ_1 is gone"}.items() <= said.items()
    with about("https://elsewhere.example/"):
        assert "interview_id" not in line("x")
    assert "interview_id" not in line("x")
    try:
        raise ValueError("why")
    except ValueError:
        assert "ValueError: why" in str(line("x", exc_info=sys.exc_info())["exc_info"])
