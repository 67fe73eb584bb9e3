"""An interviewer's report always arrives, and its end is said.

Three lines in a livekit-agents worker::

    import adjourn_agent

    @server.rtc_session(agent_name="interviewer", on_session_end=adjourn_agent.session_end)
    async def entrypoint(ctx: JobContext) -> None:
        session = AgentSession(...)
        adjourn_agent.attach(ctx, session)
        await session.start(...)

What comes in: the job's metadata (where to report, with a token for this interview only), the session's events.
What goes out: each turn as it is said, the report when the session closes, the word "it is over" to the candidate's
client. What never happens here: an exception that reaches the interview; a report that is dropped while the disk
can be written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._spool import Spool
from ._target import Target

if TYPE_CHECKING:
    from ._attach import attach, judge, session_end
    from ._history import history, replaces

__all__ = ["Spool", "Target", "attach", "history", "judge", "replaces", "session_end"]


def __getattr__(name: str) -> Any:
    # Only what runs in a job needs livekit-agents, which takes a second and 150 MB: the sentinel needs neither.
    if name in ("attach", "judge", "session_end"):
        from . import _attach

        return getattr(_attach, name)
    if name in ("history", "replaces"):
        from . import _history

        return getattr(_history, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
