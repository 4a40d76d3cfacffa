-- +goose Up
-- One row per account. STRICT keeps what is declared: without it SQLite would
-- store text in a BLOB column, and '01' as the number 1 in one of another type.
-- BINARY compares byte by byte: under NOCASE "Alice" would be "alice". The table
-- has row numbers, since WITHOUT ROWID would write twice as much for each change
-- of a row of this size.
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
CREATE INDEX totpflow_accounts_state ON totpflow_accounts (state, tenant, user_id);
CREATE INDEX totpflow_accounts_due ON totpflow_accounts (due, tenant, user_id) WHERE due IS NOT NULL;

-- The numbers of the files that were run, in order and without gaps.
CREATE TABLE totpflow_schema (number INTEGER NOT NULL PRIMARY KEY) STRICT;
INSERT INTO totpflow_schema (number) VALUES (1);
