-- What villagers suggest, as they typed it: sealed, as people write numbers and names into it. A draft waits for a person; no row is ever deleted.

CREATE TABLE suggestion (
    id          INTEGER PRIMARY KEY,
    kind        TEXT    NOT NULL CHECK (kind IN ('suggestion', 'help')),
    number      INTEGER CHECK (number BETWEEN 1 AND 99),   -- what 04nn names; NULL: none was free, or a call for help
    state       TEXT    NOT NULL CHECK (state IN ('draft', 'closed')),
    text        BLOB    NOT NULL,                          -- sealed
    text_print  BLOB    NOT NULL,                          -- keyed hash: the same words again
    phone_id    INTEGER REFERENCES phone (id),
    resident_id INTEGER REFERENCES resident (id),          -- only where one person alone holds the phone
    inbox_id    INTEGER UNIQUE,                            -- the SMS it came in; the same SMS makes one draft
    received_ms INTEGER NOT NULL,
    read_ms     INTEGER,
    read_by     TEXT,
    closed_ms   INTEGER,
    CHECK ((read_ms IS NULL) = (read_by IS NULL)),
    CHECK ((state = 'closed') = (closed_ms IS NOT NULL))
) STRICT;

CREATE INDEX suggestion_by_number ON suggestion (number, id);
CREATE INDEX suggestion_of_phone ON suggestion (phone_id, id);

CREATE TABLE suggestion_second (
    suggestion_id INTEGER NOT NULL REFERENCES suggestion (id),
    phone_id      INTEGER NOT NULL REFERENCES phone (id),
    at_ms         INTEGER NOT NULL,
    PRIMARY KEY (suggestion_id, phone_id)
) STRICT, WITHOUT ROWID;
