-- The leaders' part of the door list, what has to be done by a date, and confirmations counted from a WeChat group.

-- The same table, with two ways more: read off a WeChat group's list, and known because it is done.
CREATE TABLE notice_confirmation_wider (
    id          INTEGER PRIMARY KEY,
    notice_id   INTEGER NOT NULL,
    version     INTEGER NOT NULL,
    unit_id     INTEGER NOT NULL REFERENCES notice_unit (id),
    via         TEXT    NOT NULL CHECK (via IN ('sms', 'call', 'page', 'door', 'wechat', 'task')),
    phone_id    INTEGER REFERENCES phone (id),
    recorded_by TEXT    NOT NULL,
    at_ms       INTEGER NOT NULL,
    lapsed_ms   INTEGER,                     -- a correction came after it, or it was taken back at the desk
    FOREIGN KEY (notice_id, version) REFERENCES notice_version (notice_id, version)
) STRICT;

INSERT INTO notice_confirmation_wider
SELECT id, notice_id, version, unit_id, via, phone_id, recorded_by, at_ms, lapsed_ms FROM notice_confirmation;

DROP TABLE notice_confirmation;
ALTER TABLE notice_confirmation_wider RENAME TO notice_confirmation;

CREATE UNIQUE INDEX notice_confirmation_once ON notice_confirmation (unit_id) WHERE lapsed_ms IS NULL;
CREATE INDEX notice_confirmation_of ON notice_confirmation (notice_id);

-- The leaders are written to at most twice a version: once about those nothing reached, once when the list opens.
CREATE TABLE door_round (
    notice_id   INTEGER NOT NULL,
    version     INTEGER NOT NULL,
    round       INTEGER NOT NULL CHECK (round IN (1, 2)),
    done_ms     INTEGER NOT NULL,
    PRIMARY KEY (notice_id, version, round),
    FOREIGN KEY (notice_id, version) REFERENCES notice_version (notice_id, version)
) STRICT, WITHOUT ROWID;

-- What had gone out before leaders were written to is no news to them: both rounds count as done.
INSERT INTO door_round (notice_id, version, round, done_ms)
SELECT n.id, n.version, r.column1, v.created_ms
  FROM notice n
  JOIN notice_version v ON v.notice_id = n.id AND v.version = n.version
  JOIN (VALUES (1), (2)) r
 WHERE n.state = 'sent';

-- One SMS to the leader of one group. Messages belong to the gateway and are kept without a foreign key.
CREATE TABLE door_letter (
    id          INTEGER PRIMARY KEY,
    notice_id   INTEGER NOT NULL,
    version     INTEGER NOT NULL,
    round       INTEGER NOT NULL,
    group_no    INTEGER NOT NULL,
    resident_id INTEGER NOT NULL REFERENCES resident (id),
    leader      TEXT    NOT NULL,
    phone_id    INTEGER NOT NULL REFERENCES phone (id),
    message_id  INTEGER NOT NULL UNIQUE,
    left_out    INTEGER NOT NULL CHECK (left_out >= 0),  -- how many did not fit and were sent to the committee's page
    sent_ms     INTEGER NOT NULL,
    instead_of  INTEGER UNIQUE REFERENCES door_letter (id),  -- one that failed: the same list, to another leader, once
    FOREIGN KEY (notice_id, version, round) REFERENCES door_round (notice_id, version, round)
) STRICT;

CREATE UNIQUE INDEX door_letter_once ON door_letter (notice_id, version, round, group_no) WHERE instead_of IS NULL;
CREATE INDEX door_letter_of_phone ON door_letter (phone_id);

-- What a leader ticks by: a household keeps its number as long as the wording stands, whoever else answers.
CREATE TABLE door_number (
    letter_id   INTEGER NOT NULL REFERENCES door_letter (id),
    notice_id   INTEGER NOT NULL,
    version     INTEGER NOT NULL,
    group_no    INTEGER NOT NULL,
    number      INTEGER NOT NULL CHECK (number >= 1),
    unit_id     INTEGER NOT NULL REFERENCES notice_unit (id),
    PRIMARY KEY (notice_id, version, group_no, number),
    UNIQUE (unit_id, version)
) STRICT, WITHOUT ROWID;

-- Something to be done by a day (pay, register), which is more than knowing of it. Belongs to the notice, not to a
-- wording: what was paid stays paid when the text is mended.
CREATE TABLE notice_task (
    notice_id   INTEGER PRIMARY KEY REFERENCES notice (id),
    what        TEXT    NOT NULL CHECK (what <> ''),   -- 医保: as the reminder says it
    by_day      TEXT    NOT NULL,                      -- 2026-12-25, the last Beijing day
    set_by      TEXT    NOT NULL,
    set_ms      INTEGER NOT NULL,
    reminded_ms INTEGER                                -- NULL: nobody has been reminded of this day yet
) STRICT;

CREATE TABLE task_done (
    id          INTEGER PRIMARY KEY,
    unit_id     INTEGER NOT NULL REFERENCES notice_unit (id),
    via         TEXT    NOT NULL CHECK (via IN ('sms', 'desk', 'list')),
    phone_id    INTEGER REFERENCES phone (id),
    recorded_by TEXT    NOT NULL,
    at_ms       INTEGER NOT NULL,
    undone_ms   INTEGER                                -- taken back at the desk
) STRICT;

CREATE UNIQUE INDEX task_done_once ON task_done (unit_id) WHERE undone_ms IS NULL;

CREATE TABLE task_reminder (
    message_id  INTEGER NOT NULL,
    notice_id   INTEGER NOT NULL REFERENCES notice (id),
    by_day      TEXT    NOT NULL,
    phone_id    INTEGER NOT NULL REFERENCES phone (id),
    unit_id     INTEGER NOT NULL REFERENCES notice_unit (id),
    PRIMARY KEY (message_id, unit_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX task_reminder_of ON task_reminder (notice_id);
CREATE INDEX task_reminder_of_unit ON task_reminder (unit_id);
