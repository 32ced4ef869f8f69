-- What was made of every SMS that came in. The texts themselves stay sealed in the gateway's inbox.

CREATE TABLE interpretation (
    id          INTEGER PRIMARY KEY,
    inbox_id    INTEGER NOT NULL UNIQUE REFERENCES inbox (id),
    fingerprint BLOB    NOT NULL,                  -- of the sender, known to the roster or not
    phone_id    INTEGER REFERENCES phone (id),
    person      INTEGER NOT NULL CHECK (person IN (0, 1)),  -- 0: a robot, a bank, a carrier
    at_ms       INTEGER NOT NULL,
    intent      TEXT    NOT NULL,
    why         TEXT    NOT NULL CHECK (json_valid(why)),
    shown       INTEGER NOT NULL CHECK (shown IN (0, 1)),  -- whether the committee may read the text: never a ballot
    concerns    TEXT,                              -- notice/17, suggestion/21: what it was about
    reply_key   TEXT,                              -- NULL: not answered
    message_id  INTEGER,                           -- the answer, in the outbox
    CHECK ((reply_key IS NULL) = (message_id IS NULL))
) STRICT;

CREATE INDEX interpretation_of_sender ON interpretation (fingerprint, at_ms);

-- For the supervisory committee alone: sealed, so that neither the committee's pages nor a copied file show it.
CREATE TABLE supervision (
    id          INTEGER PRIMARY KEY,
    inbox_id    INTEGER NOT NULL UNIQUE REFERENCES inbox (id),
    why         TEXT    NOT NULL CHECK (why IN ('addressed', 'link', 'code', 'money')),
    sender      BLOB    NOT NULL,                  -- sealed number
    phone_id    INTEGER REFERENCES phone (id),
    text        BLOB    NOT NULL,                  -- sealed
    received_ms INTEGER NOT NULL,
    handled_ms  INTEGER,
    handled_by  TEXT,
    CHECK ((handled_ms IS NULL) = (handled_by IS NULL))
) STRICT;

-- A cry for help that came here instead of to 110: somebody has to ring back and say so.
CREATE TABLE duty_alarm (
    id          INTEGER PRIMARY KEY,
    inbox_id    INTEGER NOT NULL UNIQUE REFERENCES inbox (id),
    sender      BLOB    NOT NULL,                  -- sealed number
    fingerprint BLOB    NOT NULL,
    phone_id    INTEGER REFERENCES phone (id),
    at_ms       INTEGER NOT NULL,
    rung        INTEGER NOT NULL CHECK (rung IN (0, 1)),   -- whether the one on duty was rung for it
    handled_ms  INTEGER,
    handled_by  TEXT,
    CHECK ((handled_ms IS NULL) = (handled_by IS NULL))
) STRICT;

CREATE INDEX duty_alarm_open ON duty_alarm (at_ms) WHERE handled_ms IS NULL;

-- Calls a villager asked for (02, 0217), to find them again for 020.
CREATE TABLE fetched_call (
    message_id  INTEGER PRIMARY KEY,
    phone_id    INTEGER NOT NULL REFERENCES phone (id),
    notice_id   INTEGER NOT NULL
) STRICT;

CREATE INDEX fetched_call_of_phone ON fetched_call (phone_id, message_id);
