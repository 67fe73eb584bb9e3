"""Turns of the conversation, sent as they are said: a job that is killed still leaves its history."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import Any

import aiohttp

from ._delivery import LIMIT, pause, read, refused_with
from ._target import Target

logger = logging.getLogger("adjourn_agent")

WAITING = 1_000
"""Turns that wait at most while the backend is away; the report has them all."""
NEVER_AN_ITEM = {"bad_item", "too_large", "too_many_items", "erased"}
"""Refusals of the backend itself that the same turn will get again."""


class Items:
    """A bounded queue and one task that empties it, in order."""

    def __init__(self, target: Target, source: str) -> None:
        self._address = target.record(source) + "/items"
        self._token = target.token
        self._waiting: asyncio.Queue[dict[str, Any]] = asyncio.Queue(WAITING)
        self._task: asyncio.Task[None] | None = None
        self._unsent = 0
        self.dropped = 0

    def put(self, item: dict[str, Any]) -> None:
        """Takes a turn; never waits."""
        try:
            self._waiting.put_nowait(item)
            self._unsent += 1
        except asyncio.QueueFull:
            self.dropped += 1
            return
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._send_all(), name="adjourn items")

    async def flush(self, seconds: float) -> None:
        """Waits until all turns are sent, at most so long."""
        if self._task is None:
            return
        try:
            await asyncio.wait_for(self._waiting.join(), seconds)
        except asyncio.TimeoutError:
            logger.warning("%d turns were not sent; the report has them", self._unsent + self.dropped)
        self._task.cancel()

    async def _send_all(self) -> None:
        headers = {"Authorization": f"Bearer {self._token}"}
        async with aiohttp.ClientSession(headers=headers) as http:
            while True:
                item = await self._waiting.get()
                tries = 0
                while not await self._sent(http, item):
                    await asyncio.sleep(pause(tries, None, random.random()))
                    tries += 1
                self._unsent -= 1
                self._waiting.task_done()

    async def _sent(self, http: aiohttp.ClientSession, item: dict[str, Any]) -> bool:
        """Whether this turn is done with: taken, or refused for good."""
        try:
            async with http.post(self._address, json=item, timeout=LIMIT, allow_redirects=False) as answer:
                # The backend's own word for it, which no page has that answers in its place.
                if answer.status == 204:
                    return True
                said = await read(answer)
                # Whatever else is answered may be a proxy's word, or a deployment's.
                if not refused_with(answer.content_type, said, NEVER_AN_ITEM):
                    return False
                logger.warning("the backend refused a turn: %s %s", answer.status, said[:200])
                return True
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError, ValueError):
            return False
