-- A checked spreadsheet between "check" and "import", sealed: it must outlive a power cut, and holds numbers.
CREATE TABLE pending_import (
    id INTEGER PRIMARY KEY,
    sealed BLOB NOT NULL,
    checked_by TEXT NOT NULL,
    checked_ms INTEGER NOT NULL
) STRICT;
