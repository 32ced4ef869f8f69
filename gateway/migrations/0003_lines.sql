-- What each line has cost, month by month: written with the try it belongs to, so a power cut forgets no money.
CREATE TABLE spent (
    lane_id INTEGER NOT NULL REFERENCES lane (id),
    month   TEXT NOT NULL,           -- 2026-12, of the Beijing calendar
    parts   INTEGER NOT NULL,        -- SMS parts, or started minutes of calls
    fen     INTEGER NOT NULL,
    PRIMARY KEY (lane_id, month)
) STRICT, WITHOUT ROWID;

-- What has been tried and waits: a second line looks only here for what the first one's carrier turned away.
CREATE INDEX message_turned ON message (channel, priority, due_ms) WHERE state = 'queued' AND tries > 0;
