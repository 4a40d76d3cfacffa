CREATE TABLE totpflow_accounts (
    tenant  TEXT    NOT NULL COLLATE BINARY,
    user_id TEXT    NOT NULL COLLATE BINARY CHECK (user_id <> ''),
    version BLOB    NOT NULL CHECK (length(version) = 16),   -- random, drawn by the writer
    state   TEXT    NOT NULL COLLATE BINARY,
    sealed  BLOB    NOT NULL CHECK (length(sealed) <= 65536),
    updated INTEGER NOT NULL,                                -- microseconds since 1970, UTC
    due     INTEGER,                                         -- milliseconds since 1970, UTC, or NULL for never
    PRIMARY KEY (tenant, user_id)
) STRICT;
CREATE INDEX totpflow_accounts_due ON totpflow_accounts (due, tenant, user_id) WHERE due IS NOT NULL;
CREATE INDEX totpflow_accounts_state ON totpflow_accounts (state, tenant, user_id);
CREATE TABLE totpflow_schema (number INTEGER NOT NULL PRIMARY KEY) STRICT;
INSERT INTO totpflow_schema VALUES (1);
INSERT INTO totpflow_accounts VALUES ('acme', 'alice', x'000102030405060708090a0b0c0d0e0f', 'active', x'7365616c656400', 1772280000123456, 1772280120123);
