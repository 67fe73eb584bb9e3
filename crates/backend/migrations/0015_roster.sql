-- Whom test centers expect. Their names and times are their interviews'.
CREATE TABLE roster (
    center        TEXT NOT NULL,
    reference     TEXT NOT NULL,
    interview_id  TEXT NOT NULL,
    seat          TEXT,
    starts_at     INT8,
    extra_minutes INT8 NOT NULL,
    -- The life of a seat that is to begin it, until that seat asked for its code.
    assigned_seat TEXT,
    assigned_life TEXT,
    assigned_at   INT8,
    PRIMARY KEY (center, reference)
);
CREATE UNIQUE INDEX roster_interview ON roster (interview_id);
CREATE INDEX roster_assigned ON roster (center, assigned_seat);
-- What is locked while a center's roster changes.
CREATE TABLE centers (center TEXT PRIMARY KEY, revision INT8 NOT NULL DEFAULT 0);
-- Nobody begins an interview there until the staff says so.
ALTER TABLE seats ADD COLUMN hold INT8 NOT NULL DEFAULT 0;
