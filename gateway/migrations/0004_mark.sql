-- What tells a message from one that had its id before a backup was put back: part of the reference carriers know its
-- tries by. The instant it was queued, as the clock had it then: a clock put right later must not change it.
ALTER TABLE message ADD COLUMN mark INTEGER NOT NULL DEFAULT 0;

UPDATE message SET mark = queued_ms;
