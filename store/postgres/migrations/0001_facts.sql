-- +goose Up
-- States are the words of package webhook. Times are microseconds since 1970, 0 where there is none.
-- What lists are ordered by is compared byte by byte, wherever the database was made.
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE tenants (
    id                TEXT COLLATE "C" PRIMARY KEY,
    name              TEXT COLLATE "C" NOT NULL,
    endpoints_version BIGINT NOT NULL,
    created_at        BIGINT NOT NULL
);

CREATE TABLE event_types (
    tenant      TEXT COLLATE "C" NOT NULL,
    name        TEXT COLLATE "C" NOT NULL,
    description TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    PRIMARY KEY (tenant, name)
);

CREATE TABLE endpoints (
    key             BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id              TEXT COLLATE "C" NOT NULL UNIQUE,
    tenant          TEXT COLLATE "C" NOT NULL,
    url             TEXT NOT NULL,
    description     TEXT NOT NULL,
    event_types     TEXT NOT NULL,
    headers         TEXT,
    policy          TEXT NOT NULL,
    state           TEXT NOT NULL,
    disabled_reason TEXT NOT NULL,
    secrets         TEXT NOT NULL,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL
);
CREATE INDEX endpoints_by_tenant ON endpoints (tenant, key) WHERE state <> 'deleted';
CREATE INDEX endpoints_by_change ON endpoints (updated_at, key);
CREATE INDEX endpoints_by_state ON endpoints (state, key);

CREATE TABLE api_keys (
    key          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id           TEXT COLLATE "C" NOT NULL UNIQUE,
    tenant       TEXT COLLATE "C" NOT NULL,
    name         TEXT COLLATE "C" NOT NULL,
    prefix       TEXT NOT NULL,
    hash         BYTEA NOT NULL UNIQUE,
    created_at   BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    revoked_at   BIGINT NOT NULL
);
CREATE INDEX api_keys_by_tenant ON api_keys (tenant, key);

CREATE TABLE nodes (
    key        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       TEXT COLLATE "C" NOT NULL UNIQUE,
    renewed_at BIGINT NOT NULL,
    removed_at BIGINT NOT NULL
);
CREATE INDEX nodes_by_removal ON nodes (removed_at, renewed_at);

-- The distinct policies that events were accepted under.
CREATE TABLE policies (
    id     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    policy TEXT NOT NULL UNIQUE
);

CREATE TABLE events (
    uid            BIGINT PRIMARY KEY,
    tenant         TEXT COLLATE "C" NOT NULL,
    id             TEXT COLLATE "C" NOT NULL,
    type           TEXT NOT NULL,
    size           BIGINT NOT NULL,
    fingerprint    BYTEA NOT NULL,
    traceparent    TEXT NOT NULL,
    endpoint_count BIGINT NOT NULL,
    generation     BIGINT NOT NULL,
    state          TEXT NOT NULL,
    created_at     BIGINT NOT NULL,
    completed_at   BIGINT NOT NULL
);
CREATE UNIQUE INDEX events_by_id ON events (tenant, id);
CREATE INDEX events_by_tenant ON events (tenant, created_at, uid);
CREATE INDEX events_by_time ON events (created_at, uid);
CREATE INDEX events_by_completion ON events (completed_at) WHERE completed_at > 0;
CREATE INDEX events_by_trouble ON events (state, created_at, uid)
    WHERE state <> 'accepted' AND state <> 'delivered' AND state <> 'unrouted';

CREATE TABLE bodies (
    event_uid BIGINT PRIMARY KEY,
    data      BYTEA NOT NULL
);

CREATE TABLE deliveries (
    event_uid        BIGINT NOT NULL,
    endpoint_key     BIGINT NOT NULL,
    state            TEXT NOT NULL,
    waiting_for      TEXT NOT NULL,
    wish             TEXT NOT NULL DEFAULT '',
    reason           TEXT NOT NULL DEFAULT '',
    attempts         BIGINT NOT NULL DEFAULT 0,
    reported         BIGINT NOT NULL DEFAULT 0,
    base             BIGINT NOT NULL DEFAULT 0,
    budget           BIGINT NOT NULL,
    policy_id        BIGINT NOT NULL,
    last_status      BIGINT NOT NULL DEFAULT 0,
    last_error_class TEXT NOT NULL DEFAULT '',
    last_error       TEXT NOT NULL DEFAULT '',
    due_at           BIGINT NOT NULL,
    held_since       BIGINT NOT NULL,
    owner            BIGINT NOT NULL,
    updated_at       BIGINT NOT NULL,
    completed_at     BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (event_uid, endpoint_key)
);
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
    key              BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id               TEXT COLLATE "C" NOT NULL,
    event_uid        BIGINT NOT NULL,
    endpoint_key     BIGINT NOT NULL,
    tenant           TEXT COLLATE "C" NOT NULL,
    number           BIGINT NOT NULL,
    outcome          TEXT NOT NULL,
    status           BIGINT NOT NULL,
    error_class      TEXT NOT NULL,
    error            TEXT NOT NULL,
    started_at       BIGINT NOT NULL,
    duration         BIGINT NOT NULL,
    request_headers  TEXT,
    response_headers TEXT,
    response_body    BYTEA
);
CREATE INDEX attempts_by_event ON attempts (event_uid, started_at, key);
CREATE INDEX attempts_by_endpoint ON attempts (endpoint_key, started_at, key);
CREATE INDEX attempts_by_tenant ON attempts (tenant, started_at, key);
CREATE INDEX attempts_by_time ON attempts (started_at, key);

-- Keys of events and outbox rows. A start row that Accept wrote has seq = event_uid.
CREATE SEQUENCE keys AS BIGINT CACHE 1;

CREATE TABLE outbox (
    seq         BIGINT PRIMARY KEY,
    owner       BIGINT NOT NULL,
    class       BIGINT NOT NULL,
    event_uid   BIGINT NOT NULL,
    kind        TEXT NOT NULL,
    endpoint_id TEXT NOT NULL,
    wish        TEXT NOT NULL,
    created_at  BIGINT NOT NULL
);
CREATE INDEX outbox_by_owner ON outbox (owner, class, seq);

-- Rows of the outbox live for seconds. Deliveries are updated once or more.
ALTER TABLE outbox SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE deliveries SET (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE events SET (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05);
