-- A database as the first release left it, before there were tenants: Ana has set
-- up an authenticator on 2 March 2026 at 09:30:10 UTC.
-- keys totpflow-keys-1:xchacha20-poly1305:1:91daab3c.VgF-8w-cQvS9ejelH43hDOP1Baux_phqWWvI_8Tr6Rg
-- secret YIQM HBBP WL53 XWZ3 L6VU Q5UB 6QII AVKR
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
INSERT INTO totpflow_accounts VALUES ('', 'OBWJXURO4GCEUSPIU7PP7QZB5B', x'2610e768079e0d5b22ee633561bd88e1', 'active', x'010191daab3c0fedbbc9cc55e0d2071cc2200a865bcc787efef7c256d5edf023312663751667cf9c9ba3cc6a0d6fba4661cafd610554882cdf601de8095706c7bf11e294fe15c0e2be733f0bc17d2dc780cfd817d2a56bc92c31f21dd0166215a332f9e4e5c1b901b206840b2ce340420117275d314cb27fe841d90085efebd34aaa1df25775324ece841a7b449331268514b9a073dfbb05b61ee50edccfaf55dc7124bdb547fae2cb14b1162ee0d9482c11959a86ad62af221f04dfe0f86bd59dda5740431f56f3a2503380da705deb7f0f6affc436b6e586bf0b039846f0ad7ab384730794a41c23f2c46a77efe4c8186744c42e8588e6719eaf83dfa7e0b0c95749175b6e12acc2ed4b6bf794110e919ef9beace3822b8c394e9eb394befd815c8ad5fae060b6beac79c58ac687299edc60674668a18efaed145eeb4e0d602194c59d6e33f5a8db0bc13b079f416597281914e7051adcc40c502fc202661acdd69ef89083ca761cd718be28c4e30e1ece74a9e7d70eb1f695bd6add7bfbb8d4acb65976dfef0ed532c5b4f07946b2f00db3b7879148148ef2c33741c1f4dd8113967fe120ca276c76987123a71fdb2b89652726e7736f3afc226dc6ca8ee12080f10b021c540092d28b272814267398e31036a71946b7ec57c1e36a8b01e70d57fc474d3fee38692c283732e898a4529a045e576b8ca3ea7f6dbdeb1d67bd330169c32a03b115755296a8bae09f34cd61af4da87a80397afb442c7c13d852791fb5308d371f745e46dc0304ebca6dd59785003f820895370c998e5416727b148e8bf8775bcaf1d411a4b0a4861e0d0a05ecc5d4d4', 1772443810000000, NULL);
