"""A receiver of webhooks that misses nothing and does nothing twice, in a page of Python.

    pip install standardwebhooks
    adjourn-backend hook add https://hr.example.com/adjourn     # prints an id and a secret
    ADJOURN_HOOK_SECRET=whsec_… python examples/receiver.py events.db 8090

What is verified is on disk before it is answered, once, whatever happens to this program. Put TLS before it, by a proxy.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook, WebhookVerificationError

LARGEST = 2 << 20
"""An event with a report has a MiB at most."""


class Inbox:
    """Events by their ids."""

    def __init__(self, path: str) -> None:
        self.path = path
        with self._open() as database:
            database.execute("CREATE TABLE IF NOT EXISTS events (id TEXT PRIMARY KEY, body TEXT NOT NULL)")

    def _open(self) -> sqlite3.Connection:
        database = sqlite3.connect(self.path, timeout=10)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        return database

    def keep(self, event_id: str, body: str) -> bool:
        """Whether it is new: one that comes again, with the same id, is the same event."""
        with self._open() as database:
            done = database.execute("INSERT OR IGNORE INTO events VALUES (?, ?)", (event_id, body))
            return done.rowcount == 1


class Receiver(BaseHTTPRequestHandler):
    """Takes what is signed."""

    inbox: Inbox
    webhook: Webhook
    timeout = 15

    def do_POST(self) -> None:
        self.send_response(self._take())
        self.send_header("content-length", "0")
        self.end_headers()

    def _take(self) -> int:
        length = int(self.headers.get("content-length") or 0)
        if not 0 < length <= LARGEST:
            return 413
        body = self.rfile.read(length).decode()
        try:
            event = self.webhook.verify(body, {name.lower(): value for name, value in self.headers.items()})
        except WebhookVerificationError:
            return 401
        if self.inbox.keep(self.headers["webhook-id"], body):
            # Here begins what is yours: on `interview.complete` the report is there.
            print(json.dumps({"type": event["type"], "data": event["data"]}), flush=True)
        return 204

    def log_message(self, format: str, *arguments: object) -> None:
        """What arrives is printed; who asks for what is the proxy's to log."""


def main() -> None:
    Receiver.inbox = Inbox(sys.argv[1])
    Receiver.webhook = Webhook(os.environ["ADJOURN_HOOK_SECRET"])
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Receiver)
    print(f"listening on {server.server_address[1]}", file=sys.stderr, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
