"""A further participant of a test room: an agent, an avatar, a second candidate, or a forger.

Usage: actor.py (LIVEKIT_URL and ADJOURN_TOKEN in the environment); orders come as lines on standard
input, each is answered by one JSON line: ``join [ATTRIBUTE=VALUE ...]``, ``speak``, ``listen`` (an open microphone that
hears nothing), ``lend-voice IDENTITY``
(plays what that agent says, as an avatar worker does), ``forge IDENTITY``, ``leave``.
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


async def speak(room: rtc.Room, loudness: int = 3_000) -> None:
    """Publishes a track with a soft tone that never ends."""
    source = rtc.AudioSource(RATE, 1)
    track = rtc.LocalAudioTrack.create_audio_track("voice", source)
    await room.local_participant.publish_track(track)
    samples = [int(loudness * math.sin(2 * math.pi * 330 * n / RATE)) for n in range(RATE // 100)]
    frame = rtc.AudioFrame(b"".join(s.to_bytes(2, "little", signed=True) for s in samples), RATE, 1, RATE // 100)

    async def play() -> None:
        while True:
            await source.capture_frame(frame)

    asyncio.get_running_loop().create_task(play())


async def lend_voice(room: rtc.Room, agent: str) -> None:
    """Plays what the agent says, as an avatar worker does (livekit-agents' own receiver)."""
    from livekit.agents.voice.avatar import AudioSegmentEnd, DataStreamAudioReceiver

    source = rtc.AudioSource(RATE, 1)
    track = rtc.LocalAudioTrack.create_audio_track("avatar_audio", source)
    # The agent begins to send when it sees the track: by then there must be somebody who receives.
    receiver = DataStreamAudioReceiver(room, sender_identity=agent)
    await receiver.start()
    options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
    await room.local_participant.publish_track(track, options)

    async def play() -> None:
        played = 0.0
        async for piece in receiver:
            if isinstance(piece, AudioSegmentEnd):
                await source.wait_for_playout()
                receiver.notify_playback_finished(playback_position=played, interrupted=False)
                played = 0.0
            else:
                await source.capture_frame(piece)
                played += piece.duration

    task = asyncio.get_running_loop().create_task(play())
    task.add_done_callback(lambda done: tell("voice_ended", error=str(done.cancelled() or done.exception())))
    receiver.on("clear_buffer", source.clear_queue)


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
        elif order == "listen":
            await speak(room, 0)
        elif order == "lend-voice":
            await lend_voice(room, rest[0])
        elif order == "forge":
            await forge(room, rest[0])
        elif order == "leave":
            await room.disconnect()
        tell(order, identity=room.local_participant.identity)


if __name__ == "__main__":
    asyncio.run(main())
