-- Parts of the newest try, where its line's postscript made it longer than what was written; NULL: as in `parts`.
ALTER TABLE message ADD COLUMN sent_parts INTEGER;

-- What was paid while the clock only guessed: in no month yet. It finds its month when the clock is put right, or, where
-- nobody can say any more how far off it was, in the first month that is known. Mostly empty.
CREATE TABLE spent_guessed (
    lane_id INTEGER NOT NULL REFERENCES lane (id),
    at_ms   INTEGER NOT NULL,
    parts   INTEGER NOT NULL,
    fen     INTEGER NOT NULL,
    PRIMARY KEY (lane_id, at_ms)
) STRICT, WITHOUT ROWID;

-- A number whose owner will not have it leave the country: no line that does carries its messages. Kept for good.
ALTER TABLE recipient ADD COLUMN home_only INTEGER NOT NULL DEFAULT 0 CHECK (home_only IN (0, 1));

-- Which line's carrier will never take which message, while another line still may. Mostly empty.
CREATE TABLE refusal (
    message_id INTEGER NOT NULL REFERENCES message (id),
    lane_id    INTEGER NOT NULL REFERENCES lane (id),
    PRIMARY KEY (message_id, lane_id)
) STRICT, WITHOUT ROWID;
