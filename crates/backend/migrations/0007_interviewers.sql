-- The interviewer that serves the newest room: its identity there, and this presence of it; both as LiveKit's webhooks tell.
ALTER TABLE interviews ADD COLUMN agent_identity TEXT;
ALTER TABLE interviews ADD COLUMN agent_sid TEXT;
-- It left, as LiveKit told.
ALTER TABLE interviews ADD COLUMN agent_left_at INT8;
-- The room was opened anew (on another server) and it is not back since then.
ALTER TABLE interviews ADD COLUMN agent_awaited_since INT8;
-- It came back then.
ALTER TABLE interviews ADD COLUMN agent_back_at INT8;
-- Another one that met it in the room: it may be the shadow of a process that was killed.
ALTER TABLE interviews ADD COLUMN agent_next_identity TEXT;
ALTER TABLE interviews ADD COLUMN agent_next_sid TEXT;
-- It was awaited in vain, and another one was called: if it comes back after all, it is one too many.
ALTER TABLE interviews ADD COLUMN agent_given_up TEXT;
CREATE INDEX interviews_awaiting ON interviews (agent_awaited_since) WHERE agent_awaited_since IS NOT NULL;
-- Interviewers that were sent in vain: what they report is nobody's word.
CREATE TABLE sent_away (
    interview_id TEXT NOT NULL,
    identity     TEXT NOT NULL,
    at           INT8 NOT NULL,
    PRIMARY KEY (interview_id, identity)
);
