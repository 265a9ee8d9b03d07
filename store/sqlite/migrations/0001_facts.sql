-- +goose Up
-- States are the words of package webhook. No IN in the conditions of indexes: for three words or more
-- SQLite makes a table of them, anew for each row that is written (0.3 ms). Times are microseconds since 1970, 0 where there is none.
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE tenants (
    id                TEXT PRIMARY KEY,
    name              TEXT NOT NULL,
    endpoints_version INTEGER NOT NULL,
    created_at        INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE event_types (
    tenant      TEXT NOT NULL,
    name        TEXT NOT NULL,
    description TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant, name)
) WITHOUT ROWID;

CREATE TABLE endpoints (
    key             INTEGER PRIMARY KEY AUTOINCREMENT,
    id              TEXT NOT NULL UNIQUE,
    tenant          TEXT NOT NULL,
    url             TEXT NOT NULL,
    description     TEXT NOT NULL,
    event_types     TEXT NOT NULL,
    headers         TEXT,
    policy          TEXT NOT NULL,
    state           TEXT NOT NULL,
    disabled_reason TEXT NOT NULL,
    secrets         TEXT NOT NULL,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL
);
CREATE INDEX endpoints_by_tenant ON endpoints (tenant, key) WHERE state <> 'deleted';
CREATE INDEX endpoints_by_change ON endpoints (updated_at, key);
CREATE INDEX endpoints_by_state ON endpoints (state, key);

CREATE TABLE api_keys (
    key          INTEGER PRIMARY KEY,
    id           TEXT NOT NULL UNIQUE,
    tenant       TEXT NOT NULL,
    name         TEXT NOT NULL,
    prefix       TEXT NOT NULL,
    hash         BLOB NOT NULL UNIQUE,
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    revoked_at   INTEGER NOT NULL
);
CREATE INDEX api_keys_by_tenant ON api_keys (tenant, key);

CREATE TABLE nodes (
    key        INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT NOT NULL UNIQUE,
    renewed_at INTEGER NOT NULL,
    removed_at INTEGER NOT NULL
);
CREATE INDEX nodes_by_removal ON nodes (removed_at, renewed_at);

-- The distinct policies that events were accepted under.
CREATE TABLE policies (
    id     INTEGER PRIMARY KEY,
    policy TEXT NOT NULL UNIQUE
);

CREATE TABLE events (
    uid            INTEGER PRIMARY KEY,
    tenant         TEXT NOT NULL,
    id             TEXT NOT NULL,
    type           TEXT NOT NULL,
    size           INTEGER NOT NULL,
    fingerprint    BLOB NOT NULL,
    traceparent    TEXT NOT NULL,
    endpoint_count INTEGER NOT NULL,
    generation     INTEGER NOT NULL,
    state          TEXT NOT NULL,
    created_at     INTEGER NOT NULL,
    completed_at   INTEGER NOT NULL
);
CREATE UNIQUE INDEX events_by_id ON events (tenant, id);
CREATE INDEX events_by_tenant ON events (tenant, created_at, uid);
CREATE INDEX events_by_time ON events (created_at, uid);
CREATE INDEX events_by_completion ON events (completed_at) WHERE completed_at > 0;
CREATE INDEX events_by_trouble ON events (state, created_at, uid)
    WHERE state <> 'accepted' AND state <> 'delivered' AND state <> 'unrouted';

CREATE TABLE bodies (
    event_uid INTEGER PRIMARY KEY,
    data      BLOB NOT NULL
);

CREATE TABLE deliveries (
    event_uid        INTEGER NOT NULL,
    endpoint_key     INTEGER NOT NULL,
    state            TEXT NOT NULL,
    waiting_for      TEXT NOT NULL,
    wish             TEXT NOT NULL DEFAULT '',
    reason           TEXT NOT NULL DEFAULT '',
    attempts         INTEGER NOT NULL DEFAULT 0,
    reported         INTEGER NOT NULL DEFAULT 0,
    base             INTEGER NOT NULL DEFAULT 0,
    budget           INTEGER NOT NULL,
    policy_id        INTEGER NOT NULL,
    last_status      INTEGER NOT NULL DEFAULT 0,
    last_error_class TEXT NOT NULL DEFAULT '',
    last_error       TEXT NOT NULL DEFAULT '',
    due_at           INTEGER NOT NULL,
    held_since       INTEGER NOT NULL,
    owner            INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL,
    completed_at     INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (event_uid, endpoint_key)
) WITHOUT ROWID;
CREATE INDEX deliveries_by_endpoint ON deliveries (endpoint_key, event_uid);
CREATE INDEX deliveries_to_send ON deliveries (owner, endpoint_key, event_uid)
    WHERE waiting_for <> '' AND state <> 'held';
CREATE INDEX deliveries_with_engine ON deliveries (due_at)
    WHERE (state = 'pending' OR state = 'retrying') AND waiting_for = '';
CREATE INDEX deliveries_held ON deliveries (held_since) WHERE state = 'held';
CREATE INDEX deliveries_held_by_owner ON deliveries (owner) WHERE state = 'held';
CREATE INDEX deliveries_aside ON deliveries (state, event_uid, endpoint_key)
    WHERE state <> 'delivered' AND (state <> 'pending' OR waiting_for = '');
CREATE INDEX deliveries_aside_by_endpoint ON deliveries (endpoint_key, state, event_uid)
    WHERE state <> 'delivered' AND (state <> 'pending' OR waiting_for = '');

CREATE TABLE attempts (
    key              INTEGER PRIMARY KEY,
    id               TEXT NOT NULL,
    event_uid        INTEGER NOT NULL,
    endpoint_key     INTEGER NOT NULL,
    tenant           TEXT NOT NULL,
    number           INTEGER NOT NULL,
    outcome          TEXT NOT NULL,
    status           INTEGER NOT NULL,
    error_class      TEXT NOT NULL,
    error            TEXT NOT NULL,
    started_at       INTEGER NOT NULL,
    duration         INTEGER NOT NULL,
    request_headers  TEXT,
    response_headers TEXT,
    response_body    BLOB
);
CREATE INDEX attempts_by_event ON attempts (event_uid, started_at);
CREATE INDEX attempts_by_endpoint ON attempts (endpoint_key, started_at);
CREATE INDEX attempts_by_tenant ON attempts (tenant, started_at);
CREATE INDEX attempts_by_time ON attempts (started_at);

-- A start row that Accept wrote has seq = event_uid. Nearly all rows are of class 2: they are
-- read in the order of seq; the others have an index of their own.
CREATE TABLE outbox (
    seq         INTEGER PRIMARY KEY,
    owner       INTEGER NOT NULL,
    class       INTEGER NOT NULL,
    event_uid   INTEGER NOT NULL,
    kind        TEXT NOT NULL,
    endpoint_id TEXT NOT NULL,
    wish        TEXT NOT NULL,
    created_at  INTEGER NOT NULL
);
CREATE INDEX outbox_ahead ON outbox (owner, class, seq) WHERE class < 2;
