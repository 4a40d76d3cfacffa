-- A database as the first release left it, before there were tenants. The test adds what
-- Ana has set up.
CREATE TABLE users (
	id       TEXT PRIMARY KEY,
	email    TEXT NOT NULL UNIQUE,
	name     TEXT NOT NULL,
	password TEXT NOT NULL,
	generation   INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE totpflow_schema (number INTEGER NOT NULL PRIMARY KEY) STRICT;
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
CREATE TABLE sessions (token TEXT PRIMARY KEY, data BLOB NOT NULL, expiry REAL NOT NULL);
CREATE INDEX sessions_expiry ON sessions (expiry);
INSERT INTO users VALUES ('2TY6IGMEMTJ62EN4WZFNGFDGU7', 'admin@acme.example', 'Alex Winter', '$argon2id$v=19$m=19456,t=2,p=1$udfbLiYU7Ea9Cn5apDsrfQ$2aVHh0uRwvf+FBb8K/SzihBCTT4NAkTINnMAjE3tg4E', 0);
INSERT INTO users VALUES ('OBWJXURO4GCEUSPIU7PP7QZB5B', 'ana@acme.example', 'Ana Soler', '$argon2id$v=19$m=19456,t=2,p=1$DRAffbo5vgvtpt1UZSnbaA$KmfaLEBZsDowFQ2k0A6gFvp/TVtdUCKmRmryoC8fpy0', 1);
INSERT INTO totpflow_schema VALUES (1);
