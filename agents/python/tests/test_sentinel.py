"""What a killed job said arrives, and that it is gone."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import Stub, refusal

from adjourn_agent import Spool
from adjourn_agent._journal import Journal, journals, left
from adjourn_agent._sentinel import deliver_left

SOON_S = 2.5
"""The candidate's client is to know within this after a kill."""

JOB = """
import sys, time
from pathlib import Path
from adjourn_agent._journal import Journal
from adjourn_agent._spool import Spool
journal = Journal(Spool(Path(sys.argv[1])), sys.argv[2], "secret-token", "agent-AJ_1")
journal.add({"id": "1", "role": "assistant", "text": "Tell me.", "created_at": 1.0, "interrupted": False})
journal.add({"id": "2", "role": "user", "text": "I wrote it. \\u00e9", "created_at": 2.0, "interrupted": False})
print("said", flush=True)
if sys.argv[3] == "ends":
    sys.stdin.readline()
    journal.end()
time.sleep(60)
"""


class Worker:
    """A process with a job and a sentinel of its own."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.process = subprocess.Popen(["sleep", "120"])
        self.others: list[subprocess.Popen[str]] = []

    def job(self, what: str = "stays") -> subprocess.Popen[str]:
        address = f"{self.url}/v1/interviews/i/attempts/1/records/agent:AJ_1"
        job = self._python("-c", JOB, str(self.folder), address, what)
        assert job.stdout is not None and job.stdout.readline() == "said\n"
        return job

    def sentinel(self) -> subprocess.Popen[str]:
        worker = str(self.process.pid)
        return self._python("-m", "adjourn_agent", "sentinel", "--spool", str(self.folder), "--worker", worker)

    def _python(self, *arguments: str) -> subprocess.Popen[str]:
        started = subprocess.Popen(
            [sys.executable, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=sys.stderr, text=True
        )
        self.others.append(started)
        return started

    def ends(self) -> None:
        for process in [self.process, *self.others]:
            process.kill()
            process.wait()


@pytest.fixture
def worker(tmp_path: Path, stub: Stub) -> Iterator[Worker]:
    made = Worker(tmp_path, stub.url)
    yield made
    made.ends()


async def until(what: Callable[[], bool], seconds: float = 10.0) -> float:
    """Seconds until it is so."""
    began = time.monotonic()
    while not what():
        assert time.monotonic() - began < seconds, "it did not become so"
        await asyncio.sleep(0.02)
    return time.monotonic() - began


def report_of(stub: Stub) -> dict[str, object]:
    bodies = [json.loads(body) for body in stub.bodies]
    [report] = [body for body in bodies if "chat_history" in body]
    assert isinstance(report, dict)
    return report


async def test_what_a_killed_job_said_arrives_and_that_it_is_gone(worker: Worker, stub: Stub, tmp_path: Path) -> None:
    sentinel = worker.sentinel()
    job = worker.job()
    # It watches from its first look on.
    await until(lambda: any(tmp_path.glob("sentinel-*.lock")))
    job.send_signal(signal.SIGKILL)
    took = await until(lambda: len(stub.bodies) == 2)
    assert took < SOON_S, took
    assert {"identity": "agent-AJ_1"} in [json.loads(body) for body in stub.bodies]
    report = report_of(stub)
    texts = [item["content"] for item in report["chat_history"]["items"]]  # type: ignore[index]
    assert (texts, report["end_reason"]) == ([["Tell me."], ["I wrote it. \u00e9"]], "died")
    await until(lambda: not journals(Spool(tmp_path)) and not Spool(tmp_path).waiting())
    # It ends with its worker.
    worker.process.kill()
    worker.process.wait()
    await until(lambda: sentinel.poll() is not None)
    assert not list(tmp_path.glob("sentinel-*.lock"))


async def test_what_waits_on_disk_is_tried_again_although_no_job_begins(worker: Worker, stub: Stub, tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    path = spool.put(stub.parcel())
    os.utime(path, (0, 0))
    worker.sentinel()
    await until(lambda: not spool.waiting(), 15.0)
    assert len(stub.bodies) == 1


async def test_a_job_that_ends_as_it_should_or_is_frozen_is_not_reported(worker: Worker, stub: Stub, tmp_path: Path) -> None:
    worker.sentinel()
    frozen, ends = worker.job("ends"), None
    await until(lambda: any(tmp_path.glob("sentinel-*.lock")))
    frozen.send_signal(signal.SIGSTOP)
    await asyncio.sleep(1.0)
    assert not stub.bodies
    frozen.send_signal(signal.SIGCONT)
    ends = frozen
    assert ends.stdin is not None
    ends.stdin.write("\n")
    ends.stdin.flush()
    await until(lambda: not journals(Spool(tmp_path)))
    ends.kill()
    ends.wait()
    await asyncio.sleep(1.0)
    assert not stub.bodies


async def test_a_sentinel_that_is_killed_loses_nothing(worker: Worker, stub: Stub, tmp_path: Path) -> None:
    job = worker.job()
    job.kill()
    job.wait()
    # No sentinel was there: the next job, or a person's flush, delivers it.
    assert await asyncio.to_thread(deliver_left, Spool(tmp_path)) == 1
    assert len(stub.bodies) == 2 and report_of(stub)["end_reason"] == "died"
    assert await asyncio.to_thread(deliver_left, Spool(tmp_path)) == 0


async def test_a_disk_that_is_full_when_it_dies_is_no_reason_to_report_it_again_and_again(
    worker: Worker, stub: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = worker.job()
    job.kill()
    job.wait()

    def full(self: Spool, parcel: object) -> Path:
        raise OSError("no space left on device")

    monkeypatch.setattr(Spool, "put", full)
    assert await asyncio.to_thread(deliver_left, Spool(tmp_path)) == 1
    assert len(stub.bodies) == 2 and not journals(Spool(tmp_path))


async def test_two_sentinels_report_once_and_a_backend_that_is_away_is_tried_again(worker: Worker, stub: Stub, tmp_path: Path) -> None:
    stub.answers = [refusal(503, "busy"), refusal(503, "busy")]
    for _ in range(2):
        # Of one worker: the second ends at once.
        worker.sentinel()
    job = worker.job()
    await until(lambda: any(tmp_path.glob("sentinel-*.lock")))
    await until(lambda: sum(other.poll() is not None for other in worker.others) == 1)
    job.kill()
    await until(lambda: len(stub.bodies) == 4)
    await asyncio.sleep(0.5)
    assert len(stub.bodies) == 4


def test_a_line_that_cant_be_read_takes_no_other_along_and_is_told_of(tmp_path: Path) -> None:
    journal = Journal(Spool(tmp_path), "https://example.com/r", "t", "agent-1")
    journal.add({"id": "1", "role": "user", "text": "whole"})
    [path] = journals(Spool(tmp_path))
    with left(path, waits=False) as found:
        assert found is None, "its process lives"
    with path.open("ab") as file:
        # One that a computer's loss of power made unreadable, one after it, and one that was not written to its end.
        file.write(b'\0\0\xff\n{"id": "3", "role": "assistant", "text": "after it"}\n[]\n{"id": "4", "text": "ha')
    journal._file.close()  # type: ignore[union-attr]
    with left(path, waits=False) as found:
        assert found is not None
        assert [item["id"] for item in found.items] == ["1", "3"]
        assert json.loads(found.parcel().body)["unreadable"] == 3, "who reads it is told that something is missing"
        assert "t" == found.token and "'t'" not in repr(found)


def test_what_cant_be_read_is_set_aside(tmp_path: Path) -> None:
    for name, written in (("0" * 32, b""), ("1" * 32, b"\0\0\0"), ("2" * 32, b"[]\n"), ("3" * 32, b"\xff\xfe\n")):
        path = tmp_path / f"{name}.job"
        path.write_bytes(written)
        with left(path, waits=False) as found:
            assert found is None and path.exists(), "it may be about to be written"
        os.utime(path, (0, 0))
        with left(path, waits=False) as found:
            assert found is None, written
        assert not path.exists() and path.with_suffix(".damaged").read_bytes() == written


def test_a_disk_that_takes_nothing_holds_up_no_conversation(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    nowhere = tmp_path / "file"
    nowhere.write_text("")
    journal = Journal(Spool(nowhere / "below"), "https://example.com/r", "t", "agent-1")
    journal.add({"id": "1"})
    journal.end()
    assert sum("not kept on disk" in record.message for record in caplog.records) == 1
    assert os.path.getsize(nowhere) == 0
