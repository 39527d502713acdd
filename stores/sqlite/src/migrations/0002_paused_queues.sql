-- Queues whose tasks are not leased. Builds of schema 1 do not look here: beside them a pause does not
-- hold for what they lease.
CREATE TABLE IF NOT EXISTS paused_queues (
    tenant TEXT NOT NULL,
    queue TEXT NOT NULL,
    PRIMARY KEY (tenant, queue)
) STRICT, WITHOUT ROWID;
