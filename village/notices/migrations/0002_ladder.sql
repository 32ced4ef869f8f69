-- Which rungs a notice climbs after the first copy; notices from before this have none, so that nobody is rung twice
-- over something old.
ALTER TABLE notice ADD COLUMN rungs TEXT NOT NULL DEFAULT '';

-- A copy's rung: 0 the first one, 1 the reminder, 2 the call, 3 the second call.
ALTER TABLE notice_copy ADD COLUMN rung INTEGER NOT NULL DEFAULT 0 CHECK (rung BETWEEN 0 AND 3);

DROP INDEX notice_copy_once;
CREATE UNIQUE INDEX notice_copy_once ON notice_copy (notice_id, version, phone_id, channel, kind, rung)
    WHERE kind <> 'asked';

-- A rung is climbed once for each wording, in the unit that queues its messages.
CREATE TABLE notice_rung (
    notice_id INTEGER NOT NULL REFERENCES notice (id),
    version   INTEGER NOT NULL,
    rung      INTEGER NOT NULL CHECK (rung BETWEEN 1 AND 3),
    at_ms     INTEGER NOT NULL,
    messages  INTEGER NOT NULL,
    PRIMARY KEY (notice_id, version, rung)
) STRICT, WITHOUT ROWID;
