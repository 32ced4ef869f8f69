-- Everything the gateway remembers. Numbers and texts are sealed; what has to be found has a keyed fingerprint.
-- Message rows are kept narrow and their indexes few: on an SD card bytes written are life.

CREATE TABLE lane (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE        -- a transport's name: one byte in each message instead of the word
) STRICT;

CREATE TABLE recipient (
    id              INTEGER PRIMARY KEY,
    fingerprint     BLOB NOT NULL UNIQUE,
    sealed          BLOB NOT NULL,
    last_message_id INTEGER          -- head of the chain through message.previous_id: history without an index
) STRICT;

CREATE TABLE body (
    id          INTEGER PRIMARY KEY,
    fingerprint BLOB NOT NULL UNIQUE,
    sealed      BLOB NOT NULL        -- the text of an SMS, or a call's script as JSON; one row for a notice to 600
) STRICT;

CREATE TABLE message (
    id           INTEGER PRIMARY KEY,
    channel      TEXT NOT NULL CHECK (channel IN ('sms', 'call')),
    kind         TEXT NOT NULL,
    reference    TEXT NOT NULL,
    priority     INTEGER NOT NULL,
    state        TEXT NOT NULL CHECK (state IN
                 ('queued', 'sending', 'unknown', 'accepted', 'delivered', 'failed', 'expired', 'withdrawn')),
    recipient_id INTEGER NOT NULL REFERENCES recipient (id),
    previous_id  INTEGER,
    body_id      INTEGER NOT NULL REFERENCES body (id),
    parts        INTEGER NOT NULL CHECK (parts >= 0),
    queued_ms    INTEGER NOT NULL,
    due_ms       INTEGER NOT NULL,   -- 0: at once, whatever the clock says
    expires_ms   INTEGER,
    lane_id      INTEGER REFERENCES lane (id), -- of the newest try
    attempts     INTEGER NOT NULL DEFAULT 0,   -- tries begun
    tries        INTEGER NOT NULL DEFAULT 0,   -- those that count: not while the link was down
    stopped      INTEGER NOT NULL DEFAULT 0 CHECK (stopped IN (0, 1)),
    accepted_ms  INTEGER,
    delivered_ms INTEGER,
    heard_ms     INTEGER,
    ended_ms     INTEGER,
    error        TEXT
) STRICT;

-- The queue: only what waits is in it, so a claim costs the same with ten and with ten thousand waiting.
CREATE INDEX message_open ON message (state, channel, priority, due_ms)
    WHERE state IN ('queued', 'unknown');

-- Tries that have begun and not ended: committed before the carrier is called, gone when it has answered. What a power
-- cut finds here is unknown. Never longer than the lanes' windows together.
CREATE TABLE under_way (
    message_id INTEGER NOT NULL REFERENCES message (id),
    number     INTEGER NOT NULL,
    started_ms INTEGER NOT NULL,
    PRIMARY KEY (message_id, number)
) STRICT, WITHOUT ROWID;

-- Tries that a carrier has taken, by the carrier's own reference: how its reports find their message. Kept for a week.
CREATE TABLE taken (
    carrier_ref TEXT NOT NULL,
    lane_id     INTEGER NOT NULL REFERENCES lane (id),
    message_id  INTEGER NOT NULL REFERENCES message (id),
    number      INTEGER NOT NULL,
    taken_ms    INTEGER NOT NULL,
    PRIMARY KEY (carrier_ref, lane_id)
) STRICT, WITHOUT ROWID;

-- Tries that ended badly, and why.
CREATE TABLE attempt (
    message_id INTEGER NOT NULL REFERENCES message (id),
    number     INTEGER NOT NULL,
    lane_id    INTEGER NOT NULL REFERENCES lane (id),
    started_ms INTEGER NOT NULL,
    ended_ms   INTEGER NOT NULL,
    error      TEXT NOT NULL,
    PRIMARY KEY (message_id, number)
) STRICT, WITHOUT ROWID;

-- Reports that overtook the answer they belong to; usually empty.
CREATE TABLE early_report (
    lane_id     INTEGER NOT NULL REFERENCES lane (id),
    carrier_ref TEXT NOT NULL,
    said        TEXT NOT NULL CHECK (said IN ('accepted', 'delivered', 'failed')),
    at_ms       INTEGER NOT NULL,
    trouble     TEXT,
    code        TEXT NOT NULL,
    final       INTEGER NOT NULL CHECK (final IN (0, 1)),
    kept_ms     INTEGER NOT NULL,
    PRIMARY KEY (lane_id, carrier_ref, said)
) STRICT, WITHOUT ROWID;

-- How each call went. Which keys were pressed is not kept here: it may be a ballot.
CREATE TABLE call_outcome (
    message_id  INTEGER NOT NULL REFERENCES message (id),
    number      INTEGER NOT NULL,
    answered_ms INTEGER,
    heard_ms    INTEGER,
    keys        INTEGER NOT NULL DEFAULT 0,
    ended_ms    INTEGER,
    why         TEXT,
    PRIMARY KEY (message_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE inbox (
    id          INTEGER PRIMARY KEY,
    sender      BLOB NOT NULL,       -- sealed
    fingerprint BLOB NOT NULL,
    text        BLOB NOT NULL,       -- sealed: it may be a ballot
    text_print  BLOB NOT NULL,       -- keyed hash of the trimmed text, to see a robot repeat itself
    centre_ms   INTEGER,
    received_ms INTEGER NOT NULL,
    transport   TEXT NOT NULL,
    carrier_key BLOB UNIQUE,         -- keyed hash of transport and the carrier's id
    once_key    BLOB UNIQUE,         -- keyed hash of sender, centre time and text
    trouble     TEXT                 -- what went wrong while the village read it; the text is safe
) STRICT;

CREATE INDEX inbox_sender ON inbox (fingerprint, received_ms);
CREATE INDEX inbox_trouble ON inbox (id) WHERE trouble IS NOT NULL;

-- What the village's own SQL may read.
CREATE VIEW message_state AS
SELECT m.id, m.channel, m.kind, m.reference, m.priority, m.state, m.queued_ms, m.due_ms, m.expires_ms, m.accepted_ms,
       m.delivered_ms, m.ended_ms, m.heard_ms, m.tries, m.error, m.parts,
       (SELECT r.fingerprint FROM recipient r WHERE r.id = m.recipient_id) AS fingerprint
FROM message m;
