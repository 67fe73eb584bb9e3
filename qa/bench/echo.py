"""An interviewer that gives back what it hears, for measuring the way there and back (``adjourn-qa bench-audio``);
with ``gives-back`` = ``no`` it only listens.

An ordinary worker with dispatch; no session, no models. It says ``listening`` of itself, so that every client takes it for one.
"""

from __future__ import annotations

import asyncio
import json
import os
import time

from livekit import rtc
from livekit.agents import AgentServer, JobContext, cli

RATE = 48_000
GIVES_BACK = json.loads(os.environ["ADJOURN_WITH"]).get("gives-back") != "no"
# It takes its one job however busy the machine is: that is what is measured.
server = AgentServer(load_threshold=float("inf"), port=0, num_idle_processes=1)


def log(event: str) -> None:
    with open(os.environ["ADJOURN_AGENT_LOG"], "a", encoding="utf-8") as file:
        file.write(json.dumps({"at": time.time(), "event": event, "pid": os.getpid()}) + "\n")


@server.rtc_session(agent_name="interviewer")
async def give_back(job: JobContext) -> None:
    log("job_started")
    # Without a queue of its own a source takes frames of exactly 10 ms, and adds nothing.
    source = rtc.AudioSource(RATE, 1, queue_size_ms=0)
    voices: list[asyncio.Task[None]] = []

    async def echo(track: rtc.Track) -> None:
        frames = rtc.AudioStream.from_track(track=track, sample_rate=RATE, num_channels=1, frame_size_ms=10)
        async for heard in frames:
            await source.capture_frame(heard.frame)

    @job.room.on("track_subscribed")
    def heard(track: rtc.Track, *_: object) -> None:
        if track.kind == rtc.TrackKind.KIND_AUDIO and GIVES_BACK:
            voices.append(asyncio.create_task(echo(track)))

    await job.connect()
    track = rtc.LocalAudioTrack.create_audio_track("voice", source)
    options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
    await job.room.local_participant.publish_track(track, options)
    await job.room.local_participant.set_attributes({"lk.agent.state": "listening"})


if __name__ == "__main__":
    cli.run_app(server)
