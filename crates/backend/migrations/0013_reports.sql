-- A webhook that is sent the whole report with the events after which there is one.
ALTER TABLE hooks ADD COLUMN with_report INT8 NOT NULL DEFAULT 0;
