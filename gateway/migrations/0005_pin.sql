-- Which PIN was tried on which SIM and not taken: written before it is tried, gone when it was taken. Never the PIN.
CREATE TABLE pin_try (
    sim     BLOB NOT NULL,           -- keyed fingerprint of the SIM's own number
    pin     BLOB NOT NULL,           -- keyed fingerprint of SIM and PIN
    refused INTEGER NOT NULL CHECK (refused IN (0, 1)), -- 0: nobody knows whether the SIM heard it
    left    INTEGER,                 -- how many tries the SIM told before this one
    PRIMARY KEY (sim, pin)
) STRICT, WITHOUT ROWID;
