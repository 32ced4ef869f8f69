-- Who is reached by calls is reminded by a call, and says in it that it is done: the same table, with one way more.
CREATE TABLE task_done_wider (
    id          INTEGER PRIMARY KEY,
    unit_id     INTEGER NOT NULL REFERENCES notice_unit (id),
    via         TEXT    NOT NULL CHECK (via IN ('sms', 'call', 'desk', 'list')),
    phone_id    INTEGER REFERENCES phone (id),
    recorded_by TEXT    NOT NULL,
    at_ms       INTEGER NOT NULL,
    undone_ms   INTEGER                                -- taken back at the desk
) STRICT;

INSERT INTO task_done_wider SELECT id, unit_id, via, phone_id, recorded_by, at_ms, undone_ms FROM task_done;

DROP TABLE task_done;
ALTER TABLE task_done_wider RENAME TO task_done;

CREATE UNIQUE INDEX task_done_once ON task_done (unit_id) WHERE undone_ms IS NULL;
