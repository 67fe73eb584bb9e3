from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from adjourn_agent import Spool, _spool
from adjourn_agent._spool import Absent, Parcel

# The module alone: livekit-agents takes seconds to import.
ALONE = f"import sys; sys.path.insert(0, {str(Path(_spool.__file__).parent)!r}); from pathlib import Path; "
PARCEL = Parcel("https://b/v1/interviews/i/attempts/1/records/agent:AJ_1", "secret-token", '{"a": 1}')


def test_only_the_owner_can_read_it_and_the_first_of_an_address_stays(spool: Spool) -> None:
    path = spool.put(PARCEL)
    assert (os.stat(spool.folder).st_mode & 0o777, os.stat(path).st_mode & 0o777) == (0o700, 0o600)
    assert spool.put(Parcel(PARCEL.address, "other", '{"a": 2}')) == path
    with spool.claimed(path) as parcel:
        assert parcel == PARCEL
    assert "secret-token" not in repr(PARCEL)


def test_what_another_process_has_is_left_to_it(spool: Spool) -> None:
    path = spool.put(PARCEL)
    look = (
        f"{ALONE}from _spool import Spool\n"
        "with Spool(Path(sys.argv[1])).claimed(Path(sys.argv[2])) as parcel: print(type(parcel).__name__)"
    )

    def other() -> str:
        run = [sys.executable, "-c", look, str(spool.folder), str(path)]
        return subprocess.run(run, capture_output=True, text=True, check=True).stdout.strip()

    with spool.claimed(path):
        assert other() == "Absent"
    assert other() == "Parcel"


def test_what_is_damaged_is_set_aside_and_what_is_gone_is_nothing(spool: Spool) -> None:
    path = spool.put(PARCEL)
    path.write_text("{torn")
    with spool.claimed(path) as parcel:
        assert parcel is Absent.DAMAGED
    assert [p.read_text() for p in spool.folder.iterdir()] == ["{torn"], "its bytes are kept"
    assert [p.suffix for p in spool.folder.iterdir()] == [".damaged"]
    with spool.claimed(path) as parcel:
        assert parcel is Absent.GONE
    assert spool.waiting() == []
    assert Spool(Path("/nowhere/at/all")).waiting() == []


def test_what_a_newer_version_keeps_besides_is_nothing_and_what_cant_be_sent_is_damaged(spool: Spool) -> None:
    path = spool.put(PARCEL)
    kept = json.loads(path.read_text())
    path.write_text(json.dumps({**kept, "of_a_newer_version": 1}))
    with spool.claimed(path) as parcel:
        assert parcel == PARCEL
    for wrong in ({"address": 7}, {"address": ["https://b"]}, {"address": "http://[bad/"}, {"token": None}, {"token": "a\nb"}, {"body": {}}):
        path.write_text(json.dumps({**kept, **wrong}))
        with spool.claimed(path) as parcel:
            assert parcel is Absent.DAMAGED, wrong
    assert spool.set_aside() == 1


def test_a_writer_that_is_killed_leaves_nothing_half(spool: Spool, tmp_path: Path) -> None:
    """Killed at fifty moments: what is there is whole."""
    write = (
        f"{ALONE}from _spool import Parcel, Spool\n"
        "spool = Spool(Path(sys.argv[1])); print('ready', flush=True)\n"
        "for n in range(10_000): spool.put(Parcel(f'https://b/{n}', 't', 'x' * 20_000))"
    )
    for moment in range(50):
        process = subprocess.Popen([sys.executable, "-c", write, str(spool.folder)], stdout=subprocess.PIPE)
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        try:
            process.wait(0.001 * (moment % 10))
        except subprocess.TimeoutExpired:
            pass
        process.kill()
        process.wait()
        process.stdout.close()
    waiting = spool.waiting()
    assert waiting
    for path in waiting:
        assert len(json.loads(path.read_text())["body"]) == 20_000


def test_a_user_without_a_home_has_a_spool_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> Path:
        raise RuntimeError("Could not determine home directory.")

    for name in ("ADJOURN_SPOOL", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", none)
    assert Spool().folder.name == f"adjourn-agent-{os.getuid()}"


def test_somebody_elses_folder_stays_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "app"
    folder.mkdir(mode=0o755)
    theirs = folder / "package.json"
    theirs.write_text("{}")
    spool = Spool(folder)
    path = spool.put(PARCEL)
    assert spool.waiting() == [path]
    assert theirs.read_text() == "{}" and folder.stat().st_mode & 0o777 == 0o755
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_newest_is_first(spool: Spool) -> None:
    old, new = spool.put(PARCEL), spool.put(Parcel(PARCEL.address + "-2", "secret-token", "{}"))
    os.utime(old, (1, 1))
    assert spool.waiting() == [new, old]
