-- Against which code a wrong guess was made; no code where it could hit none.
ALTER TABLE enrol_try ADD COLUMN code_id TEXT;
