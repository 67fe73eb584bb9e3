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

from ._attach import attach, judge, session_end
from ._spool import Spool
from ._target import Target

__all__ = ["Spool", "Target", "attach", "judge", "session_end"]
