-- Which notices are running is asked every minute: found by their four days, however many years of notices there are.
CREATE INDEX notice_by_start ON notice (start_ms);
CREATE INDEX notice_version_by_birth ON notice_version (created_ms);
CREATE INDEX notice_version_by_due ON notice_version (due_ms) WHERE due_ms IS NOT NULL;
CREATE INDEX notice_task_by_day ON notice_task (by_day);

-- And so are their letters: what waits is taken back, what failed goes to somebody else.
CREATE INDEX door_letter_of ON door_letter (notice_id, version);
