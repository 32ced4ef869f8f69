-- Whose owner will not have this number leave the country: no line that does is used for it. Kept for good, whatever a
-- spreadsheet says, like the opt-out.
ALTER TABLE phone ADD COLUMN home_only INTEGER NOT NULL DEFAULT 0 CHECK (home_only IN (0, 1));
