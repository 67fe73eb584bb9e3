CREATE TABLE IF NOT EXISTS joins (
    join_id      TEXT PRIMARY KEY,
    server       TEXT NOT NULL,
    code         TEXT NOT NULL,
    created_at   TEXT NOT NULL,
    interview_id TEXT,
    attempt      INTEGER,
    title        TEXT,
    room         TEXT,
    client_token TEXT,
    receipt_keys TEXT,
    head         TEXT,
    keep_days    INTEGER NOT NULL DEFAULT 7,
    refused      TEXT,
    adjustment   TEXT
) STRICT;
CREATE TABLE IF NOT EXISTS journal (
    id       INTEGER PRIMARY KEY,
    join_id  TEXT NOT NULL REFERENCES joins (join_id),
    entry    TEXT NOT NULL,
    checksum TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS journal_join ON journal (join_id);
CREATE TABLE IF NOT EXISTS records (
    join_id    TEXT PRIMARY KEY REFERENCES joins (join_id),
    body       BLOB NOT NULL,
    sha256     TEXT NOT NULL,
    created_at TEXT NOT NULL,
    outcome    TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('queued', 'delivered', 'parked')),
    tries      INTEGER NOT NULL DEFAULT 0,
    next_try   INTEGER NOT NULL DEFAULT 0,
    receipt    TEXT,
    receipt_id TEXT,
    reason     TEXT,
    delivered_at INTEGER,
    again        INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE IF NOT EXISTS quarantine (
    id     INTEGER PRIMARY KEY,
    origin TEXT NOT NULL,
    body   BLOB NOT NULL,
    reason TEXT NOT NULL,
    at     INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE IF NOT EXISTS hosts (host TEXT PRIMARY KEY, first_used TEXT NOT NULL) STRICT;
