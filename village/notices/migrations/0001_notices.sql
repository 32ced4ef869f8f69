-- A notice, every wording it ever had, whom it was addressed to, and what came of it.
-- Messages belong to the gateway and are kept without a foreign key: it may forget old ones, the notice does not.

CREATE TABLE notice (
    id          INTEGER PRIMARY KEY,
    number      INTEGER NOT NULL CHECK (number BETWEEN 1 AND 99),
    state       TEXT    NOT NULL CHECK (state IN ('planned', 'sent', 'stopped')),
    version     INTEGER NOT NULL CHECK (version >= 1),
    opened_with INTEGER NOT NULL CHECK (opened_with BETWEEN 1 AND version),  -- the version that went out first
    audience    TEXT    NOT NULL CHECK (json_valid(audience)),
    unit        TEXT    NOT NULL CHECK (unit IN ('household', 'person')),
    by_sms      INTEGER NOT NULL CHECK (by_sms IN (0, 1)),
    by_call     INTEGER NOT NULL CHECK (by_call IN (0, 1)),
    on_page     INTEGER NOT NULL CHECK (on_page IN (0, 1)),
    urgent      INTEGER NOT NULL CHECK (urgent IN (0, 1)),
    issuer      TEXT    NOT NULL CHECK (issuer IN ('committee', 'supervisory', 'collective', 'party')),
    author      TEXT    NOT NULL,
    request     TEXT    UNIQUE,              -- the form it came from: the same form sends once
    created_ms  INTEGER NOT NULL,
    start_ms    INTEGER NOT NULL,            -- when it goes, or went, out
    stopped_ms  INTEGER,
    stopped_by  TEXT,
    CHECK ((state = 'stopped') = (stopped_ms IS NOT NULL))
) STRICT;

CREATE INDEX notice_by_number ON notice (number, id);
CREATE INDEX notice_planned ON notice (start_ms) WHERE state = 'planned';

CREATE TABLE notice_version (
    notice_id   INTEGER NOT NULL REFERENCES notice (id),
    version     INTEGER NOT NULL CHECK (version >= 1),
    text        TEXT    NOT NULL CHECK (text <> ''),
    short_text  TEXT    NOT NULL,            -- what the SMS says instead of the text; empty: the text itself
    due_ms      INTEGER,                     -- by when everybody has to know
    author      TEXT    NOT NULL,
    created_ms  INTEGER NOT NULL,
    PRIMARY KEY (notice_id, version)
) STRICT, WITHOUT ROWID;

-- Frozen when the notice goes out: a household, or a person where persons were addressed.
CREATE TABLE notice_unit (
    id           INTEGER PRIMARY KEY,
    notice_id    INTEGER NOT NULL REFERENCES notice (id),
    household_id INTEGER NOT NULL REFERENCES household (id),
    resident_id  INTEGER REFERENCES resident (id),  -- NULL: the household
    group_no     INTEGER NOT NULL,
    name         TEXT    NOT NULL,
    born         TEXT,                       -- of the one to be visited first, with `alone`: who needs it most
    alone        INTEGER NOT NULL CHECK (alone IN (0, 1)),
    away         INTEGER NOT NULL CHECK (away IN (0, 1)),
    no_way       TEXT    CHECK (no_way IN ('no_phone', 'opted_out', 'no_channel', 'no_line')),
    place        INTEGER NOT NULL            -- order in lists and tiles: by group, then as the roster has them
) STRICT;

CREATE UNIQUE INDEX notice_unit_once ON notice_unit (notice_id, household_id, coalesce(resident_id, 0));

-- One message of ours that carries the words of one version to one phone.
CREATE TABLE notice_copy (
    id          INTEGER PRIMARY KEY,
    notice_id   INTEGER NOT NULL,
    version     INTEGER NOT NULL,
    phone_id    INTEGER NOT NULL REFERENCES phone (id),
    channel     TEXT    NOT NULL CHECK (channel IN ('sms', 'call')),
    kind        TEXT    NOT NULL CHECK (kind IN ('notice', 'correction', 'asked')),
    message_id  INTEGER NOT NULL UNIQUE,
    created_ms  INTEGER NOT NULL,
    FOREIGN KEY (notice_id, version) REFERENCES notice_version (notice_id, version)
) STRICT;

CREATE INDEX notice_copy_of_phone ON notice_copy (notice_id, phone_id);
CREATE UNIQUE INDEX notice_copy_once ON notice_copy (notice_id, version, phone_id, channel, kind) WHERE kind <> 'asked';

CREATE TABLE notice_copy_serves (
    copy_id     INTEGER NOT NULL REFERENCES notice_copy (id),
    unit_id     INTEGER NOT NULL REFERENCES notice_unit (id),
    PRIMARY KEY (copy_id, unit_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX notice_copy_serves_unit ON notice_copy_serves (unit_id);

CREATE TABLE notice_confirmation (
    id          INTEGER PRIMARY KEY,
    notice_id   INTEGER NOT NULL,
    version     INTEGER NOT NULL,
    unit_id     INTEGER NOT NULL REFERENCES notice_unit (id),
    via         TEXT    NOT NULL CHECK (via IN ('sms', 'call', 'page', 'door')),
    phone_id    INTEGER REFERENCES phone (id),
    recorded_by TEXT    NOT NULL,
    at_ms       INTEGER NOT NULL,
    lapsed_ms   INTEGER,                     -- a correction came after it, or it was taken back at the desk
    FOREIGN KEY (notice_id, version) REFERENCES notice_version (notice_id, version)
) STRICT;

CREATE UNIQUE INDEX notice_confirmation_once ON notice_confirmation (unit_id) WHERE lapsed_ms IS NULL;
CREATE INDEX notice_confirmation_of ON notice_confirmation (notice_id);

CREATE TABLE door_visit (
    unit_id     INTEGER NOT NULL REFERENCES notice_unit (id),
    version     INTEGER NOT NULL,
    who         TEXT    NOT NULL,            -- who goes; empty: the group's leader
    ticked_ms   INTEGER,
    ticked_by   TEXT,
    PRIMARY KEY (unit_id, version),
    CHECK ((ticked_ms IS NULL) = (ticked_by IS NULL))
) STRICT, WITHOUT ROWID;

-- What was typed and not yet sent: nothing a clerk types is ever lost.
CREATE TABLE notice_draft (
    author      TEXT    PRIMARY KEY,
    fields      TEXT    NOT NULL CHECK (json_valid(fields)),
    saved_ms    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
