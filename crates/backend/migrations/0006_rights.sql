-- What an organiser's key may do, and until when.
ALTER TABLE organisers ADD COLUMN scopes TEXT NOT NULL DEFAULT 'create,read,end,operate';
ALTER TABLE organisers ADD COLUMN expires_at INT8;
-- Who did what with which interview. Kept for itself: an interview that is erased leaves its fingerprint here.
CREATE TABLE audit (
    at     INT8 NOT NULL,
    who    TEXT NOT NULL,
    what   TEXT NOT NULL,
    about  TEXT NOT NULL,
    origin TEXT NOT NULL
);
CREATE INDEX audit_at ON audit (at);
CREATE INDEX audit_about ON audit (about);
-- The public half of a key that signed receipts stays for ever; the private one goes (pkcs8 is empty then) when it is not needed.
ALTER TABLE receipt_keys ADD COLUMN public TEXT NOT NULL DEFAULT '';
ALTER TABLE receipt_keys ADD COLUMN revoked_at INT8;
