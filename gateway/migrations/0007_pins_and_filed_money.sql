-- How often a PIN was tried on a SIM since that SIM last took it: what only a power cut left in doubt is repeated once in
-- all, and not once a start.
ALTER TABLE pin_try ADD COLUMN times INTEGER NOT NULL DEFAULT 1;

-- In which month money of a guess was counted that nobody could put right any more: the try it paid for still carries the
-- guessed instant, and is given back from here. Kept for two months; nearly always empty.
CREATE TABLE spent_filed (
    lane_id INTEGER NOT NULL REFERENCES lane (id),
    at_ms   INTEGER NOT NULL,        -- as it was guessed
    month   TEXT NOT NULL,
    PRIMARY KEY (lane_id, at_ms)
) STRICT, WITHOUT ROWID;
