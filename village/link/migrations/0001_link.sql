-- The county as this village knows it, what it has been told, and the county's notices that wait for the committee.

CREATE TABLE county (
    id           INTEGER PRIMARY KEY CHECK (id = 1),  -- a village has one county
    url          TEXT    NOT NULL,
    name         TEXT    NOT NULL,
    public_key   BLOB    NOT NULL CHECK (length(public_key) = 32),
    sealing_key  BLOB    NOT NULL CHECK (length(sealing_key) = 32),
    log          BLOB    NOT NULL CHECK (length(log) = 16),
    certificate  BLOB    NOT NULL,            -- the county's word on whose key this is (COSE_Sign1)
    authority    TEXT    NOT NULL,            -- PEM of the county's own CA where its address is https; else empty
    village_no   INTEGER NOT NULL,            -- the number the county calls this village by
    expires_ms   INTEGER NOT NULL,
    enrolled_ms  INTEGER NOT NULL
) STRICT;

-- One row for everything that was ever told: what it said last, so that nothing is told twice and a change is told.
CREATE TABLE told (
    kind     INTEGER NOT NULL,
    subject  INTEGER NOT NULL,                -- the notice's or poll's own id; 0 for the village itself
    print    BLOB    NOT NULL CHECK (length(print) = 16),
    told_ms  INTEGER NOT NULL,
    PRIMARY KEY (kind, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE county_notice (
    id            INTEGER PRIMARY KEY,        -- the county's own number for it
    text          TEXT    NOT NULL CHECK (text <> ''),
    issuer        TEXT    NOT NULL,
    issued_ms     INTEGER NOT NULL,
    due_ms        INTEGER,
    received_ms   INTEGER NOT NULL,
    withdrawn_ms  INTEGER,
    set_aside_ms  INTEGER,
    set_aside_by  TEXT,
    CHECK ((set_aside_ms IS NULL) = (set_aside_by IS NULL))
) STRICT;
