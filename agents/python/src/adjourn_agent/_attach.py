"""The three lines."""

from __future__ import annotations

import asyncio
import json
import logging
import multiprocessing
import os
from collections.abc import Awaitable, Callable
from typing import Any

from livekit import rtc
from livekit.agents import AgentSession, CloseEvent, CloseReason, ConversationItemAddedEvent, JobContext, llm

from ._delivery import Outcome, deliver_until, flush
from ._items import Items
from ._journal import Journal
from ._sentinel import deliver_left, start
from ._spool import Parcel, Spool
from ._target import Target
from ._words import body, plain, readable

logger = logging.getLogger("adjourn_agent")

MARKER = "adjourn.ended"
"""RPC to the candidate's client, and attribute of the agent: it is over."""
MARKER_LIMIT_S = 2.0
AT_CLOSE_S = 3.0
"""The report is tried so long when the session closes; the job's end tries again."""
AT_END_S = 60.0
"""And so long in ``on_session_end`` (livekit-agents allows it 300 s); what is left waits on disk."""

SessionEnd = Callable[[JobContext], Awaitable[None]]


HANDED_OVER = "handed over"
"""End reason of a session that another one of the same job followed."""


class _Attached:
    """One session."""

    def __init__(
        self,
        ctx: JobContext,
        session: AgentSession[Any],
        target: Target,
        spool: Spool,
        shutdown_on_close: bool,
        source: str,
        identity: str,
    ) -> None:
        self.ctx = ctx
        self.session = session
        self.target = target
        self.spool = spool
        self.shutdown_on_close = shutdown_on_close
        self.source = source
        self.journal = Journal(spool, target.record(source), target.token, identity)
        self.items = Items(target, source)
        self.asked_to_end = False
        self.followed = False
        self.reason: str | None = None
        self.reported: asyncio.Task[None] | None = None
        self.parcel: Parcel | None = None
        self.on_disk = False
        self.became = Outcome.LATER

    def item_added(self, event: ConversationItemAddedEvent) -> None:
        item = event.item
        if not isinstance(item, llm.ChatMessage) or item.role not in ("user", "assistant"):
            return  # instructions, tools and their outputs stay here
        said = {
            "id": readable(item.id),
            "role": item.role,
            "text": readable(item.text_content or ""),
            "created_at": plain(item.created_at) or 0.0,
            "interrupted": item.interrupted,
        }
        self.journal.add(said)
        self.items.put(said)

    def closed(self, event: CloseEvent) -> None:
        if self.reason is None:
            self.reason = self._reason(event)
            self._report_unless_more_comes()

    def another_began(self) -> None:
        """Another session of the same job follows this one: this one's end is not the interview's."""
        self.followed = True
        self._report_unless_more_comes()

    def _report_unless_more_comes(self) -> None:
        # A job that goes on may begin another session: then only its end tells whether this one was the last.
        closed = self.reason is not None and (self.shutdown_on_close or self.followed)
        if closed and self.reported is None:
            self.reported = asyncio.get_running_loop().create_task(self._close(), name="adjourn close")

    async def _close(self) -> None:
        try:
            self._spool_report()
            if self.parcel is not None and self.reason == "finished" and not self.followed:
                await asyncio.gather(self._mark(self.reason), self._deliver(AT_CLOSE_S))
            else:
                await self._deliver(AT_CLOSE_S)
        except Exception:
            logger.exception("the report could not be made at the session's close")
        finally:
            if self.shutdown_on_close:
                # Otherwise the job stays in the room, silent, for as long as the candidate waits.
                self.ctx.shutdown(reason="the session closed")

    def _reason(self, event: CloseEvent) -> str:
        """Why it ended. Job shutdown closes a session as ``user_initiated`` too: only what our user's code asked
        for is a finished interview."""
        if event.error is not None:
            return "failed"
        asked = self.asked_to_end and event.reason == CloseReason.USER_INITIATED
        if asked or event.reason == CloseReason.TASK_COMPLETED:
            return "finished"
        return str(event.reason.value)

    def _spool_report(self) -> None:
        """Makes the report, once: what was sent must not change. A disk that does not take it is no reason to lose it."""
        if self.parcel is not None:
            return
        try:
            report: dict[str, Any] = self.ctx.make_session_report(self.session).to_dict()
        except Exception as error:
            # Still recording, or never started: what was said counts more than how it was measured.
            logger.warning("livekit-agents makes no report (%s); the conversation is reported without it", error)
            report = {"chat_history": self.session.history.to_dict(exclude_timestamp=False)}
        report["end_reason"] = HANDED_OVER if self.followed else self.reason or "job shutdown"
        self.parcel = Parcel(self.target.record(self.source), self.target.token, body(report))
        self.on_disk = _put(self.spool, self.parcel)
        if self.on_disk:
            # It has all that was said.
            self.journal.end()

    async def _deliver(self, seconds: float) -> Outcome:
        """What became of the report; what was settled once is not sent again."""
        if self.parcel is not None and self.became is Outcome.LATER:
            self.became = await deliver_until(self.spool, self.parcel, seconds)
        return self.became

    async def _mark(self, reason: str) -> None:
        """Tells the candidate's client; it needs no such word, but ends sooner with it."""
        room = self.ctx.room
        if not room.isconnected():
            return
        said = {"reason": reason}
        if self.parcel is not None:
            said["report_sha256"] = self.parcel.digest.hex()
        word = json.dumps(said)
        candidates = [
            participant.identity
            for participant in room.remote_participants.values()
            if participant.kind == rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD
        ]

        async def tell(identity: str) -> None:
            try:
                await room.local_participant.perform_rpc(
                    destination_identity=identity, method=MARKER, payload=word, response_timeout=MARKER_LIMIT_S
                )
            except Exception as error:
                # Another client than Adjourn's, or one that is gone.
                logger.info("%s did not take the end marker: %s", identity, error)

        try:
            await asyncio.wait_for(
                asyncio.gather(
                    room.local_participant.set_attributes({MARKER: word}), *(tell(identity) for identity in candidates)
                ),
                MARKER_LIMIT_S + 0.5,
            )
        except Exception as error:
            logger.info("the end marker was not set: %s", error)

    def keep(self) -> None:
        """The job's end: its report is on disk."""
        self._spool_report()

    async def end(self) -> None:
        """The job's end: what is not delivered yet is tried again."""
        if self.reported is not None:
            await asyncio.wait({self.reported}, timeout=AT_CLOSE_S + MARKER_LIMIT_S + 1.0)
        await self.items.flush(AT_CLOSE_S)
        # What is neither there nor on disk as a report is left to whoever finds what was said.
        if await self._deliver(AT_END_S) is not Outcome.LATER or self.on_disk:
            self.journal.end()


