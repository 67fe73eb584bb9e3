-- Seats of test centers, as they told last how they are, and what they are told to do.
CREATE TABLE seats (
    center       TEXT NOT NULL,
    seat         TEXT NOT NULL,
    seen_at      INT8 NOT NULL,
    interview_id TEXT,
    state        TEXT NOT NULL,
    life         TEXT NOT NULL,
    last_order   INT8 NOT NULL DEFAULT 0,
    PRIMARY KEY (center, seat)
);
CREATE INDEX seats_interview ON seats (interview_id);
CREATE TABLE seat_orders (
    center  TEXT NOT NULL,
    seat    TEXT NOT NULL,
    id      INT8 NOT NULL,
    at      INT8 NOT NULL,
    life    TEXT NOT NULL,
    body    TEXT NOT NULL,
    PRIMARY KEY (center, seat, id)
);
-- A key may be one center's.
ALTER TABLE organisers ADD COLUMN center TEXT;
