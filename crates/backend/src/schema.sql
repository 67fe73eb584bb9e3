CREATE TABLE IF NOT EXISTS interviews (
    id             TEXT PRIMARY KEY,
    title          TEXT NOT NULL,
    candidate_name TEXT,
    language       TEXT NOT NULL,
    max_minutes    INTEGER NOT NULL,
    window_from    TEXT NOT NULL,
    window_to      TEXT NOT NULL,
    agent_name     TEXT,
    policy         TEXT NOT NULL,
    code_hash      TEXT NOT NULL UNIQUE,
    created_at     TEXT NOT NULL,
    started_at     TEXT,
    ended_at       TEXT,
    ended_by       TEXT
) STRICT;
CREATE TABLE IF NOT EXISTS attempts (
    interview_id TEXT NOT NULL REFERENCES interviews (id),
    attempt      INTEGER NOT NULL,
    join_hash    TEXT NOT NULL UNIQUE,
    joined_at    TEXT NOT NULL,
    ends_at      TEXT NOT NULL,
    PRIMARY KEY (interview_id, attempt)
) STRICT;
CREATE TABLE IF NOT EXISTS records (
    interview_id TEXT NOT NULL,
    attempt      INTEGER NOT NULL,
    source       TEXT NOT NULL,
    body         BLOB NOT NULL,
    sha256       TEXT NOT NULL,
    outcome      TEXT,
    received_at  TEXT NOT NULL,
    receipt_id   TEXT NOT NULL UNIQUE,
    receipt      TEXT NOT NULL,
    PRIMARY KEY (interview_id, attempt, source)
) STRICT;
CREATE TABLE IF NOT EXISTS keys (pkcs8 BLOB NOT NULL, created_at TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
