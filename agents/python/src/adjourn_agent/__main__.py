"""``adjourn-agent flush``: delivers what jobs left on disk. ``adjourn-agent sentinel``: does so the moment that one is killed."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from pathlib import Path

from ._delivery import Outcome, flush
from ._log import JsonLines
from ._sentinel import Sentinel, deliver_left
from ._spool import Spool, default_folder


def _folder(text: str) -> Path:
    """A folder's path; an empty one would be the current folder."""
    if not text.strip():
        raise argparse.ArgumentTypeError("it is empty")
    return Path(text)


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="adjourn-agent", description="Reports of interviewers on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    flushing = commands.add_parser("flush", help="deliver what jobs left on disk; ends with 1 if something still waits, or was set aside")
    flushing.add_argument("--spool", type=_folder, default=default_folder(), help="folder (default: %(default)s)")
    watching = commands.add_parser("sentinel", help="watch the jobs of a worker; a job starts this by itself")
    watching.add_argument("--spool", type=_folder, default=default_folder(), help="folder (default: %(default)s)")
    watching.add_argument("--worker", type=int, required=True, help="process that its jobs are of; this ends with it")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    spool = Spool(arguments.spool)
    if arguments.command == "sentinel":
        # Its lines stand among the worker's.
        for handler in logging.getLogger().handlers:
            handler.setFormatter(JsonLines())
        Sentinel(spool, arguments.worker).run()
        return
    try:
        # A user's own default is made by the first report that waits. One that was named has to be there.
        named = os.environ.get("ADJOURN_SPOOL") or arguments.spool != default_folder()
        if named or spool.folder.exists():
            spool.check()
        before = spool.set_aside()
        deliver_left(spool)
        results = asyncio.run(flush(spool))
    except OSError as error:
        print(f"adjourn-agent: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    print(", ".join(f"{count} {outcome.value}" for outcome, count in results.items()) + f" in {spool.folder}")
    aside = spool.set_aside()
    if aside:
        print(f"{aside} that nobody takes are kept in {spool.folder} (*.parked with the reason in *.why, *.damaged)")
    raise SystemExit(1 if results[Outcome.LATER] or aside > before else 0)


if __name__ == "__main__":
    main()
