"""What was said before this interviewer came: it takes the place of one that was lost."""

from __future__ import annotations

import asyncio
import json
import logging
import random
from typing import Any

import aiohttp
from livekit.agents import JobContext, llm

from ._delivery import LIMIT, pause
from ._target import Target

logger = logging.getLogger("adjourn_agent")

WITHIN_S = 8.0
"""The candidate waits: 25 s from the loss until this interviewer is ready."""
LARGEST = 8 * 1024 * 1024
"""Bytes of a conversation: as many as a report may have."""


async def history(ctx: JobContext, *, within: float = WITHIN_S) -> llm.ChatContext:
    """The conversation so far, oldest turn first, for ``Agent(chat_ctx=…)``.

    Empty for an interview's first interviewer. If it can't be read ``within`` so many seconds it is empty as well, with an
    error in the log: an interviewer that begins anew is worth more to a candidate than none. Never raises.
    """
    target = Target.of(ctx.job.metadata)
    if target is None or target.history is None:
        return llm.ChatContext.empty()
    loop = asyncio.get_running_loop()
    end = loop.time() + within
    tries = 0
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {target.token}"}) as http:
        while True:
            try:
                said = await asyncio.wait_for(_read(http, target.history), max(end - loop.time(), 0.5))
                logger.info("%d turns were said before this interviewer came, in the place of %s", len(said.items), target.replaces)
                return said
            except (aiohttp.ClientError, asyncio.TimeoutError, OSError, ValueError, KeyError, TypeError) as error:
                why = f"{type(error).__name__}: {error}"
            rest = pause(tries, None, random.random())
            if loop.time() + rest > end:
                logger.error("what was said before this interviewer came can't be read (%s): it begins anew", why)
                return llm.ChatContext.empty()
            tries += 1
            await asyncio.sleep(rest)


def replaces(ctx: JobContext) -> str | None:
    """Identity of the interviewer in whose place this one is sent; ``None`` for an interview's first."""
    target = Target.of(ctx.job.metadata)
    return target.replaces if target is not None else None


async def _read(http: aiohttp.ClientSession, address: str) -> llm.ChatContext:
    async with http.get(address, timeout=LIMIT, allow_redirects=False) as answer:
        if answer.status != 200:
            raise ValueError(f"the backend answers {answer.status}")
        said = bytearray()
        async for chunk in answer.content.iter_chunked(64 * 1024):
            said += chunk
            if len(said) > LARGEST:
                raise ValueError(f"the conversation is longer than {LARGEST} bytes")
    return conversation(json.loads(said))


def conversation(said: Any) -> llm.ChatContext:
    """A transcript of the backend's, as livekit-agents keeps a conversation."""
    context = llm.ChatContext.empty()
    for item in said["items"]:
        role = item["role"]
        if role not in ("user", "assistant"):
            continue
        known: dict[str, Any] = {"id": item["id"]} if item["id"] else {}
        context.add_message(
            role=role,
            content=str(item["text"]),
            interrupted=bool(item.get("interrupted", False)),
            created_at=float(item.get("created_at") or 0.0),
            **known,
        )
    return context
