"""The scripted interviewer of ``stock.py`` with Adjourn's agent package: the three lines of its documentation.

``ADJOURN_WITH`` knows besides: ``stays``: the job does not end with its session, although the package asks for it; ``marker-lost``: the end marker does
not arrive.
"""

from __future__ import annotations

import adjourn_agent
import stock
from livekit.agents import AgentSession, JobContext, cli

server = stock.new_server()


@server.rtc_session(agent_name="interviewer", on_session_end=adjourn_agent.session_end)
async def interview(ctx: JobContext) -> None:
    def attach(session: AgentSession) -> None:
        if "stays" in stock.WITH:
            ctx.shutdown = lambda reason="": None  # type: ignore[method-assign]
        adjourn_agent.attach(ctx, session, on_session_end=stock.session_end)
        if "marker-lost" in stock.WITH:
            # Once it is in the room.
            session.on("agent_state_changed", lambda _: stock.lose_marker(ctx))

    said = await adjourn_agent.history(ctx)
    if adjourn_agent.replaces(ctx) is not None:
        # It goes on where the one before it was: a model does so by itself, once it has the conversation. What became of that
        # one does not become of this one.
        stock.TOOLS.clear()
        stock.log("history", turns=len(said.items), last=said.items[-1].text_content if said.items else None)
    await stock.run(ctx, attach, said)


if __name__ == "__main__":
    stock.give_way(0)
    cli.run_app(server)
