from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from conftest import Stub, ok, refusal, status, taken

from adjourn_agent import Spool
from adjourn_agent._delivery import NEVER, Outcome, deliver_until, flush, pause, send
from adjourn_agent._items import NEVER_AN_ITEM, Items
from adjourn_agent._sentinel import NEVER_TOLD
from adjourn_agent._target import Target


async def test_the_same_bytes_until_the_receipt_names_them(stub: Stub, spool: Spool) -> None:
    stub.answers = [status(503, **{"Retry-After": "0"}), status(500), lambda _b: ok(b"other bytes"), status(401)]
    spool.put(stub.parcel())
    assert await deliver_until(spool, stub.parcel(), 20) is Outcome.DELIVERED
    assert len(stub.bodies) == 5 and set(stub.bodies) == {b'{"a": 1}'}
    assert stub.headers[0]["Content-Digest"].startswith("sha-256=:")
    assert stub.headers[0]["Authorization"] == "Bearer secret-token"
    assert spool.waiting() == []


@pytest.mark.parametrize(("code", "word"), [(400, "bad_record"), (409, "record_exists"), (413, "too_large")])
async def test_what_will_never_be_taken_is_set_aside_with_its_reason(
    stub: Stub, spool: Spool, code: int, word: str
) -> None:
    stub.answers = [refusal(code, word)]
    path = spool.put(stub.parcel())
    assert await deliver_until(spool, stub.parcel(), 5) is Outcome.PARKED
    assert path.with_suffix(".parked").exists()
    assert path.with_suffix(".why").read_text().startswith(f"{code} ")
    assert spool.waiting() == []


async def test_what_a_proxy_or_a_deployment_says_parks_nothing(stub: Stub, spool: Spool) -> None:
    """Only the backend itself refuses for good, in its own words."""
    spool.put(stub.parcel())
    stub.answers = [status(code) for code in (400, 404, 409, 413, 422)]
    stub.answers += [lambda _b: web.Response(status=413, text="<html>Request Entity Too Large</html>")]
    stub.answers += [refusal(404, "not_found"), refusal(400, "bad_digest"), refusal(400, "bad_request")]
    async with aiohttp.ClientSession() as http:
        for _ in range(9):
            outcome, why, *_ = await send(http, stub.parcel())
            assert outcome is Outcome.LATER, why
    assert await deliver_until(spool, stub.parcel(), 5) is Outcome.DELIVERED


async def test_what_was_said_follows_nobody_elsewhere_and_no_page_takes_it(stub: Stub, spool: Spool) -> None:
    spool.put(stub.parcel())
    elsewhere = f"{stub.url}/elsewhere"
    endless = lambda _b: web.Response(text="x" * 200_000)  # noqa: E731
    page = lambda _b: web.Response(text="<html>Welcome</html>")  # noqa: E731
    stub.answers = [status(code, Location=elsewhere) for code in (302, 307, 308)] + [endless, page]
    stub.answers += [refusal(400, "broke_off")]
    async with aiohttp.ClientSession() as http:
        for _ in range(6):
            outcome, why, *_ = await send(http, stub.parcel())
            assert outcome is Outcome.LATER, why
    assert len(stub.bodies) == 6, "each try is one request"
    # A turn likewise: only the backend's own answer takes it.
    target = Target.of(json.dumps({"report_url": stub.url, "interview_id": "i", "attempt": 1, "report_token": "t"}))
    assert target is not None
    stub.bodies.clear()
    stub.answers = [page, status(307, Location=elsewhere), taken]
    items = Items(target, "agent:AJ_1")
    items.put({"id": "1", "role": "user", "text": "Hello."})
    await items.flush(10)
    assert len(stub.bodies) == 3 and len(set(stub.bodies)) == 1


async def test_a_spool_that_is_gone_or_damaged_delivers_nothing_by_itself(stub: Stub, spool: Spool) -> None:
    path = spool.put(stub.parcel())
    path.write_text("{torn")
    assert (await flush(spool)) == {Outcome.DELIVERED: 0, Outcome.LATER: 0, Outcome.PARKED: 1}
    assert stub.bodies == []
    # The process that still has it in memory sends it.
    assert await deliver_until(spool, stub.parcel(), 5) is Outcome.DELIVERED
    stub.answers = [status(503)] * 10
    assert await deliver_until(Spool(Path("/nowhere/at/all")), stub.parcel(), 0.6) is Outcome.LATER


async def test_a_parcel_that_can_not_be_sent_holds_up_no_other(stub: Stub, spool: Spool) -> None:
    path = spool.put(stub.parcel())
    poison = spool.folder / f"{0:032}.json"
    poison.write_text(json.dumps({"address": stub.url, "token": "t", "body": "\ud83d"}))
    os.utime(poison, (0, 0))
    assert sorted(spool.waiting()) == sorted([poison, path])
    assert (await flush(spool))[Outcome.DELIVERED] == 1
    assert poison.with_suffix(".damaged").exists() and spool.waiting() == []


async def test_what_can_not_be_delivered_waits_for_a_later_flush(stub: Stub, spool: Spool) -> None:
    spool.put(stub.parcel())
    stub.answers = [status(503)] * 10
    assert await deliver_until(spool, stub.parcel(), 1.0) is Outcome.LATER
    stub.answers = []
    assert (await flush(spool))[Outcome.DELIVERED] == 1
    assert (await flush(spool)) == dict.fromkeys(Outcome, 0)


