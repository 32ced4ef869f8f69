-- A question put to the village, who may answer it, every ballot that came, and what was counted.
-- The choice of a ballot stands nowhere but in ballot.sealed: no index, no hash, no counter of it exists while a poll is open.

CREATE TABLE legal_basis (
    id           INTEGER PRIMARY KEY,
    title        TEXT    NOT NULL CHECK (title <> ''),       -- 村民自治章程第12条
    reference    TEXT    NOT NULL CHECK (reference <> ''),   -- what it says, and where the paper lies
    entered_by   TEXT    NOT NULL,
    entered_ms   INTEGER NOT NULL,
    cosigned_by  TEXT,                                       -- a member of the supervisory committee
    cosigned_ms  INTEGER,
    retired_by   TEXT,
    retired_ms   INTEGER,
    CHECK ((cosigned_by IS NULL) = (cosigned_ms IS NULL)),
    CHECK ((retired_by IS NULL) = (retired_ms IS NULL))
) STRICT;

CREATE TABLE poll (
    id            INTEGER PRIMARY KEY,
    number        INTEGER NOT NULL CHECK (number BETWEEN 20 AND 99),
    kind          TEXT    NOT NULL CHECK (kind IN ('opinion', 'household')),
    state         TEXT    NOT NULL CHECK (state IN ('open', 'closed', 'counted', 'withdrawn')),
    question      TEXT    NOT NULL CHECK (question <> ''),
    options       TEXT    NOT NULL CHECK (json_valid(options)),
    groups        TEXT    NOT NULL CHECK (json_valid(groups)),  -- [] : the whole village
    basis_id      INTEGER REFERENCES legal_basis (id),
    pack          TEXT    NOT NULL,
    by_sms        INTEGER NOT NULL CHECK (by_sms IN (0, 1)),
    by_call       INTEGER NOT NULL CHECK (by_call IN (0, 1)),
    salt          BLOB    NOT NULL CHECK (length(salt) = 16),
    roll_hash     BLOB    NOT NULL CHECK (length(roll_hash) = 32),
    eligible      INTEGER NOT NULL CHECK (eligible > 0),
    author        TEXT    NOT NULL,
    request       TEXT    UNIQUE,                -- the form it came from: the same form opens once
    opened_ms     INTEGER NOT NULL,
    closes_ms     INTEGER NOT NULL,              -- what people were told; never moved
    closed_ms     INTEGER,
    counted_ms    INTEGER,
    withdrawn_ms  INTEGER,
    withdrawn_by  TEXT,
    withdrawn_why TEXT,
    CHECK ((state = 'withdrawn') = (withdrawn_ms IS NOT NULL)),
    CHECK ((state = 'counted') = (counted_ms IS NOT NULL))
) STRICT;

CREATE INDEX poll_by_number ON poll (number, id);
CREATE INDEX poll_running ON poll (closes_ms) WHERE state IN ('open', 'closed');

-- The roll, frozen when the poll opens: one row for everybody who may vote.
CREATE TABLE poll_voter (
    id            INTEGER PRIMARY KEY,
    poll_id       INTEGER NOT NULL REFERENCES poll (id),
    place         INTEGER NOT NULL,
    household_id  INTEGER NOT NULL REFERENCES household (id),
    resident_id   INTEGER NOT NULL REFERENCES resident (id),
    group_no      INTEGER NOT NULL,
    name          TEXT    NOT NULL,
    born          TEXT,
    UNIQUE (poll_id, resident_id)
) STRICT;

CREATE INDEX poll_voter_of_household ON poll_voter (poll_id, household_id);

-- Our messages about a poll, to know which phone had which.
CREATE TABLE poll_copy (
    message_id    INTEGER PRIMARY KEY,
    poll_id       INTEGER NOT NULL REFERENCES poll (id),
    phone_id      INTEGER NOT NULL REFERENCES phone (id),
    channel       TEXT    NOT NULL CHECK (channel IN ('sms', 'call')),
    kind          TEXT    NOT NULL CHECK (kind IN ('announcement', 'result', 'withdrawal'))
) STRICT;

CREATE INDEX poll_copy_of_phone ON poll_copy (poll_id, phone_id);

-- Receipts given or set apart: five digits, once in a poll.
CREATE TABLE poll_receipt (
    poll_id       INTEGER NOT NULL REFERENCES poll (id),
    digits        TEXT    NOT NULL CHECK (digits GLOB '[1-9][0-9][0-9][0-9][0-9]'),
    voter_id      INTEGER NOT NULL REFERENCES poll_voter (id),
    message_id    INTEGER,                       -- the call whose script already speaks it
    PRIMARY KEY (poll_id, digits)
) STRICT, WITHOUT ROWID;

CREATE INDEX poll_receipt_of_call ON poll_receipt (message_id) WHERE message_id IS NOT NULL;

-- The ledger: every ballot as it came, in the order it came; never changed, never deleted.
CREATE TABLE ballot (
    id            INTEGER PRIMARY KEY,
    poll_id       INTEGER NOT NULL REFERENCES poll (id),
    place         INTEGER NOT NULL CHECK (place > 0),
    voter_id      INTEGER NOT NULL REFERENCES poll_voter (id),
    sealed        BLOB    NOT NULL,              -- the choice, of one length for every choice
    receipt       TEXT    NOT NULL,              -- empty: it came too late
    via           TEXT    NOT NULL CHECK (via IN ('sms', 'call')),
    sent_ms       INTEGER NOT NULL,              -- the SMS centre's time; a call's key press
    received_ms   INTEGER NOT NULL,
    source        TEXT    NOT NULL UNIQUE,       -- the message or key press it is: the same one counts once
    late          INTEGER NOT NULL CHECK (late IN (0, 1)),
    outcome       TEXT    NOT NULL,
    previous_id   INTEGER REFERENCES ballot (id),-- the voter's standing ballot when this one came
    chain         BLOB    NOT NULL CHECK (length(chain) = 32),
    UNIQUE (poll_id, place)
) STRICT;

CREATE INDEX ballot_of_voter ON ballot (voter_id, sent_ms);

-- Written when the poll is counted, not before.
CREATE TABLE poll_result (
    poll_id         INTEGER PRIMARY KEY REFERENCES poll (id),
    counts          TEXT    NOT NULL CHECK (json_valid(counts)),
    attended        INTEGER NOT NULL,
    late            INTEGER NOT NULL,
    valid           INTEGER CHECK (valid IN (0, 1)),
    passed          INTEGER CHECK (passed IN (0, 1)),
    needs_attended  INTEGER,
    needs_yes       INTEGER,
    articles        TEXT    NOT NULL CHECK (json_valid(articles)),
    pack            TEXT    NOT NULL,
    receipts        BLOB    NOT NULL CHECK (length(receipts) = 32),
    ledger_head     BLOB    NOT NULL CHECK (length(ledger_head) = 32),
    silent_lanes    TEXT    NOT NULL CHECK (json_valid(silent_lanes))
) STRICT;
