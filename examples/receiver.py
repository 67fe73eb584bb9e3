"""A receiver of webhooks that misses nothing and does nothing twice, in a page of Python.

    pip install standardwebhooks
    adjourn-backend hook add https://hr.example.com/adjourn     # prints an id and a secret
    ADJOURN_HOOK_SECRET=whsec_… python examples/receiver.py events.db 8090

What is verified is on disk before it is answered. What it means for you is done afterwards, by one worker, in the order in which it
came; where this program dies before that is noted as done, it is done at the next start. Put TLS before it, by a proxy.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

LARGEST = 2 << 20
"""An event with a report has a MiB at most."""
AT_ONCE = 8
"""Requests whose bodies are in memory at a time."""


def work(event: dict[str, Any]) -> None:
    """Here begins what is yours: on ``interview.complete`` the report is there. It may be asked for the same event once more, if this
    program died in the middle of it."""
    print(json.dumps({"type": event["type"], "data": event["data"]}), flush=True)


class Inbox:
    """Events by their ids: taken once, and done once."""

    def __init__(self, path: str) -> None:
        # What an interview's report says is nobody else's on this computer.
        os.umask(0o077)
        self.path = path
        self.news = threading.Event()
        with self._open() as database:
            database.execute(
                "CREATE TABLE IF NOT EXISTS events (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, body TEXT)"
            )

    def _open(self) -> sqlite3.Connection:
        database = sqlite3.connect(self.path, timeout=10)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute("PRAGMA secure_delete = ON")
        return database

    def keep(self, event_id: str, body: str) -> None:
        """One that comes again, with the same id, is the same event."""
        with self._open() as database:
            database.execute("INSERT OR IGNORE INTO events (id, body) VALUES (?, ?)", (event_id, body))
        self.news.set()

    def do_all(self) -> None:
        """Does what is not done, for ever. What is done keeps its id, and nothing that was said."""
        while True:
            self.news.clear()
            with self._open() as database:
                waiting = "SELECT number, body FROM events WHERE body IS NOT NULL ORDER BY number LIMIT 100"
                rows = database.execute(waiting).fetchall()
                for number, body in rows:
                    work(json.loads(body))
                    database.execute("UPDATE events SET body = NULL WHERE number = ?", (number,))
                    database.commit()
            if not rows:
                self.news.wait()


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
        except (WebhookVerificationError, ValueError):
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
