-- +goose Up
-- One row per account. VARBINARY compares and sorts the bytes. Every collation
-- of text takes some ids for one another: utf8mb4_bin those that differ in
-- spaces at the end. BLOB ends a byte before the largest record.
-- A definition commits by itself here, so each statement may be repeated.
CREATE TABLE IF NOT EXISTS totpflow_accounts (
    tenant  VARBINARY(190) NOT NULL,
    user_id VARBINARY(190) NOT NULL CHECK (user_id <> ''),
    version VARBINARY(16)  NOT NULL CHECK (LENGTH(version) = 16),    -- random, drawn by the writer
    state   VARBINARY(32)  NOT NULL,
    sealed  MEDIUMBLOB     NOT NULL CHECK (LENGTH(sealed) <= 65536),
    updated BIGINT         NOT NULL,                                 -- microseconds since 1970, UTC
    due     BIGINT,                                                  -- milliseconds since 1970, UTC, or NULL for never
    PRIMARY KEY (tenant, user_id),
    KEY totpflow_accounts_state (state, tenant, user_id),
    KEY totpflow_accounts_due (due, tenant, user_id)
) ENGINE = InnoDB;

-- The numbers of the files that were run, in order and without gaps.
CREATE TABLE IF NOT EXISTS totpflow_schema (number INT NOT NULL PRIMARY KEY) ENGINE = InnoDB;
INSERT IGNORE INTO totpflow_schema (number) VALUES (1);
