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

from ._spool import Absent, Parcel, Spool

logger = logging.getLogger("adjourn_agent")

LIMIT = aiohttp.ClientTimeout(total=10, connect=4)
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
NEVER = {"bad_record", "record_exists", "too_large"}
"""Refusals of the backend itself that the same bytes will get again. Whatever else is answered may be a proxy's word, or a
deployment's: it is tried again."""


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


def refused_for_good(content_type: str, said: str) -> bool:
    """Whether it is the backend that refuses, and for good."""
    if content_type != "application/problem+json":
        return False
    try:
        return json.loads(said)["code"] in NEVER
    except (ValueError, KeyError, TypeError):
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
            said = await answer.text(errors="replace")
            outcome = Outcome.PARKED if refused_for_good(answer.content_type, said) else Outcome.LATER
            return outcome, f"{answer.status} {said[:200]}", wait
    except (aiohttp.ClientError, asyncio.TimeoutError, OSError, ValueError, AttributeError) as error:
        return Outcome.LATER, f"{type(error).__name__}: {error}", None


async def deliver(http: aiohttp.ClientSession, spool: Spool, path: Path) -> tuple[Outcome | Absent, float | None]:
    """One try of what is spooled, if it is there and no other process is at it."""
    with spool.claimed(path) as parcel:
        if isinstance(parcel, Absent):
            if parcel is Absent.DAMAGED:
                logger.error("the report in %s can't be read; it is set aside", path)
            return parcel, None
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


async def deliver_until(spool: Spool, parcel: Parcel, seconds: float) -> Outcome:
    """Tries for so many seconds; what is not delivered then waits on disk, if the disk took it. What is not on disk (any
    more) is sent from memory: the same bytes get the same receipt, whoever sent them before."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    tries = 0
    async with aiohttp.ClientSession() as http:
        while True:
            found, wait = await deliver(http, spool, spool.path(parcel))
            if found is Absent.GONE or found is Absent.DAMAGED:
                found, why, wait = await send(http, parcel)
                if found is not Outcome.DELIVERED:
                    logger.warning("report not delivered (%s); it is in memory only", why)
            if isinstance(found, Outcome) and found is not Outcome.LATER:
                return found
            rest = pause(tries, wait, random.random())
            if loop.time() + rest > end:
                return Outcome.LATER
            tries += 1
            await asyncio.sleep(rest)


async def flush(spool: Spool) -> dict[Outcome, int]:
    """One try of everything that waits. What fails in a way that nobody thought of keeps nothing else waiting."""
    results = dict.fromkeys(Outcome, 0)
    async with aiohttp.ClientSession() as http:
        for path in spool.waiting():
            try:
                found, _ = await deliver(http, spool, path)
            except Exception:
                logger.exception("the report in %s was not delivered", path)
                found = Outcome.LATER
            if found is Absent.BUSY:
                found = Outcome.LATER
            elif found is Absent.DAMAGED:
                found = Outcome.PARKED
            if isinstance(found, Outcome):
                results[found] += 1
    return results
