-- So many interviewers may be replaced in this interview.
ALTER TABLE interviews ADD COLUMN replacements INT8 NOT NULL DEFAULT 0;
-- The identity of the interviewer in whose place another one was called last.
ALTER TABLE interviews ADD COLUMN agent_replaced TEXT;
-- Another one came in its place then.
ALTER TABLE interviews ADD COLUMN agent_succeeded_at INT8;
-- The identity of the last one whose process is known to have ended without a goodbye.
ALTER TABLE interviews ADD COLUMN agent_died TEXT;
-- Interviewers that a candidate's client lost, and in whose place another one is called. `sid` is this presence in the room.
CREATE TABLE replacements (
    interview_id TEXT NOT NULL,
    sid          TEXT NOT NULL,
    identity     TEXT NOT NULL,
    -- LiveKit's id of its job, by which it reports.
    job          TEXT,
    attempt      INT8 NOT NULL,
    asked_at     INT8 NOT NULL,
    -- Somebody is calling the next one since then; it was called then.
    calling_at   INT8 NOT NULL,
    called_at    INT8,
    PRIMARY KEY (interview_id, sid)
);
