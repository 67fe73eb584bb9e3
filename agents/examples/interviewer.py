"""The interviewer that this project began with, and the three lines that end it well.

It says goodbye, closes its session, and (without those lines) stays in the room, silent; ``on_session_end`` does not run
before the candidate gives up. Models are named as LiveKit Inference names them: run it with your own project's keys.
"""

from __future__ import annotations

import adjourn_agent  # 1
from livekit.agents import Agent, AgentServer, AgentSession, JobContext, RunContext, cli, function_tool
from livekit.agents.voice.room_io import RoomOptions

server = AgentServer()


class Interviewer(Agent):
    def __init__(self) -> None:
        super().__init__(
            instructions=(
                "You interview a candidate. Ask three questions, one at a time. When you have the answers, say "
                '"Thank you for your time. Goodbye!" and call end_interview.'
            )
        )

    async def on_enter(self) -> None:
        self.session.generate_reply()

    @function_tool
    async def end_interview(self, context: RunContext) -> None:
        """Called when the interview is complete."""
        context.session.shutdown(drain=True)


@server.rtc_session(agent_name="interviewer", on_session_end=adjourn_agent.session_end)  # 2
async def interview(ctx: JobContext) -> None:
    session: AgentSession[None] = AgentSession(
        stt="deepgram/nova-3", llm="openai/gpt-4.1-mini", tts="cartesia/sonic-3"
    )
    adjourn_agent.attach(ctx, session)  # 3
    await session.start(Interviewer(), room=ctx.room, room_options=RoomOptions(delete_room_on_close=False))


if __name__ == "__main__":
    cli.run_app(server)
