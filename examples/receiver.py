"""A receiver of webhooks that misses nothing, in a page of Python.

    pip install standardwebhooks
    adjourn-backend hook add https://hr.example.com/adjourn     # prints an id and a secret
    ADJOURN_HOOK_SECRET=whsec_… python examples/receiver.py events.db 8090

What is verified is on disk before it is answered, once for each id. What it means for you is done afterwards, by one worker, in the order
in which it came, and again where this program died or failed before that was noted as done. What fails is tried again, and set aside after
an hour, so that it holds nothing up. Put TLS before it, by a proxy that takes in whole requests (nginx and Caddy do).
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import threading
import time
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

LARGEST = 2 << 20
"""An event with a report has a MiB at most."""
AT_ONCE = 8
"""Requests whose bodies are in memory at a time."""
TRIES = 120
"""What fails so often, with half a minute between, is set aside: its body stays, with its number in ``failed``."""


def work(event: dict[str, Any]) -> None:
    """Here begins what is yours: on ``interview.complete`` the report is there. It may be asked for the same event once more, if this
    program died in the middle of it."""
    print(json.dumps({"type": event["type"], "data": event["data"]}), flush=True)


class Inbox:
    """Events by their ids: taken once."""

    def __init__(self, path: str) -> None:
        # What an interview's report says is nobody else's on this computer.
        os.umask(0o077)
        self.path = path
        self.news = threading.Event()
        database = self._open()
        database.execute(
            "CREATE TABLE IF NOT EXISTS inbox (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, body TEXT, failed INT)"
        )
        database.close()

    def _open(self) -> sqlite3.Connection:
        database = sqlite3.connect(self.path, timeout=10, isolation_level=None)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute("PRAGMA secure_delete = ON")
        return database

    def keep(self, event_id: str, body: str) -> None:
        """One that comes again, with the same id, is the same event."""
        database = self._open()
        try:
            database.execute("INSERT OR IGNORE INTO inbox (id, body) VALUES (?, ?)", (event_id, body))
        finally:
            # The last one that closes takes the log away, with what was said.
            database.close()
        self.news.set()

    def do_all(self) -> None:
        """Does what is not done, for ever, whatever fails. What is done keeps its id, and nothing that was said."""
        tries = 0
        while True:
            self.news.clear()
            try:
                if not self._do_next(aside=tries >= TRIES):
                    self.news.wait()
                tries = 0
            except Exception:
                traceback.print_exc()
                tries += 1
                time.sleep(30)

    def _do_next(self, aside: bool) -> bool:
        database = self._open()
        try:
            waiting = "SELECT number, body FROM inbox WHERE body IS NOT NULL AND failed IS NULL ORDER BY number LIMIT 1"
            row = database.execute(waiting).fetchone()
            if row is None:
                return False
            number, body = row
            if aside:
                database.execute("UPDATE inbox SET failed = 1 WHERE number = ?", (number,))
                return True
            work(json.loads(body))
            database.execute("UPDATE inbox SET body = NULL WHERE number = ?", (number,))
            return True
        finally:
            database.close()


class Receiver(BaseHTTPRequestHandler):
    """Takes what is signed."""

    inbox: Inbox
    webhook: Webhook
    places = threading.BoundedSemaphore(AT_ONCE)
    timeout = 15

    def do_POST(self) -> None:
        with self.places:
            self.send_response(self._take())
        self.send_header("content-length", "0")
        self.end_headers()

    def _take(self) -> int:
        try:
            length = int(self.headers.get("content-length") or 0)
            if not 0 < length <= LARGEST:
                return 413
            body = self.rfile.read(length).decode()
            # Each header once: what is verified is what is kept.
            headers = {name: self.headers[name] or "" for name in ("webhook-id", "webhook-timestamp", "webhook-signature")}
            self.webhook.verify(body, headers)
        except (WebhookVerificationError, ValueError, RecursionError):
            return 401
        self.inbox.keep(headers["webhook-id"], body)
        return 204

    def log_message(self, format: str, *arguments: object) -> None:
        """What arrives is printed; who asks for what is the proxy's to log."""


def main() -> None:
    Receiver.inbox = Inbox(sys.argv[1])
    Receiver.webhook = Webhook(os.environ["ADJOURN_HOOK_SECRET"])
    threading.Thread(target=Receiver.inbox.do_all, daemon=True).start()
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Receiver)
    server.daemon_threads = True
    print(f"listening on {server.server_address[1]}", file=sys.stderr, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
