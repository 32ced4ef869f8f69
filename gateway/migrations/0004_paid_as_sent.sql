-- Parts of the newest try, where its line's postscript made it longer than what was written; NULL: as in `parts`.
ALTER TABLE message ADD COLUMN sent_parts INTEGER;
