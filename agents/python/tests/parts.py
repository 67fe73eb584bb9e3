"""The real parts: livekit-server and the Adjourn backend, as `adjourn-testbed up` starts them."""

from __future__ import annotations

import json
import os
import secrets
import select
import signal
import subprocess
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from livekit import api

from adjourn_agent._target import Target

STARTS_S, STOPS_S = 30.0, 10.0

HTTP = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Loopback is reached directly, whatever the environment says."""


def program(variable: str) -> str:
    """A program's path; `cargo xtask test agent` sets these variables."""
    path = os.environ.get(variable, "")
    assert Path(path).is_file(), f"{variable} must name a program; run these tests by `cargo xtask test agent`"
    return path


@dataclass(frozen=True)
class Up:
    """What `adjourn-testbed up` says: where everything is."""

    livekit: str
    livekit_key: str
    livekit_secret: str
    backend: str
    backend_pid: int
    database: str
    organiser: str


@dataclass
class Interview:
    """An interview that a candidate has joined."""

    backend: Backend
    id: str

    async def metadata(self) -> str:
        """What a job of this interview gets: LiveKit keeps it with the dispatch."""
        up = self.backend.up
        async with api.LiveKitAPI(up.livekit, up.livekit_key, up.livekit_secret) as livekit:
            dispatches = await livekit.agent_dispatch.list_dispatch(self.id)
        assert [dispatch.agent_name for dispatch in dispatches] == ["interviewer"]
        metadata: str = dispatches[0].metadata
        return metadata

    async def target(self) -> Target:
        target = Target.of(await self.metadata())
        assert target is not None and target.interview_id == self.id
        return target

    def status(self) -> dict[str, Any]:
        return self.backend.ask("GET", f"/v1/interviews/{self.id}")

    def transcript(self) -> dict[str, Any]:
        return self.backend.ask("GET", f"/v1/interviews/{self.id}/transcript")


class Backend:
    """An Adjourn backend with a fresh database and a livekit-server; it can be killed, stopped, and started again."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "testbed.log"
        command = [program("ADJOURN_TESTBED"), "up", "--folder", str(folder)]
        with self.log.open("wb") as log:
            # In a session of its own: Ctrl-C here ends it by its standard input, and it ends its servers.
            self.testbed = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, start_new_session=True
            )
        self.up = self._up()

    def _up(self) -> Up:
        assert self.testbed.stdout is not None
        ready, _, _ = select.select([self.testbed.stdout], [], [], STARTS_S)
        line = self.testbed.stdout.readline() if ready else b""
        assert line, f"the testbed did not start: {self.log.read_text()[-2000:]}"
        return Up(**json.loads(line))

    def _order(self, order: str) -> None:
        assert self.testbed.stdin is not None
        self.testbed.stdin.write(json.dumps(order).encode() + b"\n")
        self.testbed.stdin.flush()
        self.up = self._up()

    def stop(self) -> None:
        """Ends everything."""
        self.testbed.communicate(timeout=STOPS_S)

    def kill(self) -> None:
        """Kills the backend, as a crash would."""
        self._order("kill-backend")

    def start(self) -> None:
        """Starts it again, on the same address and database."""
        self._order("start-backend")

    def freeze(self) -> None:
        os.kill(self.up.backend_pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.up.backend_pid, signal.SIGCONT)

    def ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.up.organiser}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.up.backend + path, data, headers, method=method)
        with HTTP.open(request, timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def interview(self) -> Interview:
        """Creates an interview and joins it as its candidate does, which dispatches the interviewer."""
        command = [program("ADJOURN_BACKEND"), "invite", "--json", "--title", "A talk", "--candidate", "Sam"]
        environment = os.environ | {"ADJOURN_DATABASE": self.up.database, "ADJOURN_PUBLIC_URL": self.up.backend}
        said = subprocess.run(command, env=environment, capture_output=True, check=True).stdout
        invitation = json.loads(said)
        code = invitation["link"].split("code=")[1]
        client = {"version": "1", "platform": "test", "kiosk": False}
        self.ask("POST", "/v1/join", {"code": code, "join_id": secrets.token_hex(16), "client": client})
        return Interview(self, invitation["id"])
