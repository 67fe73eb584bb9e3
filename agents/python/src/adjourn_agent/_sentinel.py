"""The sentinel: a small process beside a worker that outlives its jobs.

When a job's process is gone without a goodbye (SIGKILL, out of memory, a crash), it tells the backend so and delivers what the
job left on disk. It waits for the locks of their journals, so it knows at once. What waits on disk because the backend was away, it
tries again. It has no port and needs no rights, ends with its worker, and loses nothing if it is killed: the next job delivers
what it did not.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import random
import select
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

import aiohttp

from ._delivery import LIMIT, Outcome, deliver_until, flush, pause, read, refused_with
from ._journal import Left, journals, left
from ._log import about
from ._spool import Spool

logger = logging.getLogger("adjourn_agent")

LOOK_S = 0.25
"""So often it looks for jobs that began."""
TOLD_WITHIN_S = 60.0
"""The backend is told of a death for so long; later nobody waits for it."""
DELIVERED_WITHIN_S = 300.0
"""What a job left is tried for so long at once; then it waits on disk as every report does."""
SOON_S = 10.0
"""What waits on disk is tried again after so long at most, while the backend takes something."""
SELDOM_S = 60.0
"""And after so long at most while it takes nothing."""
SETTLED_S = 5.0
"""What was put on disk just now, its own job sends."""
NEVER_TOLD = {"unauthorised", "not_found", "erased", "bad_json", "bad_identity"}
"""Refusals of the backend itself that the same word will get again."""


def _lock_of(spool: Spool, worker: int) -> Path:
    return spool.folder / f"sentinel-{worker}.lock"


def start(spool: Spool, worker: int) -> None:
    """Starts the sentinel of a worker, if there is none. Never raises."""
    try:
        with _lock_of(spool, worker).open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
        # In a session of its own: what ends a job's group does not end it.
        subprocess.Popen(
            [sys.executable, "-m", "adjourn_agent", "sentinel", "--spool", str(spool.folder), "--worker", str(worker)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            close_fds=True,
        )
    except OSError as error:
        logger.warning("no sentinel watches this job (%s): what it says is reported by the next job if it is killed", error)


class Sentinel:
    """Watches every journal of a spool."""

    def __init__(self, spool: Spool, worker: int) -> None:
        self.spool = spool
        self.worker = worker
        self._watched: dict[Path, threading.Thread] = {}
        self._over = threading.Event()
        self._handle: int | None = None
        if sys.platform == "linux":
            # A number of a process is given again; this is that very one's.
            # (A Python that was built on an old system has no such function.)
            with suppress(OSError, AttributeError):
                self._handle = os.pidfd_open(worker)

    def run(self) -> None:
        """Until the worker is gone, and what its jobs left is delivered or waits on disk."""
        lock = self._locked()
        if lock is None:
            return
        with lock:
            threading.Thread(target=self._flush, daemon=True).start()
            while self._worker_lives():
                for path in journals(self.spool):
                    # One that could not be removed is delivered, and not again.
                    if path not in self._watched:
                        self._watched[path] = threading.Thread(target=self._watch, args=(path,), daemon=True)
                        self._watched[path].start()
                self._watched = {path: thread for path, thread in self._watched.items() if thread.is_alive() or path.exists()}
                time.sleep(LOOK_S)
            self._over.set()
            # Its jobs go with it, at once or in some seconds.
            for path in journals(self.spool):
                if path not in self._watched or not self._watched[path].is_alive():
                    _deliver(self.spool, path, waits=False)
            end = time.monotonic() + DELIVERED_WITHIN_S
            for thread in self._watched.values():
                thread.join(max(0.0, end - time.monotonic()) if thread.is_alive() else 0.0)
            with suppress(OSError):
                _lock_of(self.spool, self.worker).unlink()

    def _flush(self) -> None:
        """Tries again what waits on disk, for as long as the worker lives: the job that made it may be over, and the next one far
        away."""
        in_vain = 0
        while not self._over.wait(min(SOON_S * 2**in_vain, SELDOM_S) * (0.5 + random.random() / 2)):
            if not any(self.spool.age(path) > SETTLED_S for path in self.spool.waiting()):
                continue
            try:
                results = asyncio.run(flush(self.spool))
            except Exception:
                logger.exception("the spool %s can't be used", self.spool.folder)
                continue
            in_vain = 0 if results[Outcome.DELIVERED] or not results[Outcome.LATER] else min(in_vain + 1, 10)

    def _locked(self) -> IO[str] | None:
        lock = _lock_of(self.spool, self.worker).open("a")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return None
        return lock

    def _worker_lives(self) -> bool:
        if self._handle is not None:
            # A process that ended and that nobody has taken note of yet still has its number.
            return not select.select([self._handle], [], [], 0)[0]
        try:
            os.kill(self.worker, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True

    def _watch(self, path: Path) -> None:
        _deliver(self.spool, path, waits=True)


def _deliver(spool: Spool, path: Path, *, waits: bool) -> bool:
    """Delivers what a process left. Gives whether it left anything."""
    try:
        with left(path, waits=waits) as found:
            if found is None:
                return False
            with about(found.address):
                _keep(spool, path, found)
        with about(found.address):
            if asyncio.run(_tell_and_deliver(spool, found)):
                path.unlink(missing_ok=True)
    except Exception:
        logger.exception("what %s holds could not be delivered", path)
    return True


def _keep(spool: Spool, path: Path, found: Left) -> None:
    """Puts the report that a process can make no more where everything waits that has no receipt."""
    logger.warning("%s is gone without a goodbye: what it said is reported", found.identity)
    if found.unreadable:
        logger.error("%d lines of what %s said can't be read", found.unreadable, found.identity)
    try:
        # A report of its own that it had made already stays.
        spool.put(found.parcel())
        path.unlink(missing_ok=True)
    except OSError as error:
        logger.error("what %s left can't be written to %s (%s); it is sent from memory", found.identity, spool.folder, error)


async def _tell_and_deliver(spool: Spool, found: Left) -> bool:
    """Gives whether what was said is settled: taken, or refused for good."""
    told, delivered = await asyncio.gather(_tell(found), deliver_until(spool, found.parcel(), DELIVERED_WITHIN_S))
    if delivered is Outcome.DELIVERED:
        logger.info("%s: what it said is delivered%s", found.identity, "" if told else "; that it died, nobody was told")
    return delivered is not Outcome.LATER


async def _tell(found: Left) -> bool:
    """Tells the backend that the job is gone. Gives whether it knows."""
    loop = asyncio.get_running_loop()
    end = loop.time() + TOLD_WITHIN_S
    tries = 0
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {found.token}"}) as http:
        while True:
            try:
                body = {"identity": found.identity}
                async with http.post(found.died, json=body, timeout=LIMIT, allow_redirects=False) as answer:
                    if answer.status == 204:
                        return True
                    if refused_with(answer.content_type, await read(answer), NEVER_TOLD):
                        return False
            except (aiohttp.ClientError, asyncio.TimeoutError, OSError, ValueError):
                pass
            rest = pause(tries, None, random.random())
            if loop.time() + rest > end:
                return False
            tries += 1
            await asyncio.sleep(rest)


def deliver_left(spool: Spool) -> int:
    """Delivers what processes left that no sentinel looked after. Gives how many there were."""
    return sum(_deliver(spool, path, waits=False) for path in journals(spool))