class _Job:
    """What a job has: its user's callback, its sessions, its judgement."""

    def __init__(self) -> None:
        self.own_session_end: SessionEnd | None = None
        self.sessions: list[_Attached] = []
        self.judgement: Any = None
        self.judged: Parcel | None = None
        self.judged_on_disk = False

    def keep(self) -> None:
        """Puts everything that there is to report on disk, before anything that may take long or never end. Each for itself: what
        goes wrong with one takes no other with it."""
        for session in self.sessions:
            try:
                session.keep()
            except Exception:
                logger.exception("the report of %s could not be made", session.source)
        if self.judgement is not None and self.sessions:
            try:
                first = self.sessions[0]
                said = body({"judgement": self.judgement})
                judged = Parcel(first.target.record(first.source + "-judgement"), first.target.token, said)
                if self.judged is None or self.judged.body != judged.body and self._may_replace(first.spool, judged):
                    self.judged = judged
                    self.judged_on_disk = self.judged_on_disk or _put(first.spool, judged)
            except Exception:
                logger.exception("the judgement could not be made")

    def _may_replace(self, spool: Spool, judged: Parcel) -> bool:
        """It was judged before the job's end, and once more at it: the last word counts, unless the first was sent already. Here
        nothing is sent before the end; what is on disk, another process may."""
        if not self.judged_on_disk or spool.replace(judged):
            return True
        logger.warning("the judgement that was made first is being sent already; the later one is not reported")
        return False

    async def end(self) -> None:
        """Delivers what is not delivered yet, all at once: the job's end is allowed so long and no longer."""
        sending = [session.end() for session in self.sessions]
        if self.judged is not None:
            sending.append(_deliver(self.sessions[0].spool, self.judged))
        for error in await asyncio.gather(*sending, return_exceptions=True):
            if isinstance(error, Exception):
                logger.error("something of this job could not be delivered", exc_info=error)


async def _deliver(spool: Spool, parcel: Parcel) -> None:
    await deliver_until(spool, parcel, AT_END_S)


_jobs: dict[str, _Job] = {}
_background: set[asyncio.Task[None]] = set()


def _put(spool: Spool, parcel: Parcel) -> bool:
    """Writes it to disk, if that can be. Gives whether it is there."""
    try:
        spool.put(parcel)
    except OSError as error:
        logger.error("the report can't be written to %s (%s); it is sent from memory", spool.folder, error)
        return False
    return True


