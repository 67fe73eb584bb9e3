-- What nobody joined has no room, and would be read for ever.
DROP INDEX interviews_closable;
CREATE INDEX interviews_closable ON interviews (ended_at)
    WHERE room_closed_at IS NULL AND ended_at IS NOT NULL AND attempt > 0;
