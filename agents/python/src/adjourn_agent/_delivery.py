"""Sending, until it is acknowledged."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import random
from enum import Enum
from pathlib import Path

import aiohttp

from ._spool import Parcel, Spool

logger = logging.getLogger("adjourn_agent")

LIMIT = aiohttp.ClientTimeout(total=10, connect=4)
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
NEVER = {400, 404, 409, 413, 422}
"""Answers that the same bytes will get again."""


class Outcome(Enum):
    """What became of a try."""

    DELIVERED = "delivered"
    LATER = "later"
    PARKED = "parked"


def pause(tries: int, retry_after: float | None, jitter: float) -> float:
    """Seconds until the next try: full jitter over a doubling pause, or what the server asked for."""
    ceiling = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * float(2 ** min(tries, 10)))
    return max(ceiling * jitter, FIRST_PAUSE_S / 2, min(retry_after or 0.0, LONGEST_PAUSE_S))


def receipt_is_for(receipt: object, parcel: Parcel) -> bool:
    """Whether a receipt names these very bytes. Its signature is for those who keep it; we came by TLS."""
    try:
        claims = str(receipt).split(".")[1]
        said = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
        return bool(said["sha256"] == parcel.digest.hex())
    except (IndexError, ValueError, KeyError, TypeError):
        return False


async def send(http: aiohttp.ClientSession, parcel: Parcel) -> tuple[Outcome, str, float | None]:
    """One try. Gives what became of it, why, and the seconds that the server asked us to wait."""
    headers = {
        "Authorization": f"Bearer {parcel.token}",
        "Content-Type": "application/json",
        "Content-Digest": f"sha-256=:{base64.b64encode(parcel.digest).decode()}:",
    }
    try:
        async with http.put(parcel.address, data=parcel.body.encode(), headers=headers, timeout=LIMIT) as answer:
            after = answer.headers.get("Retry-After", "")
            wait = float(after) if after.isdigit() else None
            if answer.status == 200:
                receipt = (await answer.json(content_type=None)).get("receipt")
                if receipt_is_for(receipt, parcel):
                    return Outcome.DELIVERED, "", None
                return Outcome.LATER, "the backend's receipt is for something else", None
            why = f"{answer.status} {(await answer.text())[:200]}"
            return (Outcome.PARKED if answer.status in NEVER else Outcome.LATER), why, wait
    except (aiohttp.ClientError, asyncio.TimeoutError, OSError, ValueError, AttributeError) as error:
        return Outcome.LATER, f"{type(error).__name__}: {error}", None


async def deliver(http: aiohttp.ClientSession, spool: Spool, path: Path) -> tuple[Outcome, float | None]:
    """One try of what is spooled, if no other process is at it."""
    with spool.claimed(path) as parcel:
        if parcel is None:
            return (Outcome.LATER if path.exists() else Outcome.DELIVERED), None
        outcome, why, wait = await send(http, parcel)
        if outcome is Outcome.DELIVERED:
            spool.done(path)
            logger.info("report delivered to %s", parcel.address)
        elif outcome is Outcome.PARKED:
            parked = spool.park(path, why)
            logger.error("the backend will never take this report (%s); it is kept in %s", why, parked)
        else:
            logger.warning("report not delivered yet (%s); it is kept in %s", why, path)
        return outcome, wait


async def deliver_until(spool: Spool, path: Path, seconds: float) -> Outcome:
    """Tries for so many seconds; what is not delivered then waits on disk."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    tries = 0
    async with aiohttp.ClientSession() as http:
        while True:
            outcome, wait = await deliver(http, spool, path)
            if outcome is not Outcome.LATER:
                return outcome
            rest = pause(tries, wait, random.random())
            if loop.time() + rest > end:
                return outcome
            tries += 1
            await asyncio.sleep(rest)


async def flush(spool: Spool) -> dict[Outcome, int]:
    """One try of everything that waits."""
    results = dict.fromkeys(Outcome, 0)
    async with aiohttp.ClientSession() as http:
        for path in spool.waiting():
            outcome, _ = await deliver(http, spool, path)
            results[outcome] += 1
    return results
