-- What an organiser's own system is told: written with the change that it tells of.
CREATE TABLE events (
    interview_id TEXT NOT NULL,
    revision     INT8 NOT NULL,
    kind         TEXT NOT NULL,
    at           INT8 NOT NULL,
    body         TEXT NOT NULL,
    -- Its place in the feed: given once everybody sees the change, so that no reader passes it by (see feed.rs).
    place        INT8,
    PRIMARY KEY (interview_id, revision)
);
CREATE UNIQUE INDEX events_place ON events (place) WHERE place IS NOT NULL;
CREATE INDEX events_unplaced ON events (interview_id, revision) WHERE place IS NULL;
CREATE INDEX events_at ON events (at);
-- The last place that was given, and the last one that was forgotten. The row is the lock under which places are given.
CREATE TABLE feed (name TEXT NOT NULL PRIMARY KEY, last INT8 NOT NULL, forgotten INT8 NOT NULL);
INSERT INTO feed (name, last, forgotten) VALUES ('events', 0, 0);

-- Where events are sent.
CREATE TABLE hooks (
    id              TEXT NOT NULL PRIMARY KEY,
    url             TEXT NOT NULL,
    -- Kinds that are sent, separated by commas; empty: all.
    kinds           TEXT NOT NULL,
    -- What deliveries are signed with; and the one before, until then.
    secret          TEXT NOT NULL,
    former_secret   TEXT,
    former_until    INT8,
    created_at      INT8 NOT NULL,
    -- Events up to this place were taken over.
    place           INT8 NOT NULL,
    -- How it does: since when nothing arrives, why not, when something last did.
    failing_since   INT8,
    failures        INT8 NOT NULL DEFAULT 0,
    last_error      TEXT,
    delivered_at    INT8,
    -- It wants nothing any more (410), or an operator stopped it.
    stopped_at      INT8
);
-- What is still to be sent there, or was given up.
CREATE TABLE deliveries (
    hook_id      TEXT NOT NULL,
    interview_id TEXT NOT NULL,
    revision     INT8 NOT NULL,
    place        INT8 NOT NULL,
    taken_at     INT8 NOT NULL,
    tries        INT8 NOT NULL DEFAULT 0,
    due_at       INT8 NOT NULL,
    given_up_at  INT8,
    PRIMARY KEY (hook_id, interview_id, revision)
);
CREATE INDEX deliveries_due ON deliveries (hook_id, due_at) WHERE given_up_at IS NULL;
CREATE INDEX deliveries_interview ON deliveries (interview_id);
