-- What the computer knows of time across power cuts.
CREATE TABLE clock_mark (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    wall_ms INTEGER NOT NULL,
    guessed_since_ms INTEGER              -- where the guess began that no trusted source has ended yet
) STRICT;
INSERT INTO clock_mark (id, wall_ms) VALUES (1, 0);

-- Every step a trusted source made, for whoever wonders about the order of two times.
CREATE TABLE clock_step (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL CHECK (source IN ('modem', 'county', 'centre', 'desk', 'network')),
    wall_ms INTEGER NOT NULL,
    step_ms INTEGER NOT NULL
) STRICT;
