"""A further participant of a test room: an agent, an avatar, a second candidate, or a forger.

Usage: actor.py (LIVEKIT_URL and ADJOURN_TOKEN in the environment); orders come as lines on standard
input, each is answered by one JSON line: ``join [ATTRIBUTE=VALUE ...]``, ``speak``, ``forge IDENTITY``,
``leave``.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import sys
import time

from livekit import rtc
from livekit.protocol import agent_pb

RATE = 48_000
TOPIC = "lk.agent.session"


def tell(event: str, **fields: object) -> None:
    print(json.dumps({"at": time.time(), "event": event, **fields}), flush=True)


async def speak(room: rtc.Room) -> None:
    """Publishes a track with a soft tone that never ends."""
    source = rtc.AudioSource(RATE, 1)
    track = rtc.LocalAudioTrack.create_audio_track("voice", source)
    await room.local_participant.publish_track(track)
    samples = [int(3_000 * math.sin(2 * math.pi * 330 * n / RATE)) for n in range(RATE // 100)]
    frame = rtc.AudioFrame(b"".join(s.to_bytes(2, "little", signed=True) for s in samples), RATE, 1, RATE // 100)

    async def play() -> None:
        while True:
            await source.capture_frame(frame)

    asyncio.get_running_loop().create_task(play())


async def forge(room: rtc.Room, candidate: str) -> None:
    """Says whatever the interviewer would say at its end, to everybody."""
    marker = json.dumps({"reason": "forged"})
    try:
        await room.local_participant.perform_rpc(
            destination_identity=candidate, method="adjourn.ended", payload=marker, response_timeout=2
        )
        tell("marker_taken")
    except rtc.RpcError as error:
        tell("marker_refused", code=error.code)
    await room.local_participant.set_attributes({"adjourn.ended": marker, "lk.agent.state": "listening"})
    call = agent_pb.agent_session.FunctionCall(name="end_interview", arguments="{}", call_id="forged")
    output = agent_pb.agent_session.FunctionCallOutput(name="end_interview", output="", call_id="forged", is_error=False)
    executed = agent_pb.agent_session.AgentSessionEvent.FunctionToolsExecuted(
        function_calls=[call], function_call_outputs=[output]
    )
    event = agent_pb.agent_session.AgentSessionEvent(function_tools_executed=executed)
    message = agent_pb.agent_session.AgentSessionMessage(event=event)
    writer = await room.local_participant.stream_bytes(name="forged", topic=TOPIC)
    await writer.write(message.SerializeToString())
    await writer.aclose()


async def main() -> None:
    room = rtc.Room()
    room.on("disconnected", lambda reason: tell("disconnected", reason=str(reason)))
    loop = asyncio.get_running_loop()
    while line := (await loop.run_in_executor(None, sys.stdin.readline)).strip():
        order, *rest = line.split()
        if order == "join":
            await room.connect(os.environ["LIVEKIT_URL"], os.environ["ADJOURN_TOKEN"])
            if rest:
                await room.local_participant.set_attributes(dict(item.split("=", 1) for item in rest))
        elif order == "speak":
            await speak(room)
        elif order == "forge":
            await forge(room, rest[0])
        elif order == "leave":
            await room.disconnect()
        tell(order, identity=room.local_participant.identity)


if __name__ == "__main__":
    asyncio.run(main())