async def test_of_an_interview_that_was_erased_nothing_stays(stub: Stub, spool: Spool) -> None:
    spool.put(stub.parcel())
    # Only the backend itself says so: a proxy's 410 is none.
    stub.answers = [status(410), refusal(410, "erased")]
    assert await deliver_until(spool, stub.parcel(), 5) is Outcome.PARKED
    assert len(stub.bodies) == 2
    assert spool.waiting() == [] and not any(path.is_file() for path in spool.folder.rglob("*parked*"))


async def test_a_host_that_is_not_there_is_later(spool: Spool) -> None:
    stub = Stub(url="http://127.0.0.1:1")
    async with aiohttp.ClientSession() as http:
        outcome, why, *_ = await send(http, stub.parcel())
    assert outcome is Outcome.LATER and "Connect" in why


async def test_turns_arrive_in_order_through_an_outage(stub: Stub) -> None:
    # A proxy's 404 in the middle of a deployment is no word of the backend's; its own refusal is.
    stub.answers = [status(204), status(503), status(404), refusal(400, "bad_item")]
    items = Items(Target(stub.url, "i", 1, "t"), "agent:AJ_1")
    for n in range(4):
        items.put({"id": str(n)})
    await items.flush(20)
    said = [body.decode() for body in stub.bodies]
    assert said == ['{"id": "0"}', '{"id": "1"}', '{"id": "1"}', '{"id": "1"}', '{"id": "2"}', '{"id": "3"}']


def test_pauses_grow_stay_bounded_and_honour_the_server() -> None:
    assert pause(0, None, 1.0) == 0.5
    assert pause(3, None, 1.0) == 4.0
    assert pause(50, None, 1.0) == 30.0
    assert pause(50, None, 0.0) == 0.25
    assert pause(0, 7.0, 0.0) == 7.0


def test_the_backends_refusals_are_known_by_its_own_words() -> None:
    known = json.loads((Path(__file__).parents[3] / "crates/protocol/tests/golden/problem-codes.json").read_text())
    assert set(known["refuses_a_record"]) == NEVER
    assert NEVER_AN_ITEM | NEVER_TOLD <= set(known["codes"])


def test_a_target_is_https_or_loopback_and_hides_its_token(caplog: pytest.LogCaptureFixture) -> None:
    good = '{"interview_id": "i", "attempt": 2, "report_url": "https://b.example/", "report_token": "secret"}'
    target = Target.of(good)
    assert target is not None and "secret" not in repr(target)
    assert target.record("agent:AJ_1") == "https://b.example/v1/interviews/i/attempts/2/records/agent:AJ_1"
    assert Target.of(good.replace("https://b.example", "http://127.0.0.1:8080")) is not None
    assert Target.of(good.replace("https", "http")) is None
    assert "only https" in caplog.text
    for bad in ("", "{}", "[]", "nonsense", '{"report_url": 1}', good.replace('"attempt": 2, ', "")):
        assert Target.of(bad) is None
    assert "secret" not in caplog.text


async def test_what_the_backend_does_not_know_waits_and_goes_in_the_end(stub: Stub, spool: Spool) -> None:
    path = spool.put(stub.parcel())
    for word, code in (("not_found", 404), ("unauthorised", 401)):
        stub.answers = [refusal(code, word)]
        assert (await flush(spool))[Outcome.LATER] == 1
    # It was erased, two weeks ago and a day.
    long_ago = path.stat().st_mtime - 15 * 24 * 3600
    os.utime(path, (long_ago, long_ago))
    stub.answers = [status(404)]
    assert (await flush(spool))[Outcome.LATER] == 1, "somebody else says so"
    stub.answers = [refusal(401, "unauthorised")]
    assert (await flush(spool))[Outcome.LATER] == 1, "a token that ran out is no word about the interview"
    stub.answers = [refusal(404, "not_found")]
    assert (await flush(spool))[Outcome.LATER] == 0
    assert list(spool.folder.iterdir()) == [], "nothing of it is left"


async def test_a_disk_without_locks_or_that_opens_nothing_delivers_all_the_same(
    stub: Stub, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    spool.put(stub.parcel())
    monkeypatch.setattr("fcntl.flock", unsupported)
    assert await deliver_until(spool, stub.parcel(), 5) is Outcome.DELIVERED
    assert spool.waiting() == []
    spool.put(stub.parcel())

    def unreadable(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", unreadable)
    assert (await flush(spool))[Outcome.LATER] == 1
    assert await deliver_until(spool, stub.parcel(), 5) is Outcome.DELIVERED


def test_a_folder_that_was_named_has_to_be_there(tmp_path: Path) -> None:
    """To say that nothing waits in a folder that nobody has would be a lie."""

    def run(*arguments: str, **environment: str) -> tuple[int, str]:
        env = {**os.environ, "HOME": str(tmp_path / "home"), **environment}
        if "ADJOURN_SPOOL" not in environment:
            env.pop("ADJOURN_SPOOL", None)
        env.pop("XDG_STATE_HOME", None)
        ended = subprocess.run(
            [sys.executable, "-m", "adjourn_agent", "flush", *arguments], env=env, capture_output=True, text=True, check=False
        )
        return ended.returncode, ended.stdout + ended.stderr

    missing, mistaken = str(tmp_path / "missing"), tmp_path / "file"
    mistaken.write_text("")
    for code, said in (run("--spool", missing), run(ADJOURN_SPOOL=missing)):
        assert code == 2 and f"there is no folder {missing}" in said, said
    code, said = run("--spool", str(mistaken))
    assert code == 2 and f"{mistaken} is no folder" in said, said
    # A user's own default is made by the first report that waits.
    code, said = run()
    assert code == 0 and said.startswith("0 "), said
    there = tmp_path / "there"
    there.mkdir()
    code, said = run("--spool", str(there))
    assert code == 0 and said.rstrip().endswith(f"in {there}"), said
