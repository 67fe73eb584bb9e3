"""Reports on disk until the backend has acknowledged them: a job that dies leaves them to a later one."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from enum import Enum
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit


NAME = re.compile(r"[0-9a-f]{32}\.json")
"""What a parcel's file is called."""


def name_of(address: str) -> str:
    """What files about a record are called, without their ending: one name for every process that writes them."""
    return hashlib.sha256(address.encode()).hexdigest()[:32]


def default_folder() -> Path:
    """``ADJOURN_SPOOL``, or a folder of the user's own."""
    given = os.environ.get("ADJOURN_SPOOL")
    if given:
        return Path(given)
    state = os.environ.get("XDG_STATE_HOME")
    try:
        return (Path(state) if state else Path.home() / ".local" / "state") / "adjourn-agent"
    except RuntimeError:
        # A container's user may have no home.
        return Path(tempfile.gettempdir()) / f"adjourn-agent-{os.getuid()}"


class Absent(Enum):
    """Why there is no parcel to be had."""

    BUSY = "another process has it"
    GONE = "it is not there"
    DAMAGED = "it is no report; it is set aside"
    UNREADABLE = "it can't be opened"


@dataclass(frozen=True)
class Parcel:
    """One record on its way."""

    address: str
    token: str = field(repr=False)
    body: str = field(repr=False)

    @staticmethod
    def read(kept: object) -> Parcel:
        """What is kept of one; raises ``ValueError``, ``TypeError`` or ``KeyError`` if it can't be sent. What a newer version keeps
        besides is nothing to this one."""
        if not isinstance(kept, dict):
            raise TypeError("not an object")
        parcel = Parcel(kept["address"], kept["token"], kept["body"])
        if not all(isinstance(part, str) for part in (parcel.address, parcel.token, parcel.body)):
            raise TypeError("not a text")
        if not urlsplit(parcel.address).hostname or not (parcel.token.isascii() and parcel.token.isprintable()):
            raise ValueError("no address, or a token that no request can carry")
        parcel.digest  # noqa: B018 - what can't be encoded can't be sent
        return parcel

    @property
    def digest(self) -> bytes:
        """SHA-256 of the bytes that are sent."""
        return hashlib.sha256(self.body.encode()).digest()

    @property
    def name(self) -> str:
        """File name: one per record, for every process that writes it."""
        return name_of(self.address) + ".json"


def is_still(path: Path, file: IO[str]) -> bool:
    """Whether a path names the file that is open."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except OSError:
        return False


class Spool:
    """A folder that only its owner can read."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or default_folder()

    def make(self) -> None:
        """Makes the folder, if it is not there."""
        # A folder that was there before is somebody's; each file is ours alone in any case.
        if not self.folder.is_dir():
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.chmod(self.folder, 0o700)

    def check(self) -> None:
        """Raises ``OSError`` with one sentence, if nothing can be looked for here."""
        if not self.folder.exists():
            raise FileNotFoundError(f"there is no folder {self.folder}; give the jobs' own with --spool or ADJOURN_SPOOL")
        if not self.folder.is_dir():
            raise NotADirectoryError(f"{self.folder} is no folder; give the jobs' own with --spool or ADJOURN_SPOOL")
        os.listdir(self.folder)

    def path(self, parcel: Parcel) -> Path:
        """Where a parcel is, or would be."""
        return self.folder / parcel.name

    def put(self, parcel: Parcel) -> Path:
        """Writes a parcel and waits for the disk. The first of an address stays: what was sent must not change."""
        self.make()
        path = self.path(parcel)
        if not path.exists():
            self._write(parcel, path)
        return path

    def _write(self, parcel: Parcel, path: Path) -> None:
        handle, temporary = tempfile.mkstemp(dir=self.folder, prefix=".", suffix=".part")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(asdict(parcel), file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def replace(self, parcel: Parcel) -> bool:
        """Puts a parcel in the place of an earlier one of that address, unless that one is being sent or was: what was sent
        must not change. Gives whether it did."""
        path = self.path(parcel)
        with self.claimed(path) as earlier:
            if not isinstance(earlier, Parcel):
                return False
            self._write(parcel, path)
            return True

    def waiting(self) -> list[Path]:
        """What waits, newest first: what has waited long may wait for ever, and holds up nothing that does not."""
        if not self.folder.is_dir():
            return []
        found = []
        for path in self.folder.iterdir():
            # Somebody else's files stay as they are.
            if NAME.fullmatch(path.name):
                # It may be delivered by another process between the listing and the look.
                with suppress(FileNotFoundError):
                    found.append((path.stat().st_mtime, path))
        return [path for _, path in sorted(found, reverse=True)]

    def set_aside(self) -> int:
        """How many reports are kept here that nobody takes."""
        try:
            return sum(path.suffix in (".parked", ".damaged") for path in self.folder.iterdir())
        except OSError:
            return 0

    def age(self, path: Path) -> float:
        """Seconds since it was put here."""
        try:
            return time.time() - path.stat().st_mtime
        except OSError:
            return 0.0

    @contextmanager
    def claimed(self, path: Path) -> Iterator[Parcel | Absent]:
        """Reads a parcel while no other process has it. What is damaged is set aside with the ending ``.damaged``, its
        bytes as they are."""
        try:
            file = path.open("r", encoding="utf-8")
        except FileNotFoundError:
            yield Absent.GONE
            return
        except OSError:
            yield Absent.UNREADABLE
            return
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield Absent.BUSY
                return
            except OSError:
                # A file system without locks (some network volumes): two may send it, and the same bytes get the same receipt.
                pass
            if not is_still(path, file):
                # Delivered, or replaced, between opening and locking it.
                yield Absent.GONE
                return
            try:
                parcel = Parcel.read(json.load(file))
            except (ValueError, TypeError, KeyError, RecursionError):
                os.replace(path, path.with_suffix(".damaged"))
                yield Absent.DAMAGED
                return
            yield parcel

    def done(self, path: Path) -> None:
        """Removes what was acknowledged."""
        path.unlink(missing_ok=True)

    def park(self, path: Path, why: str) -> Path:
        """Sets aside what will never be taken, with the reason beside it."""
        parked = path.with_suffix(".parked")
        os.replace(path, parked)
        path.with_suffix(".why").write_text(why + "\n", encoding="utf-8")
        return parked
