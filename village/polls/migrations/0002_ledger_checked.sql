-- How many rows of the ledger the published head covers, so that it can be worked out again when late ballots follow;
-- and why a poll is not counted although its time has come.

ALTER TABLE poll_result ADD COLUMN ledger_rows INTEGER NOT NULL DEFAULT 0 CHECK (ledger_rows >= 0);

UPDATE poll_result SET ledger_rows = (
    SELECT count(*) FROM ballot b JOIN poll p ON p.id = b.poll_id
     WHERE b.poll_id = poll_result.poll_id AND b.received_ms <= p.counted_ms
);

ALTER TABLE poll ADD COLUMN trouble TEXT NOT NULL DEFAULT '' CHECK (trouble IN ('', 'ledger', 'seal'));
