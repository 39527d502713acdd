-- Integers: instants in milliseconds since 1970, durations in nanoseconds, status by its number.
-- Small columns that every write reads come first; text that may be long comes last.
CREATE TABLE tasks (
    num INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    status INTEGER NOT NULL,
    version INTEGER NOT NULL,
    tenant TEXT NOT NULL,
    queue TEXT NOT NULL,
    handler TEXT NOT NULL,
    suspect INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    run_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    attempt_started_at INTEGER,
    attempt INTEGER NOT NULL,
    submitted_as INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    start_seq INTEGER,
    first_seq INTEGER NOT NULL,
    cancel_requested INTEGER NOT NULL,
    token BLOB,
    lease_worker TEXT,
    lease_expires_at INTEGER,
    lease_counted INTEGER NOT NULL,
    executed_on TEXT,
    progress REAL,
    task_type TEXT NOT NULL,
    timeout INTEGER,
    retry TEXT,
    batch_id BLOB,
    idempotency_key TEXT,
    fingerprint BLOB,
    traceparent TEXT,
    state_key TEXT,
    labels TEXT,
    message TEXT,
    error TEXT,
    metadata TEXT,
    initial_state TEXT,
    payload TEXT,
    result TEXT
) STRICT;

-- Every look-up names the tenant, and a tenant's list walks its own ids only.
CREATE UNIQUE INDEX tasks_id ON tasks (tenant, id);
CREATE INDEX tasks_ready ON tasks (tenant, queue, handler, suspect, priority, run_at, id)
    WHERE status = 2;
CREATE INDEX tasks_scheduled ON tasks (run_at, id) WHERE status = 1;
CREATE INDEX tasks_leased ON tasks (lease_expires_at) WHERE status = 3;
CREATE INDEX tasks_finished ON tasks (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX tasks_ended_badly ON tasks (tenant, status, id) WHERE status >= 5;
CREATE UNIQUE INDEX tasks_key ON tasks (tenant, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX tasks_batch ON tasks (batch_id, id) WHERE batch_id IS NOT NULL;

-- Payloads too long to be copied with every write to their row; the row's own is NULL then.
CREATE TABLE long_payloads (
    num INTEGER PRIMARY KEY,
    payload TEXT NOT NULL
) STRICT;

CREATE TABLE task_labels (
    tenant TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    id BLOB NOT NULL,
    num INTEGER NOT NULL,
    PRIMARY KEY (tenant, key, value, id)
) STRICT, WITHOUT ROWID;

-- Kind: 0 status, 1 progress, 2 log.
CREATE TABLE updates (
    num INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    status INTEGER,
    attempt INTEGER,
    progress REAL,
    level TEXT,
    message TEXT,
    error TEXT,
    result TEXT,
    PRIMARY KEY (num, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE counts (
    tenant TEXT NOT NULL,
    queue TEXT NOT NULL,
    status INTEGER NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (tenant, queue, status)
) STRICT, WITHOUT ROWID;

CREATE TABLE workers (
    tenant TEXT NOT NULL,
    worker_id TEXT NOT NULL,
    seen_at INTEGER NOT NULL,
    info TEXT NOT NULL,
    PRIMARY KEY (tenant, worker_id)
) STRICT, WITHOUT ROWID;
