"""Sending, until it is acknowledged."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import random
from enum import Enum
from pathlib import Path
from typing import NamedTuple

import aiohttp

from ._log import about
from ._spool import Absent, Parcel, Spool

logger = logging.getLogger("adjourn_agent")

LIMIT = aiohttp.ClientTimeout(total=10, connect=4)
"""Of a turn."""
REPORT_LIMIT = aiohttp.ClientTimeout(total=None, connect=4, sock_read=10)
"""Of a report: how long it takes depends on the line. What limits a try is what is left of the time for all of them."""
FLUSHED_WITHIN_S = 120.0
"""A try of a report that a job left on disk: 8 MiB over a slow line."""
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
LONGEST_ANSWER = 64 * 1024
"""A receipt or a refusal has some hundred bytes; a page that some other machine answers with may have any number."""
LEAST_TRY_S = 10.0
"""A try is given so long, however little time is left."""
KEPT_S = 14 * 24 * 3600.0
"""An interview that the backend does not know for so long is not one that a restored backup or a deployment brings back."""
NEVER = {"bad_record", "record_exists", "too_large", "too_many_records"}
"""Refusals of the backend itself that the same bytes will get again. Whatever else is answered may be a proxy's word, or a
deployment's: it is tried again."""


class Outcome(Enum):
    """What became of a try."""

    DELIVERED = "delivered"
    LATER = "later"
    PARKED = "parked"


class Answer(NamedTuple):
    """What became of a try."""

    outcome: Outcome
    why: str = ""
    wait: float | None = None
    """Seconds that the server asked us to wait."""
    unknown: bool = False
    """The backend itself knows nothing of this interview (any more)."""
    erased: bool = False
    """The backend itself says that this interview was erased."""


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


def refused_with(content_type: str, said: str, never: set[str]) -> bool:
    """Whether it is the backend that refuses, and with one of these words."""
    if content_type != "application/problem+json":
        return False
    try:
        return json.loads(said)["code"] in never
    except (ValueError, KeyError, TypeError):
        return False


async def read(answer: aiohttp.ClientResponse) -> str:
    """What was answered; ``ValueError`` if it is more than any answer of the backend's."""
    said = bytearray()
    async for chunk in answer.content.iter_chunked(4096):
        said += chunk
        if len(said) > LONGEST_ANSWER:
            raise ValueError(f"the answer is longer than {LONGEST_ANSWER} bytes")
    return said.decode(errors="replace")


async def send(http: aiohttp.ClientSession, parcel: Parcel) -> Answer:
    """One try."""
    headers = {
        "Authorization": f"Bearer {parcel.token}",
        "Content-Type": "application/json",
        "Content-Digest": f"sha-256=:{base64.b64encode(parcel.digest).decode()}:",
    }
    try:
        # What was said goes to the backend that the job names, and nowhere else, whoever answers with another address.
        async with http.put(
            parcel.address, data=parcel.body.encode(), headers=headers, timeout=REPORT_LIMIT, allow_redirects=False
        ) as answer:
            after = answer.headers.get("Retry-After", "")
            wait = float(after) if after.isdigit() else None
            said = await read(answer)
            if answer.status == 200:
                if receipt_is_for(json.loads(said).get("receipt"), parcel):
                    return Answer(Outcome.DELIVERED)
                return Answer(Outcome.LATER, "the backend's receipt is for something else")
            unknown = refused_with(answer.content_type, said, {"not_found"})
            erased = refused_with(answer.content_type, said, {"erased"})
            never = erased or refused_with(answer.content_type, said, NEVER)
            outcome = Outcome.PARKED if never else Outcome.LATER
            return Answer(outcome, f"{answer.status} {said[:200]}", wait, unknown, erased)
    except (aiohttp.ClientError, asyncio.TimeoutError, OSError, ValueError, AttributeError) as error:
        return Answer(Outcome.LATER, f"{type(error).__name__}: {error}")


async def deliver(http: aiohttp.ClientSession, spool: Spool, path: Path) -> tuple[Outcome | Absent, float | None]:
    """One try of what is spooled, if it is there and no other process is at it."""
    with spool.claimed(path) as parcel:
        if isinstance(parcel, Absent):
            if parcel is Absent.DAMAGED:
                logger.error("the report in %s can't be read; it is kept in %s", path, path.with_suffix(".damaged"))
            return parcel, None
        with about(parcel.address):
            return await _deliver(http, spool, path, parcel)


async def _deliver(http: aiohttp.ClientSession, spool: Spool, path: Path, parcel: Parcel) -> tuple[Outcome, float | None]:
    outcome, why, wait, unknown, erased = await send(http, parcel)
    if erased:
        # Its organiser wanted nothing of it kept: nothing of it stays here either.
        spool.done(path)
        logger.warning("the interview was erased (%s): %s is removed", why, path)
        return Outcome.PARKED, None
    if unknown and spool.age(path) > KEPT_S:
        # Erased at the backend: nothing of it stays here either.
        spool.done(path)
        logger.error("the backend does not know this interview (%s), for two weeks now: %s is removed", why, path)
        return Outcome.PARKED, None
    if outcome is Outcome.DELIVERED:
        spool.done(path)
        logger.info("report delivered to %s", parcel.address)
    elif outcome is Outcome.PARKED:
        parked = spool.park(path, why)
        logger.error("the backend will never take this report (%s); it is kept in %s", why, parked)
    else:
        logger.warning("report not delivered yet (%s); it is kept in %s", why, path)
    return outcome, wait


async def _try(http: aiohttp.ClientSession, spool: Spool, parcel: Parcel) -> tuple[Outcome | Absent, float | None]:
    """One try: from disk, or from memory."""
    found, wait = await deliver(http, spool, spool.path(parcel))
    if found in (Absent.GONE, Absent.DAMAGED, Absent.UNREADABLE):
        found, why, wait, *_ = await send(http, parcel)
        if found is not Outcome.DELIVERED:
            logger.warning("report not delivered (%s); it is in memory only", why)
    return found, wait


async def deliver_until(spool: Spool, parcel: Parcel, seconds: float) -> Outcome:
    """Tries for so many seconds; what is not delivered then waits on disk, if the disk took it. What is not on disk (any
    more) is sent from memory: the same bytes get the same receipt, even if another process sent them before."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    tries = 0
    async with aiohttp.ClientSession() as http:
        while True:
            left = max(end - loop.time(), LEAST_TRY_S)
            try:
                found, wait = await asyncio.wait_for(_try(http, spool, parcel), left)
            except asyncio.TimeoutError:
                found, wait = Outcome.LATER, None
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
                found, _ = await asyncio.wait_for(deliver(http, spool, path), FLUSHED_WITHIN_S)
            except asyncio.TimeoutError:
                found = Outcome.LATER
            except Exception:
                logger.exception("the report in %s was not delivered", path)
                found = Outcome.LATER
            if found is Absent.BUSY or found is Absent.UNREADABLE:
                found = Outcome.LATER
            elif found is Absent.DAMAGED:
                found = Outcome.PARKED
            if isinstance(found, Outcome):
                results[found] += 1
    return results
