-- It is out of the room, or the room is gone: until then it is put out again and again.
ALTER TABLE sent_away ADD COLUMN gone_at INT8;
UPDATE sent_away SET gone_at = at;
CREATE INDEX sent_away_pending ON sent_away (at) WHERE gone_at IS NULL;
