-- Completed tasks by queue and type, newest last. Tasks of every other status have an index already, and a
-- submit pays nothing for this one. Builds of schema 2 keep it up without knowing it.
CREATE INDEX IF NOT EXISTS tasks_completed ON tasks (tenant, queue, task_type, id) WHERE status = 4;
