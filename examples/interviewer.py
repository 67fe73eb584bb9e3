"""An interviewer that reports: a stock livekit-agents worker, and three lines of ``adjourn_agent``.

    pip install ./agents/python livekit-agents
    LIVEKIT_URL=wss://… LIVEKIT_API_KEY=… LIVEKIT_API_SECRET=… python examples/interviewer.py start

It is dispatched by the backend: ``adjourn-backend invite --agent-name interviewer …``.
"""

from __future__ import annotations

from livekit.agents import Agent, AgentServer, AgentSession, JobContext, RunContext, cli, function_tool, llm

import adjourn_agent

server = AgentServer()


class Interviewer(Agent):
    """Asks three questions, then ends the interview. ``said``: what was said before, where it takes a lost one's place."""

    def __init__(self, said: llm.ChatContext) -> None:
        super().__init__(
            instructions="You interview a candidate for a job. Ask three questions, one at a time, and listen. "
            "Then thank the candidate, say goodbye and call end_interview.",
            chat_ctx=said,
        )
        self._goes_on = bool(said.items)

    async def on_enter(self) -> None:
        begin = "Greet the candidate and ask your first question."
        go_on = "The interviewer before you had a technical problem. Say so in one sentence, and go on where you were."
        self.session.generate_reply(instructions=go_on if self._goes_on else begin)

    @function_tool
    async def end_interview(self, context: RunContext[None]) -> None:
        """Ends the interview, after the goodbye."""
        # The goodbye is played to its end; what the candidate's client needs to know is told by the package.
        self.session.shutdown(drain=True)


async def judged(ctx: JobContext) -> None:
    """The report is on disk by now, and is sent after this."""
    adjourn_agent.judge(ctx, {"language": "fluent"})


@server.rtc_session(agent_name="interviewer", on_session_end=adjourn_agent.session_end)
async def interview(ctx: JobContext) -> None:
    session: AgentSession[None] = AgentSession(
        stt="deepgram/nova-3", llm="openai/gpt-4.1-mini", tts="cartesia/sonic-3"
    )
    adjourn_agent.attach(ctx, session, on_session_end=judged)
    said = await adjourn_agent.history(ctx)
    await session.start(agent=Interviewer(said), room=ctx.room)


if __name__ == "__main__":
    cli.run_app(server)
