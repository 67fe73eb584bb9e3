-- What the rounds look for (see rounds.rs), each in its own order: however many interviews there are, they read those only.
DROP INDEX interviews_ended;
DROP INDEX interviews_rooms;
CREATE INDEX interviews_live ON interviews (started_at, id) WHERE ended_at IS NULL;
CREATE INDEX interviews_overdue ON interviews (ends_at) WHERE ended_at IS NULL;
CREATE INDEX interviews_without_report ON interviews (ended_at) WHERE agent_report = 'pending';
CREATE INDEX interviews_without_record ON interviews (ended_at) WHERE client_record = 'pending';
CREATE INDEX interviews_closable ON interviews (ended_at) WHERE room_closed_at IS NULL AND ended_at IS NOT NULL;
