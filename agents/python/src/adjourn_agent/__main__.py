"""``adjourn-agent flush``: delivers what jobs left on disk."""

from __future__ import annotations

import argparse
import asyncio
import logging
from pathlib import Path

from ._delivery import Outcome, flush
from ._spool import Spool, default_folder


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="adjourn-agent", description="Reports of interviewers on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    flushing = commands.add_parser("flush", help="deliver what jobs left on disk; ends with 1 if something still waits")
    flushing.add_argument("--spool", type=Path, default=default_folder(), help="folder (default: %(default)s)")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    results = asyncio.run(flush(Spool(arguments.spool)))
    print(", ".join(f"{count} {outcome.value}" for outcome, count in results.items()))
    raise SystemExit(1 if results[Outcome.LATER] else 0)


if __name__ == "__main__":
    main()
