-- One row per account. STRICT keeps what is declared: without it SQLite would
-- store text in a BLOB column, and '01' as the number 1 in one of another type.
-- BINARY compares byte by byte: under NOCASE "Alice" would be "alice".
CREATE TABLE totpflow_accounts (
    tenant  TEXT    NOT NULL COLLATE BINARY,
    user_id TEXT    NOT NULL COLLATE BINARY CHECK (user_id <> ''),
    version BLOB    NOT NULL CHECK (length(version) = 16),   -- random, drawn by the writer
    state   TEXT    NOT NULL COLLATE BINARY,
    sealed  BLOB    NOT NULL CHECK (length(sealed) <= 65536),
    updated INTEGER NOT NULL,                                -- microseconds since 1970, UTC
    PRIMARY KEY (tenant, user_id)
) STRICT, WITHOUT ROWID;
