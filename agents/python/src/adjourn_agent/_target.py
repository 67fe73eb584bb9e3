"""Where a job reports: from the metadata that the backend gave to its dispatch."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

logger = logging.getLogger("adjourn_agent")

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Target:
    """One interview's backend, and the right to report to it."""

    url: str
    """``https://…`` (or ``http://`` on loopback), without a slash at the end."""
    interview_id: str
    attempt: int
    token: str = field(repr=False)
    replaces: str | None = None
    """Identity of the interviewer in whose place this job was sent."""
    history: str | None = None
    """Where what was said before it can be read."""

    @staticmethod
    def of(metadata: str) -> Target | None:
        """Reads a job's metadata; ``None``, with one warning that says why, if there is nothing to report to."""
        try:
            given = json.loads(metadata) if metadata else {}
            url = str(given["report_url"]).rstrip("/")
            target = Target(
                url,
                str(given["interview_id"]),
                int(given["attempt"]),
                str(given["report_token"]),
                given.get("replaces"),
                given.get("history_url"),
            )
            parts = urlsplit(target.url)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
            logger.warning(
                "this job's metadata has no report_url, interview_id, attempt and report_token: nothing will be reported; "
                "dispatch the agent through the Adjourn backend"
            )
            return None
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
            logger.warning("report_url is %s: only https is used (http on loopback); nothing will be reported", parts.scheme)
            return None
        # The token goes there: nowhere else than to the backend itself.
        if target.history is not None and not str(target.history).startswith(target.url + "/"):
            logger.warning("history_url is not below report_url: what was said before is not read")
            return replace(target, history=None)
        return target

    def record(self, source: str) -> str:
        """Address of a record of this attempt."""
        return f"{self.url}/v1/interviews/{self.interview_id}/attempts/{self.attempt}/records/{source}"
