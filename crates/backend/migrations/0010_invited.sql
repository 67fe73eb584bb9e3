-- Who invites, and how a candidate reaches them.
ALTER TABLE interviews ADD COLUMN organiser TEXT;
ALTER TABLE interviews ADD COLUMN contact TEXT;
