-- Who may sit at the desk, and which browsers they sit at.
CREATE TABLE account (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 20),
    role TEXT NOT NULL CHECK (role IN ('committee', 'supervisory', 'collective', 'party')),
    password TEXT NOT NULL CHECK (password LIKE '$argon2id$%'),
    must_change INTEGER NOT NULL DEFAULT 0 CHECK (must_change IN (0, 1)),
    made_ms INTEGER NOT NULL,
    removed_ms INTEGER
) STRICT;

-- A removed account stays, as others' rows name who did what; its name may be given again.
CREATE UNIQUE INDEX account_name ON account (name) WHERE removed_ms IS NULL;

-- `run`, `seen_mono_ms`, `seen_wall_ms`, `seen_trusted` are one stamp of time (sessions.py); `age_ms` is what was counted before it.
CREATE TABLE session (
    id INTEGER PRIMARY KEY,
    key_hash BLOB NOT NULL UNIQUE CHECK (length(key_hash) = 32),
    account_id INTEGER NOT NULL REFERENCES account (id),
    browser TEXT NOT NULL,
    made_ms INTEGER NOT NULL,
    run TEXT NOT NULL,
    seen_mono_ms INTEGER NOT NULL,
    seen_wall_ms INTEGER NOT NULL,
    seen_trusted INTEGER NOT NULL CHECK (seen_trusted IN (0, 1)),
    age_ms INTEGER NOT NULL DEFAULT 0 CHECK (age_ms >= 0)
) STRICT;

CREATE INDEX session_account ON session (account_id);

-- The code of the first visit is derived from the key file and this nonce; it is never stored itself.
CREATE TABLE first_visit (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    nonce BLOB NOT NULL CHECK (length(nonce) = 16),
    used INTEGER NOT NULL DEFAULT 0 CHECK (used IN (0, 1))
) STRICT;

-- Forms that had their effect; written in the transaction of the effect.
CREATE TABLE used_form (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    nonce BLOB NOT NULL UNIQUE CHECK (length(nonce) = 16),
    leads_to TEXT
) STRICT;

CREATE TABLE account_event (
    id INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    account_id INTEGER NOT NULL REFERENCES account (id),
    by_id INTEGER NOT NULL REFERENCES account (id),
    what TEXT NOT NULL CHECK (what IN ('made', 'role', 'reset', 'password', 'removed')),
    role TEXT
) STRICT;
