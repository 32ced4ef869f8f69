-- Who rang the village and was not answered: kept once, before anything follows from it.
CREATE TABLE ring (
    id INTEGER PRIMARY KEY,
    caller BLOB NOT NULL,            -- sealed
    fingerprint BLOB NOT NULL,
    at_ms INTEGER NOT NULL,
    received_ms INTEGER NOT NULL,
    transport TEXT NOT NULL,
    carrier_key BLOB,                -- fingerprint of the carrier's own id
    trouble TEXT                     -- why the village could not take it in; NULL: it did
) STRICT;

CREATE INDEX ring_by_caller ON ring (fingerprint, at_ms);
CREATE UNIQUE INDEX ring_by_carrier ON ring (carrier_key) WHERE carrier_key IS NOT NULL;
