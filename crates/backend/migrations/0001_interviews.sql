-- For SQLite and Postgres alike: only TEXT and INT8. Times are milliseconds since 1970, UTC.

CREATE TABLE interviews (
    id                 TEXT NOT NULL PRIMARY KEY,
    title              TEXT NOT NULL,
    candidate_name     TEXT,
    language           TEXT NOT NULL,
    max_minutes        INT8 NOT NULL,
    window_from        INT8 NOT NULL,
    window_to          INT8 NOT NULL,
    agent_name         TEXT,
    policy             TEXT NOT NULL,
    code_hash          TEXT NOT NULL UNIQUE,
    created_at         INT8 NOT NULL,
    -- Where it stands; changed under the row's lock only (see standing.rs).
    attempt            INT8 NOT NULL DEFAULT 0,
    room_sid           TEXT,
    ends_at            INT8,
    started_at         INT8,
    ended_at           INT8,
    ended_by           TEXT,
    outcome            TEXT,
    confirmed          INT8 NOT NULL DEFAULT 0,
    client_record      TEXT NOT NULL DEFAULT 'none',
    agent_report       TEXT NOT NULL DEFAULT 'none',
    agent_seen_at      INT8,
    room_missing_since INT8,
    room_closed_at     INT8,
    completed_at       INT8,
    revision           INT8 NOT NULL DEFAULT 0
);
CREATE INDEX interviews_created ON interviews (created_at);
-- What the poller looks for: live ones, ended ones that wait for something.
CREATE INDEX interviews_ended ON interviews (ended_at, completed_at, started_at);
CREATE INDEX interviews_rooms ON interviews (room_closed_at, ended_at);

CREATE TABLE attempts (
    interview_id TEXT NOT NULL REFERENCES interviews (id),
    attempt      INT8 NOT NULL,
    join_hash    TEXT NOT NULL,
    joined_at    INT8 NOT NULL,
    ends_at      INT8 NOT NULL,
    kid          TEXT NOT NULL,
    PRIMARY KEY (interview_id, attempt),
    UNIQUE (interview_id, join_hash)
);

-- A body is JSON, so text, kept byte for byte.
CREATE TABLE records (
    interview_id TEXT NOT NULL,
    attempt      INT8 NOT NULL,
    source       TEXT NOT NULL,
    body         TEXT NOT NULL,
    sha256       TEXT NOT NULL,
    outcome      TEXT,
    received_at  INT8 NOT NULL,
    receipt_id   TEXT NOT NULL UNIQUE,
    receipt      TEXT NOT NULL,
    PRIMARY KEY (interview_id, attempt, source)
);

-- Conversation items as an agent reports them while it lives.
CREATE TABLE items (
    interview_id TEXT NOT NULL,
    attempt      INT8 NOT NULL,
    source       TEXT NOT NULL,
    item_id      TEXT NOT NULL,
    number       INT8 NOT NULL,
    body         TEXT NOT NULL,
    PRIMARY KEY (interview_id, attempt, source, item_id)
);

CREATE TABLE history (
    interview_id TEXT NOT NULL,
    revision     INT8 NOT NULL,
    at           INT8 NOT NULL,
    what         TEXT NOT NULL,
    source       TEXT NOT NULL,
    PRIMARY KEY (interview_id, revision)
);

CREATE TABLE webhooks (event_id TEXT NOT NULL PRIMARY KEY, received_at INT8 NOT NULL);
CREATE INDEX webhooks_received ON webhooks (received_at);

-- Keys that receipts are signed with: PKCS #8, base64.
CREATE TABLE receipt_keys (
    kid        TEXT NOT NULL PRIMARY KEY,
    pkcs8      TEXT NOT NULL,
    created_at INT8 NOT NULL,
    given_at   INT8 NOT NULL
);

-- SHA-256 of each organiser's key.
CREATE TABLE organisers (hash TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, created_at INT8 NOT NULL);

CREATE TABLE secrets (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL);

CREATE TABLE join_failures (who TEXT NOT NULL, at INT8 NOT NULL);
CREATE INDEX join_failures_who ON join_failures (who, at);

-- Which replica does the rounds.
CREATE TABLE leases (name TEXT NOT NULL PRIMARY KEY, holder TEXT NOT NULL, until INT8 NOT NULL);
