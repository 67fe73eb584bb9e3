"""A backend that behaves as told (its answers are data of each test), and the real one."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from parts import Backend

from adjourn_agent import Spool
from adjourn_agent._spool import Parcel


def receipt(body: bytes) -> str:
    claims = json.dumps({"sha256": hashlib.sha256(body).hexdigest()}).encode()
    return f"e30.{base64.urlsafe_b64encode(claims).rstrip(b'=').decode()}.c2ln"


@dataclass
class Stub:
    url: str = ""
    answers: list[Callable[[bytes], web.Response]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def parcel(self, body: str = '{"a": 1}') -> Parcel:
        return Parcel(f"{self.url}/v1/interviews/i/attempts/1/records/agent:AJ_1", "secret-token", body)

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.bodies.append(body)
        self.headers.append(dict(request.headers))
        script = self.answers.pop(0) if self.answers else ok if request.method == "PUT" else taken
        return script(body)


def ok(body: bytes) -> web.Response:
    return web.json_response({"receipt": receipt(body)})


def taken(_body: bytes) -> web.Response:
    """Of a turn."""
    return web.Response(status=204)


def status(code: int, **headers: str) -> Callable[[bytes], web.Response]:
    return lambda _body: web.json_response({"code": "x"}, status=code, headers=headers)


def refusal(code: int, word: str) -> Callable[[bytes], web.Response]:
    """The backend's own."""
    return lambda _body: web.json_response({"code": word}, status=code, content_type="application/problem+json")


@pytest_asyncio.fixture
async def stub() -> AsyncIterator[Stub]:
    stub = Stub()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", stub.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    stub.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield stub
    await runner.cleanup()


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[Backend]:
    backend = Backend(tmp_path)
    yield backend
    backend.stop()
