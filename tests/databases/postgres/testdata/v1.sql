-- One row per account. COLLATE "C" compares and sorts the bytes: the database's
-- own collation may take two ids for one, and changes with the operating system.
CREATE TABLE totpflow_accounts (
    tenant  text   COLLATE "C" NOT NULL,
    user_id text   COLLATE "C" NOT NULL CHECK (user_id <> ''),
    version bytea              NOT NULL CHECK (octet_length(version) = 16),  -- random, drawn by the writer
    state   text   COLLATE "C" NOT NULL,
    sealed  bytea              NOT NULL CHECK (octet_length(sealed) <= 65536),
    updated bigint             NOT NULL,                                     -- microseconds since 1970, UTC
    due     bigint,                                                          -- milliseconds since 1970, UTC, or NULL for never
    PRIMARY KEY (tenant, user_id)
);
CREATE INDEX totpflow_accounts_state ON totpflow_accounts (state, tenant, user_id);
CREATE INDEX totpflow_accounts_due ON totpflow_accounts (due, tenant, user_id) WHERE due IS NOT NULL;

-- The numbers of the files that were run, in order and without gaps.
CREATE TABLE totpflow_schema (number integer NOT NULL PRIMARY KEY);
INSERT INTO totpflow_schema (number) VALUES (1);
INSERT INTO totpflow_accounts VALUES ('acme', 'alice', '\x000102030405060708090a0b0c0d0e0f', 'active', '\x7365616c656400', 1772280000123456, 1772280120123);
