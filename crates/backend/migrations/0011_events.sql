-- What an organiser's own system is told: written with the change that it tells of.
CREATE TABLE events (
    interview_id TEXT NOT NULL,
    revision     INT8 NOT NULL,
    -- The same for every delivery, and of no other event, whatever a database that was restored from a copy counts again.
    id           TEXT NOT NULL,
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
CREATE TABLE feed (
    name         TEXT NOT NULL PRIMARY KEY,
    -- The last place that was given. The row is the lock under which places are given.
    last         INT8 NOT NULL,
    -- The last one that was forgotten.
    forgotten    INT8 NOT NULL,
    -- When it was last looked what may be forgotten, and since when the clock has made no jump.
    looked_at    INT8 NOT NULL,
    steady_since INT8 NOT NULL
);
INSERT INTO feed (name, last, forgotten, looked_at, steady_since) VALUES ('events', 0, 0, 0, 0);

-- Where events are sent.
CREATE TABLE hooks (
    id              TEXT NOT NULL PRIMARY KEY,
    url             TEXT NOT NULL,
    -- Kinds that are sent, separated by commas; empty: all.
    kinds           TEXT NOT NULL,
    created_at      INT8 NOT NULL,
    -- Events up to this place were taken over.
    place           INT8 NOT NULL,
    -- It asked to be left alone until then.
    not_before      INT8,
    -- How it does: since when nothing arrives, in how many tries in a row, why not, when something last did.
    failing_since   INT8,
    failures        INT8 NOT NULL DEFAULT 0,
    last_error      TEXT,
    last_error_at   INT8,
    delivered_at    INT8,
    -- It wants nothing any more (410), or an operator stopped it.
    stopped_at      INT8
);
-- What deliveries are signed with: the newest, and those before it for a while.
CREATE TABLE hook_secrets (hook_id TEXT NOT NULL, secret TEXT NOT NULL, made_at INT8 NOT NULL, until INT8);
CREATE INDEX hook_secrets_hook ON hook_secrets (hook_id);
-- What is still to be sent there, or was given up. Goes with its event.
CREATE TABLE deliveries (
    hook_id      TEXT NOT NULL,
    interview_id TEXT NOT NULL,
    revision     INT8 NOT NULL,
    place        INT8 NOT NULL,
    -- Which time it was taken over: what becomes of an earlier one says nothing of this.
    turn         INT8 NOT NULL,
    tries        INT8 NOT NULL DEFAULT 0,
    first_at     INT8,
    due_at       INT8 NOT NULL,
    given_up_at  INT8,
    PRIMARY KEY (hook_id, interview_id, revision),
    FOREIGN KEY (interview_id, revision) REFERENCES events (interview_id, revision) ON DELETE CASCADE
);
CREATE INDEX deliveries_due ON deliveries (hook_id, due_at, place) WHERE given_up_at IS NULL;
CREATE INDEX deliveries_event ON deliveries (interview_id, revision);
