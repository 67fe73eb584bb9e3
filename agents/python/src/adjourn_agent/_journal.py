"""What a session says, on disk as it is said: a job that is killed leaves it to whoever finds it (see ``_sentinel``).

One file for each session, locked by its process for as long as that lives: who gets the lock of a file that is still there
knows that the process is gone, and that it did not end as it should. No process ids: they are used again.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from ._spool import Parcel, Spool, is_still, name_of

logger = logging.getLogger("adjourn_agent")

NAME = re.compile(r"[0-9a-f]{32}\.job")
"""What a journal's file is called."""
JUST_MADE_S = 60.0
"""A journal without its first line is about to be written for so long."""
DIED = "died"
"""End reason of the report that is made of one."""


class Journal:
    """Of a session that lives. Nothing here raises: what can't be written is said once."""

    def __init__(self, spool: Spool, address: str, token: str, identity: str) -> None:
        self._path = spool.folder / (name_of(address) + ".job")
        self._file: IO[str] | None = None
        try:
            spool.make()
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            self._file = os.fdopen(handle, "w", encoding="utf-8")
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._write({"address": address, "token": token, "identity": identity})
        except OSError as error:
            self._give_up(error)

    def add(self, item: dict[str, Any]) -> None:
        """A turn was said."""
        try:
            self._write(item)
        except OSError as error:
            self._give_up(error)

    def _write(self, line: dict[str, Any]) -> None:
        if self._file is not None:
            # To the system, not to the disk: it is for a process that dies, and must not hold up a conversation.
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()

    def _give_up(self, error: OSError) -> None:
        logger.warning("what is said is not kept on disk as it is said (%s)", error)
        self.end()

    def end(self) -> None:
        """The session's report is on its way: nothing of this is needed any more."""
        if self._file is None:
            return
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
        with suppress(OSError):
            self._file.close()
        self._file = None


@dataclass(frozen=True)
class Left:
    """What a process left that is gone."""

    address: str
    token: str = field(repr=False)
    identity: str
    items: list[dict[str, Any]] = field(repr=False)
    unreadable: int = 0
    """Lines between them, or after them, that nobody can read."""

    @property
    def died(self) -> str:
        """Where the backend is told of it."""
        return self.address + "/died"

    def parcel(self) -> Parcel:
        """The report that the process can make no more."""
        messages = [
            {
                "type": "message",
                "id": item.get("id"),
                "role": item.get("role"),
                "content": [item.get("text")],
                "created_at": item.get("created_at"),
                "interrupted": item.get("interrupted"),
            }
            for item in self.items
        ]
        report: dict[str, object] = {"chat_history": {"items": messages}, "end_reason": DIED}
        if self.unreadable:
            # Who reads it is told that something is missing.
            report["unreadable"] = self.unreadable
        return Parcel(self.address, self.token, json.dumps(report))


def journals(spool: Spool) -> list[Path]:
    """Those of sessions that live, and those that were left."""
    try:
        return sorted(path for path in spool.folder.iterdir() if NAME.fullmatch(path.name))
    except OSError:
        return []


@contextmanager
def left(path: Path, *, waits: bool) -> Iterator[Left | None]:
    """What a process left, while nobody else has it. ``waits``: until that process is gone. ``None``: it lives, it ended as
    it should, or somebody else has it."""
    try:
        # A letter that a broken disk made unreadable takes no other one along.
        file = path.open("r", encoding="utf-8", errors="replace")
    except OSError:
        yield None
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX if waits else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield None
            return
        if not is_still(path, file):
            yield None
            return
        found = _read(file)
        # Its process may be about to lock and write what it has just made.
        if found is None and time.time() - os.fstat(file.fileno()).st_mtime > JUST_MADE_S:
            aside = path.with_suffix(".damaged")
            logger.error("what a job said can't be read; it is kept in %s", aside)
            with suppress(OSError):
                os.replace(path, aside)
        yield found


def _read(file: IO[str]) -> Left | None:
    """As far as it can be read: a line that was not written to its end, or that a computer's loss of power made unreadable, takes
    none of those after it along."""
    first, *rest = [_parsed(line) for line in file] or [None]
    if first is None or not first.keys() >= {"address", "token", "identity"}:
        return None
    items = [item for item in rest if item is not None]
    return Left(str(first["address"]), str(first["token"]), str(first["identity"]), items, len(rest) - len(items))


def _parsed(line: str) -> dict[str, Any] | None:
    """``None``: it can't be read."""
    try:
        read = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return read if isinstance(read, dict) else None
