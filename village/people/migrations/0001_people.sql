-- Households, the people in them, and the phones they hold. There is no column for an ID number, and none is wanted.

CREATE TABLE household (
    id INTEGER PRIMARY KEY,
    group_no INTEGER NOT NULL CHECK (group_no BETWEEN 1 AND 99),
    head TEXT NOT NULL CHECK (length(head) BETWEEN 1 AND 40),
    added_ms INTEGER NOT NULL
) STRICT;

CREATE INDEX household_by_group ON household (group_no, id);

CREATE TABLE resident (
    id INTEGER PRIMARY KEY,
    household_id INTEGER NOT NULL REFERENCES household (id),
    position INTEGER NOT NULL,
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 40),
    relation TEXT NOT NULL DEFAULT '' CHECK (length(relation) <= 20),
    sex TEXT CHECK (sex IN ('男', '女')),
    born TEXT CHECK (born GLOB '[12][0-9][0-9][0-9]' OR born GLOB '[12][0-9][0-9][0-9]-[01][0-9]'
        OR born GLOB '[12][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]'),
    represents_household INTEGER NOT NULL DEFAULT 0 CHECK (represents_household IN (0, 1)),
    representative INTEGER NOT NULL DEFAULT 0 CHECK (representative IN (0, 1)),
    party INTEGER NOT NULL DEFAULT 0 CHECK (party IN (0, 1)),
    group_leader INTEGER NOT NULL DEFAULT 0 CHECK (group_leader IN (0, 1)),
    away INTEGER NOT NULL DEFAULT 0 CHECK (away IN (0, 1)),
    away_where TEXT NOT NULL DEFAULT '' CHECK (length(away_where) <= 60),
    lives_alone INTEGER NOT NULL DEFAULT 0 CHECK (lives_alone IN (0, 1)),
    wants_calls INTEGER NOT NULL DEFAULT 0 CHECK (wants_calls IN (0, 1)),
    cannot_read INTEGER NOT NULL DEFAULT 0 CHECK (cannot_read IN (0, 1)),
    dialect TEXT NOT NULL DEFAULT '' CHECK (length(dialect) <= 20),
    registered_ms INTEGER,
    added_ms INTEGER NOT NULL,
    left_ms INTEGER
) STRICT;

CREATE INDEX resident_by_household ON resident (household_id, position, id);
CREATE INDEX resident_by_name ON resident (name);

CREATE TABLE phone (
    id INTEGER PRIMARY KEY,
    sealed BLOB NOT NULL,
    fingerprint BLOB NOT NULL UNIQUE CHECK (length(fingerprint) = 16),
    masked TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('mobile', 'landline')),
    opted TEXT NOT NULL DEFAULT 'all' CHECK (opted IN ('all', 'alerts', 'none')),
    -- what the phone's own people chose; NULL leaves it to what the roster says of them
    channel TEXT CHECK (channel IN ('sms', 'call', 'both')),
    slow INTEGER NOT NULL DEFAULT 0 CHECK (slow IN (0, 1)),
    dialect TEXT CHECK (length(dialect) <= 20),
    registered_ms INTEGER,
    added_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE phone_holder (
    phone_id INTEGER NOT NULL REFERENCES phone (id),
    resident_id INTEGER NOT NULL REFERENCES resident (id),
    -- the voter's slot on a shared phone, as printed on the key card: it stays with the person
    slot INTEGER NOT NULL CHECK (slot BETWEEN 1 AND 9),
    -- where this phone stands among the person's own phones
    place INTEGER NOT NULL,
    -- a phone that came from a spreadsheet goes when a corrected spreadsheet no longer has it; the others stay
    source TEXT NOT NULL CHECK (source IN ('import', 'desk', 'code')),
    since_ms INTEGER NOT NULL,
    PRIMARY KEY (phone_id, resident_id),
    UNIQUE (phone_id, slot)
) STRICT;

CREATE INDEX phone_holder_by_resident ON phone_holder (resident_id, place);

-- Given and withdrawn, one row each time; the newest holds.
CREATE TABLE consent (
    id INTEGER PRIMARY KEY,
    phone_id INTEGER NOT NULL REFERENCES phone (id),
    resident_id INTEGER REFERENCES resident (id),
    what TEXT NOT NULL CHECK (what IN ('all', 'alerts', 'none')),
    how TEXT NOT NULL CHECK (how IN ('sms', 'call', 'desk', 'paper', 'code')),
    at_ms INTEGER NOT NULL
) STRICT;

CREATE INDEX consent_by_phone ON consent (phone_id, at_ms);

CREATE TABLE registration_code (
    id INTEGER PRIMARY KEY,
    resident_id INTEGER NOT NULL REFERENCES resident (id),
    code_hash BLOB NOT NULL CHECK (length(code_hash) = 16),
    issued_by TEXT NOT NULL,
    issued_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    ended_ms INTEGER,
    used_by_phone INTEGER REFERENCES phone (id)
) STRICT;

CREATE UNIQUE INDEX registration_code_live ON registration_code (code_hash) WHERE ended_ms IS NULL;
CREATE INDEX registration_code_by_resident ON registration_code (resident_id, issued_ms);

-- Wrong codes only: what the guess limits count.
CREATE TABLE registration_try (
    id INTEGER PRIMARY KEY,
    fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 16),
    at_ms INTEGER NOT NULL
) STRICT;

CREATE INDEX registration_try_by_time ON registration_try (at_ms);
CREATE INDEX registration_try_by_phone ON registration_try (fingerprint, at_ms);

-- Who changed what, when. Numbers stand here masked.
CREATE TABLE roster_change (
    id INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    changed_by TEXT NOT NULL,
    household_id INTEGER REFERENCES household (id),
    resident_id INTEGER REFERENCES resident (id),
    phone_id INTEGER REFERENCES phone (id),
    what TEXT NOT NULL,
    before TEXT NOT NULL DEFAULT '',
    after TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX roster_change_by_resident ON roster_change (resident_id, id);
CREATE INDEX roster_change_by_household ON roster_change (household_id, id);
