-- What was asked of which phone, and with which message: an answer belongs to a question.
-- subject_id is the asking room's own id (a notice, a poll, …); message_id the gateway's.

CREATE TABLE question (
    id          INTEGER PRIMARY KEY,
    phone_id    INTEGER NOT NULL REFERENCES phone (id),
    kind        TEXT    NOT NULL CHECK (kind <> ''),
    number      INTEGER NOT NULL CHECK (number BETWEEN 1 AND 99),
    subject_id  INTEGER NOT NULL,
    message_id  INTEGER NOT NULL,
    UNIQUE (message_id, kind, subject_id)
) STRICT;

CREATE INDEX question_of_phone ON question (phone_id, id);
