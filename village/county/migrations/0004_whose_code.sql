-- Codes are numbered in the order they were issued: `barred` is the last one issued before the village was revoked. Up to
-- there no code lets it in again, whatever the clock said then.
ALTER TABLE enrol_code ADD COLUMN no INTEGER NOT NULL DEFAULT 0;
UPDATE enrol_code SET no = (
    SELECT count(*) FROM enrol_code AS earlier
     WHERE (earlier.issued_ms, earlier.id) <= (enrol_code.issued_ms, enrol_code.id)
);

ALTER TABLE village ADD COLUMN barred INTEGER NOT NULL DEFAULT 0;
UPDATE village SET barred = (
    SELECT coalesce(max(no), 0) FROM enrol_code WHERE enrol_code.issued_ms <= village.revoked_ms
) WHERE revoked_ms IS NOT NULL;

-- Which village came with a code that was not for it.
ALTER TABLE enrol_code ADD COLUMN turned_away INTEGER REFERENCES village (no);
