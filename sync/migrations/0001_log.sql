-- Our own log, the other side's as far as we have it, and what was refused. Records stand here as they were encoded: that is
-- what is hashed and compared.

CREATE TABLE own_record (
    epoch    INTEGER NOT NULL,
    seq      INTEGER NOT NULL CHECK (seq > 0),
    hash     BLOB    NOT NULL CHECK (length(hash) = 32),
    encoded  BLOB    NOT NULL,
    PRIMARY KEY (epoch, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE peer (
    log        BLOB    PRIMARY KEY CHECK (length(log) = 16),
    epoch      INTEGER NOT NULL,
    head_seq   INTEGER NOT NULL,              -- everything up to here is there and follows
    head_hash  BLOB    NOT NULL CHECK (length(head_hash) = 32),
    acked_seq  INTEGER NOT NULL DEFAULT 0,    -- how much of our own log they have, durably
    spoke_ms   INTEGER,                       -- when both sides last agreed
    went_back  INTEGER NOT NULL DEFAULT 0,    -- how often they had less than they had acknowledged: a restored backup
    frozen     TEXT                           -- why nothing of theirs is taken any more, until a person decides
) STRICT, WITHOUT ROWID;

CREATE TABLE peer_record (
    log      BLOB    NOT NULL REFERENCES peer (log),
    epoch    INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    hash     BLOB    NOT NULL CHECK (length(hash) = 32),
    encoded  BLOB    NOT NULL,
    PRIMARY KEY (log, epoch, seq)
) STRICT, WITHOUT ROWID;

-- Another record in a place that was taken: both are kept, a person decides.
CREATE TABLE peer_fork (
    log      BLOB    NOT NULL REFERENCES peer (log),
    epoch    INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    hash     BLOB    NOT NULL,
    encoded  BLOB    NOT NULL,
    PRIMARY KEY (log, epoch, seq, hash)
) STRICT, WITHOUT ROWID;
