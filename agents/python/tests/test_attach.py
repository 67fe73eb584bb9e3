"""The three lines, with a real backend and sessions that do what the tests say."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from livekit.agents import CloseEvent, CloseReason, JobContext
from parts import Backend

import adjourn_agent
from adjourn_agent import Spool
from adjourn_agent._words import body, plain


class Session:
    """As much of an AgentSession as is looked at."""

    def __init__(self, text: str = "Hello.") -> None:
        self.text = text
        self.handlers: dict[str, Callable[[Any], None]] = {}

    def on(self, event: str, handler: Callable[[Any], None]) -> None:
        self.handlers[event] = handler

    def shutdown(self, *, drain: bool = True) -> None:
        self.handlers["close"](CloseEvent(reason=CloseReason.USER_INITIATED))


class Job:
    """As much of a JobContext."""

    def __init__(self, metadata: str, id: str = "AJ_test") -> None:
        self.job = SimpleNamespace(metadata=metadata, id=id)
        self.room = SimpleNamespace(isconnected=lambda: False)
        self.local_participant_identity = f"agent-{id}"
        self.log_context_fields: dict[str, Any] = {"candidate": "no name"}
        self.ended: list[str] = []
        self.at_shutdown: list[Callable[[], Awaitable[None]]] = []

    def add_shutdown_callback(self, callback: Callable[[], Awaitable[None]]) -> None:
        # As livekit-agents does: what is no function has no code.
        assert callback.__code__.co_argcount == 0  # type: ignore[attr-defined]
        self.at_shutdown.append(callback)

    def make_session_report(self, session: Session) -> Any:
        items = [{"id": session.text, "type": "message", "role": "assistant", "content": [session.text], "created_at": 1.0}]
        return SimpleNamespace(to_dict=lambda: {"chat_history": {"items": items}, "delay": math.nan})

    def shutdown(self, reason: str = "") -> None:
        self.ended.append(reason)


def attach(job: Job, session: Session, **more: Any) -> None:
    # What a sentinel does has tests of its own.
    adjourn_agent.attach(job, session, **{"sentinel": False, **more})  # type: ignore[arg-type]


async def end(job: Job) -> None:
    await adjourn_agent.session_end(job)  # type: ignore[arg-type]


class Unwritable(Spool):
    """A disk that is full, a root that is read-only."""

    def put(self, parcel: Any) -> Path:
        raise OSError(28, "No space left on device")


async def test_a_disk_that_takes_nothing_loses_no_report(backend: Backend, tmp_path: Path) -> None:
    interview = backend.interview()
    job, session = Job(await interview.metadata()), Session()
    attach(job, session, spool=Unwritable(tmp_path / "spool"))
    session.shutdown()
    await end(job)
    assert job.ended == ["the session closed"]
    about = {"interview_id": interview.id, "attempt": 1, "job": "AJ_test"}
    assert job.log_context_fields == {"candidate": "no name", **about}
    status = interview.status()
    assert (status["agent_report"], status["confirmed"]) == ("received", True)


@pytest.mark.parametrize("metadata", ["", "{}", '{"report_url": "http://example.com", "interview_id": "i", "report_token": "t"}'])
async def test_the_users_own_callback_runs_whatever_ours_can_do(metadata: str, caplog: pytest.LogCaptureFixture) -> None:
    ran: list[str] = []

    async def mine(ctx: JobContext) -> None:
        ran.append(ctx.job.id)

    job = Job(metadata)
    attach(job, Session(), on_session_end=mine)
    adjourn_agent.judge(job, "good")  # type: ignore[arg-type]
    assert "no Adjourn backend" in caplog.text
    await end(job)
    assert ran == ["AJ_test"]


async def test_nothing_of_ours_is_raised_into_the_agent(tmp_path: Path) -> None:
    class Broken(Session):
        def on(self, event: str, handler: Callable[[Any], None]) -> None:
            raise RuntimeError("no such event")

    good = '{"report_url": "http://127.0.0.1:1", "interview_id": "i", "attempt": 1, "report_token": "t"}'

    async def mine(ctx: JobContext) -> None:
        raise ValueError("a bug of the user's")

    job = Job(good)
    attach(job, Broken(), on_session_end=mine, spool=Spool(tmp_path))
    await asyncio.wait_for(adjourn_agent.session_end(Job(good, "AJ_unknown")), 5)  # type: ignore[arg-type]


async def test_of_several_sessions_in_a_job_the_last_one_ends_the_interview(backend: Backend, spool: Spool) -> None:
    interview = backend.interview()
    job = Job(await interview.metadata())
    first, second = Session("Welcome."), Session("Now the questions.")
    attach(job, first, shutdown_on_close=False, spool=spool)
    first.shutdown()
    await asyncio.sleep(0)
    attach(job, second, shutdown_on_close=False, spool=spool)

    async def reported(records: int) -> dict[str, Any]:
        while True:
            status = await asyncio.to_thread(interview.status)
            if status["records"] >= records:
                return status

    status = await asyncio.wait_for(reported(1), 10)
    assert (status["state"], status["confirmed"]) == ("live", False), "another one follows"
    second.shutdown()
    await end(job)
    status = interview.status()
    assert (status["records"], status["confirmed"], job.ended) == (2, True, [])
    said = [item["text"] for item in interview.transcript()["items"]]
    assert said == ["Welcome.", "Now the questions."]


async def test_without_session_end_the_job_is_reported_at_its_end(
    backend: Backend, spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    interview = backend.interview()
    job, session = Job(await interview.metadata()), Session()
    attach(job, session, shutdown_on_close=False, spool=spool)
    session.shutdown()
    # As livekit-agents ends a job: session_end, where it was given, and then these.
    for callback in job.at_shutdown:
        await callback()
    assert "session_end was not given" in caplog.text
    status = interview.status()
    assert (status["agent_report"], status["confirmed"]) == ("received", True)


@pytest.mark.parametrize("before", [None, "a first impression"])
async def test_a_judgement_may_be_made_at_the_end_and_the_last_one_counts(
    backend: Backend, spool: Spool, before: str | None
) -> None:
    interview = backend.interview()

    async def mine(ctx: JobContext) -> None:
        adjourn_agent.judge(ctx, "the last word")

    job, session = Job(await interview.metadata()), Session()
    attach(job, session, spool=spool, on_session_end=mine)
    if before is not None:
        adjourn_agent.judge(job, before)  # type: ignore[arg-type]
    session.shutdown()
    await end(job)
    kept = backend.ask("GET", f"/v1/interviews/{interview.id}/attempts/1/records/agent:AJ_test-judgement")
    assert kept == {"judgement": "the last word"}
    for callback in job.at_shutdown:
        await callback()
    assert interview.status()["records"] == 2, "what was reported is not reported again"


async def test_the_report_is_on_disk_before_anybody_elses_code_runs(tmp_path: Path) -> None:
    """It may hang until livekit-agents cancels it, or end the process."""
    nowhere = '{"report_url": "http://127.0.0.1:1", "interview_id": "i", "attempt": 1, "report_token": "t"}'
    found: list[int] = []

    for number, ending in enumerate((asyncio.CancelledError(), SystemExit(1), None)):
        spool = Spool(tmp_path / str(number))

        async def mine(ctx: JobContext, ending: BaseException | None = ending, spool: Spool = spool) -> None:
            found.append(len(spool.waiting()))
            adjourn_agent.judge(ctx, "good")
            if ending is None:
                await asyncio.sleep(3600)
            else:
                raise ending

        job = Job(nowhere, f"AJ_{number}")
        attach(job, Session(), shutdown_on_close=False, spool=spool, on_session_end=mine)
        with pytest.raises((asyncio.CancelledError, SystemExit, asyncio.TimeoutError)):
            await (asyncio.wait_for(end(job), 0.5) if ending is None else end(job))
        assert len(spool.waiting()) == 2, "the report, and the judgement that was made in there"
    assert found == [1, 1, 1]



def test_what_no_reader_takes_is_said_otherwise() -> None:
    strange = {"half": "\ud83d", "whole": "\ud83d\ude00", "nan": math.nan, 7: {1, 2}, "set": object, "nul": "\0"}
    said = json.loads(body(strange).encode())
    assert said["half"] == "\ufffd" and said["whole"] == "\U0001f600" and said["nan"] is None
    assert said["7"] == [1, 2] and said["set"].startswith("<class")
    deep: list[Any] = []
    for _ in range(5_000):
        deep = [deep]
    assert json.loads(json.dumps(plain(deep)))
