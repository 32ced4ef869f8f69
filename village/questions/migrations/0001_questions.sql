-- What was asked of which phone, and with which message: an answer belongs to a question.
-- subject_id is the asking room's own id (a notice, a poll, …); message_id the gateway's.
-- One tree and no index beside it: a notice to 600 phones writes 600 of these.

CREATE TABLE question (
    phone_id    INTEGER NOT NULL REFERENCES phone (id),
    message_id  INTEGER NOT NULL,
    kind        TEXT    NOT NULL CHECK (kind <> ''),
    subject_id  INTEGER NOT NULL,
    number      INTEGER NOT NULL CHECK (number BETWEEN 1 AND 99),
    PRIMARY KEY (phone_id, message_id, kind, subject_id)
) STRICT, WITHOUT ROWID;
