-- An interviewer that was sent away after it had served: what it told counts.
ALTER TABLE sent_away ADD COLUMN served BIGINT NOT NULL DEFAULT 0;
