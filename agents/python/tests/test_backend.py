"""Against the real server and backend: the job's metadata comes from LiveKit, what is held is asked of the backend."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from dataclasses import replace

from parts import Backend, Interview

from adjourn_agent import Spool
from adjourn_agent._delivery import Outcome, deliver_until, flush
from adjourn_agent._items import Items
from adjourn_agent._spool import Parcel

SOURCE = "agent:AJ_test"
REPORT = json.dumps(
    {
        "end_reason": "finished",
        "chat_history": {
            "items": [
                {"id": "1", "type": "message", "role": "assistant", "content": ["Hello."], "created_at": 1.0},
                {"id": "2", "type": "message", "role": "user", "content": ["Hello, I am Sam."], "created_at": 2.0},
            ]
        },
    }
)


async def parcel(interview: Interview, body: str = REPORT) -> Parcel:
    target = await interview.target()
    return Parcel(target.record(SOURCE), target.token, body)


async def test_a_report_is_delivered_with_the_right_from_the_dispatch(backend: Backend, spool: Spool) -> None:
    interview = backend.interview()
    assert interview.status()["agent_report"] in ("none", "pending")
    wanted = await parcel(interview)
    spool.put(wanted)
    assert await deliver_until(spool, wanted, 20) is Outcome.DELIVERED
    assert spool.waiting() == []
    status = interview.status()
    assert (status["agent_report"], status["records"]) == ("received", 1)
    transcript = interview.transcript()
    assert transcript["source"] == "agent"
    assert [item["text"] for item in transcript["items"]] == ["Hello.", "Hello, I am Sam."]


async def test_the_same_again_is_one_record_and_other_bytes_are_set_aside(backend: Backend, spool: Spool) -> None:
    interview = backend.interview()
    first = await parcel(interview)
    for _ in range(3):
        spool.put(first)
        assert await deliver_until(spool, first, 20) is Outcome.DELIVERED
    other = await parcel(interview, '{"end_reason": "failed"}')
    path = spool.put(other)
    assert await deliver_until(spool, other, 20) is Outcome.PARKED
    assert path.with_suffix(".why").read_text().startswith("409 ")
    assert interview.status()["records"] == 1


async def test_a_right_is_for_one_interview_only(backend: Backend, spool: Spool) -> None:
    mine, other = backend.interview(), backend.interview()
    token = (await mine.target()).token
    wanted = replace(await parcel(other), token=token)
    path = spool.put(wanted)
    # Tried again: the right may come back with a rotated key, and nothing is lost by waiting.
    outcome = await deliver_until(spool, wanted, 1.0)
    assert outcome is Outcome.LATER, path.with_suffix(".why").read_text()
    assert other.status()["records"] == 0 and mine.status()["records"] == 0


async def test_a_backend_that_hangs_or_dies_gets_it_later(backend: Backend, spool: Spool) -> None:
    interview = backend.interview()
    wanted = await parcel(interview)
    backend.kill()
    spool.put(wanted)
    assert await deliver_until(spool, wanted, 1.0) is Outcome.LATER
    backend.start()
    backend.freeze()
    delivering = asyncio.create_task(deliver_until(spool, wanted, 30))
    await asyncio.sleep(1.0)  # the length of the fault
    assert not delivering.done()
    backend.thaw()
    assert await delivering is Outcome.DELIVERED
    assert interview.status()["records"] == 1
    assert (await flush(spool)) == dict.fromkeys(Outcome, 0)


async def test_turns_are_held_in_order_and_once_through_a_crash(backend: Backend) -> None:
    interview = backend.interview()
    items = Items(await interview.target(), SOURCE)

    def say(n: int) -> None:
        items.put({"id": str(n), "role": "user", "text": f"turn {n}", "created_at": float(n), "interrupted": False})

    for n in range(20):
        say(n)

    async def held_at_least(turns: int) -> int:
        while True:
            held = len((await asyncio.to_thread(interview.transcript))["items"])
            if held >= turns:
                return held

    held = await asyncio.wait_for(held_at_least(5), 20)
    backend.kill()
    assert held < 20, "it was to die in the middle"
    for n in range(20, 40):
        say(n)
    backend.start()
    await items.flush(20)
    transcript = interview.transcript()
    assert transcript["source"] == "agent while it lived"
    assert [item["text"] for item in transcript["items"]] == [f"turn {n}" for n in range(40)]
    assert items.dropped == 0


async def test_the_command_delivers_what_a_job_left(backend: Backend, spool: Spool) -> None:
    interview = backend.interview()
    spool.put(await parcel(interview))
    backend.kill()

    def command() -> subprocess.CompletedProcess[str]:
        run = [sys.executable, "-m", "adjourn_agent", "flush", "--spool", str(spool.folder)]
        return subprocess.run(run, capture_output=True, text=True)

    left = await asyncio.to_thread(command)
    assert (left.returncode, left.stdout) == (1, f"0 delivered, 1 later, 0 parked in {spool.folder}\n"), left.stderr
    backend.start()
    done = await asyncio.to_thread(command)
    assert (done.returncode, done.stdout) == (0, f"1 delivered, 0 later, 0 parked in {spool.folder}\n"), done.stderr
    assert interview.status()["agent_report"] == "received"
