-- The signed bytes of a bundle that contradicts what was taken before. Not in `evidence`: that is the log as it stands,
-- and this is the proof that somebody wrote another one with the same key.
CREATE TABLE fork_evidence (
    id           INTEGER PRIMARY KEY,
    village_no   INTEGER NOT NULL REFERENCES village (no),
    first_seq    INTEGER NOT NULL,
    last_seq     INTEGER NOT NULL,
    received_ms  INTEGER NOT NULL,
    signed       BLOB    NOT NULL
) STRICT;

CREATE INDEX fork_evidence_of_village ON fork_evidence (village_no);
