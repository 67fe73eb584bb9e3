-- What is left of an interview that was erased.
CREATE TABLE erased (
    id             TEXT NOT NULL PRIMARY KEY,
    erased_at      INT8 NOT NULL,
    -- What had been received, proven: its receipts as they were given, a JSON list.
    receipts       TEXT NOT NULL,
    -- When what its rows left in the database's files was overwritten, too.
    overwritten_at INT8
);
CREATE INDEX erased_pending ON erased (id) WHERE overwritten_at IS NULL;
CREATE INDEX erased_at ON erased (erased_at);
-- Its codes, as they were kept: with a key.
CREATE TABLE erased_codes (code_hash TEXT NOT NULL PRIMARY KEY, id TEXT NOT NULL);
CREATE INDEX erased_codes_id ON erased_codes (id);
-- What is kept for a time only: since their end, or since nobody could begin them any more.
CREATE INDEX interviews_over ON interviews (ended_at) WHERE completed_at IS NOT NULL;
CREATE INDEX interviews_unused ON interviews (window_to) WHERE attempt = 0;
