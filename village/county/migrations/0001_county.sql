-- The county: its villages, their logs as they were received, what stands in them, and what was refused.

CREATE TABLE village (
    no            INTEGER PRIMARY KEY,
    name          TEXT    NOT NULL,
    public_key    BLOB    NOT NULL,
    sealing_key   BLOB    NOT NULL,
    log           BLOB    NOT NULL UNIQUE,
    certificate   BLOB    NOT NULL,
    issued_ms     INTEGER NOT NULL,
    expires_ms    INTEGER NOT NULL,
    revoked_ms    INTEGER,
    spoke_ms      INTEGER,
    epoch         INTEGER NOT NULL,
    head_seq      INTEGER NOT NULL,
    head_hash     BLOB    NOT NULL,
    acked_seq     INTEGER NOT NULL,
    went_back     INTEGER NOT NULL,
    frozen        TEXT    NOT NULL,
    groups        INTEGER NOT NULL,
    households    INTEGER NOT NULL,
    people        INTEGER NOT NULL,
    version       TEXT    NOT NULL,
    waiting       INTEGER NOT NULL,
    lines         INTEGER NOT NULL,
    lines_down    INTEGER NOT NULL,
    disk_free_mb  INTEGER,
    noted_ms      INTEGER
) STRICT;

CREATE TABLE own_record (
    epoch    INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    hash     BLOB    NOT NULL,
    encoded  BLOB    NOT NULL,
    PRIMARY KEY (epoch, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE record (
    village_no  INTEGER NOT NULL REFERENCES village (no),
    epoch       INTEGER NOT NULL,
    seq         INTEGER NOT NULL,
    hash        BLOB    NOT NULL,
    encoded     BLOB    NOT NULL,
    PRIMARY KEY (village_no, epoch, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE record_fork (
    village_no  INTEGER NOT NULL REFERENCES village (no),
    epoch       INTEGER NOT NULL,
    seq         INTEGER NOT NULL,
    hash        BLOB    NOT NULL,
    encoded     BLOB    NOT NULL,
    PRIMARY KEY (village_no, epoch, seq, hash)
) STRICT, WITHOUT ROWID;

-- The signed bytes each accepted bundle came in: whoever doubts a result can verify them without us.
CREATE TABLE evidence (
    id           INTEGER PRIMARY KEY,
    village_no   INTEGER NOT NULL REFERENCES village (no),
    first_seq    INTEGER NOT NULL,
    last_seq     INTEGER NOT NULL,
    received_ms  INTEGER NOT NULL,
    signed       BLOB    NOT NULL
) STRICT;

CREATE INDEX evidence_of_village ON evidence (village_no, first_seq);

CREATE TABLE quarantine (
    id           INTEGER PRIMARY KEY,
    village_no   INTEGER REFERENCES village (no),
    reason       TEXT    NOT NULL,
    received_ms  INTEGER NOT NULL,
    size         INTEGER NOT NULL,
    sealed       BLOB    NOT NULL,
    times        INTEGER NOT NULL,
    print        BLOB    NOT NULL UNIQUE,
    handled_ms   INTEGER,
    handled_by   TEXT
) STRICT;

CREATE TABLE enrol_code (
    id          TEXT    PRIMARY KEY,
    code_key    BLOB    NOT NULL,       -- scrypt of the secret half; the code itself stands on paper alone
    village     TEXT    NOT NULL,
    issued_by   TEXT    NOT NULL,
    issued_ms   INTEGER NOT NULL,
    expires_ms  INTEGER NOT NULL,
    used_ms     INTEGER,
    used_log    BLOB,
    village_no  INTEGER REFERENCES village (no)
) STRICT, WITHOUT ROWID;

CREATE TABLE enrol_try (
    id     INTEGER PRIMARY KEY,
    at_ms  INTEGER NOT NULL
) STRICT;

CREATE TABLE notice (
    village_no     INTEGER NOT NULL REFERENCES village (no),
    notice         INTEGER NOT NULL,
    version        INTEGER NOT NULL,
    number         INTEGER NOT NULL,
    issuer         TEXT    NOT NULL,
    text           TEXT    NOT NULL,
    audience       TEXT    NOT NULL,
    unit           TEXT    NOT NULL,
    urgent         INTEGER NOT NULL,
    county_notice  INTEGER,
    published_ms   INTEGER NOT NULL,
    due_ms         INTEGER,
    stopped_ms     INTEGER,
    units          INTEGER,
    accepted       INTEGER,
    delivered      INTEGER,
    heard          INTEGER,
    confirmed      INTEGER,
    unreached      INTEGER,
    groups         TEXT    NOT NULL,
    as_of_ms       INTEGER,
    PRIMARY KEY (village_no, notice)
) STRICT, WITHOUT ROWID;

CREATE INDEX notice_of_county ON notice (county_notice) WHERE county_notice IS NOT NULL;

CREATE TABLE poll (
    village_no        INTEGER NOT NULL REFERENCES village (no),
    poll              INTEGER NOT NULL,
    number            INTEGER NOT NULL,
    kind              TEXT    NOT NULL,
    question          TEXT    NOT NULL,
    options           TEXT    NOT NULL,
    opened_ms         INTEGER NOT NULL,
    closes_ms         INTEGER NOT NULL,
    eligible          INTEGER NOT NULL,
    roll              BLOB    NOT NULL,
    pack              TEXT    NOT NULL,
    basis             TEXT    NOT NULL,
    opened_seq        INTEGER NOT NULL,
    closed_ms         INTEGER,
    ballots           INTEGER,
    withdrawn_ms      INTEGER,
    counted_ms        INTEGER,
    counted_seq       INTEGER,
    counted_eligible  INTEGER,
    counted_roll      BLOB,
    counted_pack      TEXT,
    attended          INTEGER,
    counts            TEXT    NOT NULL,
    late              INTEGER,
    valid             INTEGER,
    passed            INTEGER,
    receipts          BLOB,
    ledger            BLOB,
    complete          INTEGER,
    PRIMARY KEY (village_no, poll)
) STRICT, WITHOUT ROWID;

CREATE TABLE county_notice (
    notice        INTEGER PRIMARY KEY,
    seq           INTEGER NOT NULL,      -- its place in our own log
    text          TEXT    NOT NULL,
    issuer        TEXT    NOT NULL,
    issued_ms     INTEGER NOT NULL,
    due_ms        INTEGER,
    villages      TEXT    NOT NULL,      -- numbers; [] : all
    author        TEXT    NOT NULL,
    withdrawn_ms  INTEGER
) STRICT;
