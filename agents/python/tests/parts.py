"""The real parts: livekit-server and the Adjourn backend, on loopback."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from livekit import api

from adjourn_agent._target import Target

KEY, SECRET, ORGANISER = "testkey", "test-secret-test-secret-test-secret-0", "test-organiser"
START_S = 15.0


def program(variable: str) -> str:
    """A program's path; `cargo xtask test agent` sets these variables."""
    path = os.environ.get(variable, "")
    assert Path(path).is_file(), f"{variable} must name a program; run these tests by `cargo xtask test agent`"
    return path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


HTTP = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Loopback is reached directly, whatever the environment says."""


def end(process: subprocess.Popen[bytes]) -> None:
    """Kills it, as a crash would."""
    process.kill()
    process.wait()


def until_it_answers(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < until:
        try:
            with HTTP.open(url, timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    end(process)
    raise AssertionError(f"{url} does not answer: {log.read_text()[-2000:]}")


class LiveKit:
    """A livekit-server of the tests' own."""

    def __init__(self, folder: Path) -> None:
        port, tcp, udp = free_port(), free_port(), free_port()
        self.url = f"http://127.0.0.1:{port}"
        config = folder / "livekit.yaml"
        config.write_text(
            f"port: {port}\nbind_addresses: [127.0.0.1]\nkeys: {{{KEY}: {SECRET}}}\n"
            f"rtc: {{tcp_port: {tcp}, udp_port: {udp}, node_ip: 127.0.0.1, use_external_ip: false}}\n"
        )
        log = folder / "livekit.log"
        with log.open("wb") as out:
            command = [program("ADJOURN_LIVEKIT_SERVER"), "--config", str(config)]
            self.process = subprocess.Popen(command, stdout=out, stderr=out)
        until_it_answers(self.url, self.process, log)

    def stop(self) -> None:
        end(self.process)


@dataclass
class Interview:
    """An interview that a candidate has joined."""

    backend: Backend
    id: str

    async def metadata(self) -> str:
        """What a job of this interview gets: LiveKit keeps it with the dispatch."""
        async with api.LiveKitAPI(self.backend.livekit.url, KEY, SECRET) as livekit:
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
    """An Adjourn backend with a fresh database; it can be killed, stopped, and started again."""

    def __init__(self, livekit: LiveKit, folder: Path) -> None:
        self.livekit = livekit
        self.address = f"127.0.0.1:{free_port()}"
        self.url = f"http://{self.address}"
        self.database = folder / "backend.db"
        self.log = folder / "backend.log"
        self.start()

    def start(self) -> None:
        command = [program("ADJOURN_BACKEND"), "serve", "--listen", self.address, "--livekit-url", self.livekit.url]
        command += ["--database", str(self.database), "--livekit-key", KEY]
        with self.log.open("ab") as out:
            environment = os.environ | {"LIVEKIT_API_SECRET": SECRET, "ADJOURN_ORGANISER_KEY": ORGANISER}
            self.process = subprocess.Popen(command, stdout=out, stderr=out, env=environment)
        until_it_answers(f"{self.url}/readyz", self.process, self.log)

    def kill(self) -> None:
        end(self.process)

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {ORGANISER}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        with HTTP.open(request, timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def interview(self) -> Interview:
        """Creates an interview and joins it as its candidate does, which dispatches the interviewer."""
        command = [program("ADJOURN_BACKEND"), "invite", "--json", "--title", "A talk", "--candidate", "Sam"]
        environment = os.environ | {"ADJOURN_DATABASE": str(self.database), "ADJOURN_PUBLIC_URL": self.url}
        said = subprocess.run(command, env=environment, capture_output=True, check=True).stdout
        invitation = json.loads(said)
        code = invitation["link"].split("code=")[1]
        client = {"version": "1", "platform": "test", "kiosk": False}
        self.ask("POST", "/v1/join", {"code": code, "join_id": secrets.token_hex(16), "client": client})
        return Interview(self, invitation["id"])