def attach(
    ctx: JobContext,
    session: AgentSession[Any],
    *,
    shutdown_on_close: bool = True,
    on_session_end: SessionEnd | None = None,
    spool: Spool | None = None,
    sentinel: bool = True,
) -> None:
    """Reports this session, whatever becomes of it. Call it before ``session.start``.

    ``shutdown_on_close``: end the job when the session closes, so that no silent agent stays in the room. ``False`` for
    those who may start another session in the same job: then each session has a report of its own, made when the next one
    is attached or the job ends, and only the last one can finish the interview. ``on_session_end``: your own callback,
    awaited when the job ends, once the report is on disk and before it is sent; it may call :func:`judge`. ``sentinel``: a small process
    beside the worker watches this job, and reports what it said if it is killed. Without an Adjourn backend in the job's metadata, only
    a warning is logged. Never raises for a bad backend, network or disk.
    """
    job = _jobs.setdefault(ctx.job.id, _Job())
    if on_session_end is not None:
        job.own_session_end = on_session_end
    try:
        _attach(job, ctx, session, shutdown_on_close, spool, sentinel)
    except Exception:
        logger.exception("this session is not reported")


def _attach(
    job: _Job, ctx: JobContext, session: AgentSession[Any], shutdown_on_close: bool, spool: Spool | None, sentinel: bool
) -> None:
    target = Target.of(ctx.job.metadata)
    if target is None:
        return
    # In every line that this job logs from now on.
    about = {"interview_id": target.interview_id, "attempt": target.attempt, "job": ctx.job.id}
    ctx.log_context_fields = {**ctx.log_context_fields, **about}
    number = len(job.sessions) + 1
    source = f"agent:{ctx.job.id}" if number == 1 else f"agent:{ctx.job.id}-{number}"
    attached = _Attached(ctx, session, target, spool or Spool(), shutdown_on_close, source, ctx.local_participant_identity)
    if sentinel and number == 1:
        # Jobs of a worker that runs them as threads end with it: what watches them outlives it.
        own = multiprocessing.parent_process() is None
        start(attached.spool, os.getpid() if own else os.getppid())
    for earlier in job.sessions:
        earlier.another_began()
    job.sessions.append(attached)

    shutdown = session.shutdown

    def asked(*args: Any, **kwargs: Any) -> None:
        attached.asked_to_end = True
        shutdown(*args, **kwargs)

    # The close event does not tell whether the user's code or the job's end closed the session.
    session.shutdown = asked  # type: ignore[method-assign]
    session.on("conversation_item_added", attached.item_added)
    session.on("close", attached.closed)
    if number == 1:
        # Where nobody gave session_end to rtc_session, the job's end would pass by unnoticed, with what was not reported by then.
        # (livekit-agents looks at a callback's code: it takes functions alone.)
        async def at_shutdown() -> None:
            await _ended_unasked(ctx)

        ctx.add_shutdown_callback(at_shutdown)
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return  # Attached before anything runs; what earlier jobs left waits for the next one.
    # What earlier jobs could not deliver.
    task = loop.create_task(_flush_earlier(attached.spool), name="adjourn spool")
    _background.add(task)
    task.add_done_callback(_background.discard)


async def _ended_unasked(ctx: JobContext) -> None:
    """The job ends, and :func:`session_end` was not called: livekit-agents calls it first, where it is given."""
    if ctx.job.id in _jobs:
        logger.warning("session_end was not given to rtc_session(on_session_end=…); the job is reported at its end all the same")
        await session_end(ctx)


async def _flush_earlier(spool: Spool) -> None:
    try:
        # On a thread of its own: a disk that hangs must not hold up the conversation.
        await asyncio.to_thread(deliver_left, spool)
        results = await asyncio.to_thread(lambda: asyncio.run(flush(spool)))
        if results[Outcome.DELIVERED]:
            logger.info("%d reports of earlier jobs were delivered", results[Outcome.DELIVERED])
    except Exception:
        logger.exception("the spool %s can't be used", spool.folder)


def judge(ctx: JobContext, judgement: Any) -> None:
    """Adds a judgement (anything that JSON can say) as a record of its own, delivered at the job's end."""
    job = _jobs.get(ctx.job.id)
    if job is None:
        logger.warning("judge() without attach(): the judgement is not reported")
    elif not job.sessions:
        logger.warning("there is no Adjourn backend in this job's metadata: the judgement is not reported")
    else:
        job.judgement = judgement


async def session_end(ctx: JobContext) -> None:
    """Give this to ``rtc_session(on_session_end=…)``; your own callback goes to :func:`attach`. Raises nothing but what ends
    the process or cancels the job, and then the report is on disk."""
    job = _jobs.get(ctx.job.id)
    if job is None:
        return
    # First: what is called next may hang, be cancelled, or take the process with it.
    job.keep()
    try:
        if job.own_session_end is not None:
            try:
                await job.own_session_end(ctx)
            except Exception:
                # A report must not be lost to a bug beside it.
                logger.exception("on_session_end raised; the report goes on")
    finally:
        _jobs.pop(ctx.job.id, None)
        # What it was judged to be in there.
        job.keep()
    try:
        await job.end()
    except Exception:
        logger.exception("what this job has to report could not be delivered")
