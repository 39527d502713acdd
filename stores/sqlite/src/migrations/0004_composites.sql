-- Batches, blocks and pipelines: tasks that stand for their members. Kind: 0 task, 1 batch, 2 block,
-- 3 pipeline. A member's `batch_id` is the id of its parent, whatever that is, and `parent_kind` says so:
-- NULL for a batch.
ALTER TABLE tasks ADD COLUMN kind INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN parent_kind INTEGER;
ALTER TABLE tasks ADD COLUMN stage TEXT;
-- How many tasks it still waits for.
ALTER TABLE tasks ADD COLUMN waits INTEGER NOT NULL DEFAULT 0;
-- Its place in the line of its state key, from when it waits for nothing else until it has ended.
ALTER TABLE tasks ADD COLUMN line INTEGER;

-- No index here names a column that a plain task's lease or completion writes.
CREATE INDEX tasks_composite ON tasks (tenant, kind, id) WHERE kind > 0;
CREATE INDEX tasks_stage ON tasks (batch_id, stage) WHERE stage IS NOT NULL;
CREATE INDEX tasks_step ON tasks (batch_id, id) WHERE waits > 0 AND parent_kind = 2;
CREATE INDEX tasks_line ON tasks (tenant, state_key, line) WHERE line IS NOT NULL;

-- How the members of a composite stand. First: whether the member that ended first completed.
CREATE TABLE composites (
    num INTEGER PRIMARY KEY,
    total INTEGER NOT NULL,
    completed INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    cancelled INTEGER NOT NULL,
    first INTEGER
) STRICT;

-- What was answered for a batch, where it was not its members by id: an id and a status for each, 17 bytes.
CREATE TABLE answers (
    num INTEGER PRIMARY KEY,
    tasks BLOB NOT NULL
) STRICT;

-- Who waits for whom. Need: 0 success, 1 failure, 2 end.
CREATE TABLE edges (
    from_num INTEGER NOT NULL,
    to_num INTEGER NOT NULL,
    need INTEGER NOT NULL,
    PRIMARY KEY (from_num, to_num)
) STRICT, WITHOUT ROWID;
CREATE INDEX edges_to ON edges (to_num, from_num);

-- What the last task left under a state key.
CREATE TABLE states (
    tenant TEXT NOT NULL,
    state_key TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (tenant, state_key)
) STRICT;

-- Batches that are not sealed yet, in chunks; chunk -1 is the batch itself.
CREATE TABLE chunks (
    tenant TEXT NOT NULL,
    batch_id BLOB NOT NULL,
    chunk INTEGER NOT NULL,
    at INTEGER NOT NULL,
    n INTEGER NOT NULL,
    tasks TEXT NOT NULL,
    PRIMARY KEY (tenant, batch_id, chunk)
) STRICT;
CREATE INDEX chunks_open ON chunks (tenant, at) WHERE chunk = -1;

-- Tasks with a state key were only carried so far. Those that have not ended stand in line now, and of
-- those that wait, all but the first wait for their turn.
-- One that runs comes before them.
UPDATE tasks SET line = num + iif(status = 3, 0, 1 << 40) WHERE state_key IS NOT NULL AND status < 4;
INSERT INTO counts (tenant, queue, status, n)
    SELECT tenant, queue, 0, count(*) FROM tasks t
    WHERE line IS NOT NULL AND status IN (1, 2) AND EXISTS (SELECT 1 FROM tasks o
        WHERE o.tenant = t.tenant AND o.state_key = t.state_key AND o.line < t.line
        AND o.line IS NOT NULL)
    GROUP BY tenant, queue
    ON CONFLICT DO UPDATE SET n = n + excluded.n;
INSERT INTO counts (tenant, queue, status, n)
    SELECT tenant, queue, status, -count(*) FROM tasks t
    WHERE line IS NOT NULL AND status IN (1, 2) AND EXISTS (SELECT 1 FROM tasks o
        WHERE o.tenant = t.tenant AND o.state_key = t.state_key AND o.line < t.line
        AND o.line IS NOT NULL)
    GROUP BY tenant, queue, status
    ON CONFLICT DO UPDATE SET n = n + excluded.n;
UPDATE tasks AS t SET status = 0, version = version + 1
    WHERE line IS NOT NULL AND status IN (1, 2) AND EXISTS (SELECT 1 FROM tasks o
        WHERE o.tenant = t.tenant AND o.state_key = t.state_key AND o.line < t.line
        AND o.line IS NOT NULL);

-- Under other names, so that an older build that has the file open leases, stores and settles no more: it
-- would end tasks without counting down who waits for them, and leave them in their line. Each of its writes
-- ends with the counts and is rolled back. A build that is started now is refused.
ALTER TABLE counts RENAME TO queue_counts;
DROP INDEX tasks_ready;
CREATE INDEX tasks_pending ON tasks (tenant, queue, handler, suspect, priority, run_at, id)
    WHERE status = 2;
