-- An interview may have several codes: a later one lets another computer go on.
CREATE TABLE codes (
    code_hash    TEXT NOT NULL PRIMARY KEY,
    interview_id TEXT NOT NULL REFERENCES interviews (id),
    -- The attempt that it may begin.
    attempt      INT8 NOT NULL
);
INSERT INTO codes (code_hash, interview_id, attempt) SELECT code_hash, id, 1 FROM interviews;
-- The first attempt in the room that the newest one is in: its agent's reports are about the newest one.
ALTER TABLE interviews ADD COLUMN room_attempt INT8 NOT NULL DEFAULT 0;
UPDATE interviews SET room_attempt = attempt;
