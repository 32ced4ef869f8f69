-- Against which code a wrong guess was made; those from before this was kept count for all.
ALTER TABLE enrol_try ADD COLUMN code_id TEXT;
