-- What has to be on paper before a line may open: the carrier's paper for a second SIM, notice and consent for a
-- company abroad. A permit is ended, never erased.
CREATE TABLE permit (
    id       INTEGER PRIMARY KEY,
    line     TEXT NOT NULL,
    notice   TEXT NOT NULL,          -- where the villagers were told; empty for a second SIM
    paper    TEXT NOT NULL,          -- which paper, and where it is kept
    by       TEXT NOT NULL,
    at_ms    INTEGER NOT NULL,
    ended_by TEXT,
    ended_ms INTEGER
) STRICT;

CREATE UNIQUE INDEX permit_in_force ON permit (line) WHERE ended_ms IS NULL;

-- When a line was first opened here: what its phone was sent before is its former owner's.
CREATE TABLE line_begun (
    line     TEXT PRIMARY KEY,
    first_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
