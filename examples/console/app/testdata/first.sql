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
INSERT INTO totpflow_accounts VALUES ('', 'OBWJXURO4GCEUSPIU7PP7QZB5B', x'2610e768079e0d5b22ee633561bd88e1', 'active', x'010191daab3cb5c52159f85c7df5bafd785acd6a6b16dd831b3b00e9646d0ea15550c3470c781509d7627413b4b4996f0db4aa6e7dc8678b9c55c7dbd4545fe06e394131641bbccfdb5030469b7ded0dd9bd72a288680466fd6eddb437b856935c19243377a741d0708cedf8b4dc4dc05507082e12f2a55ae458a0f0e6f411267b50d8f9942c5597b12150fcbb3fea968d1eac95603b013e75846f8f5a4ed036caf1247d095cecf120f53023fb54c2aa276b4901b8c9fe909a5fc361d91edef501d07c2065172220c06d2650650c4099d7b8d2dc4689389a09b6bb5e3d68dd828ae38880dc1d046390443134d1b56ae59021fe3036980a6e821511b2b6f13555fdd49a11fff03c825b2f58bf2c9cee48c1a6a66a03419744f90400e4843818df988ab061563d8e515de0627151673450b81d3523416bc88c308eccdae3f78d00c716e090811826b5e7a79503060c70fdb2f955cb752a4039b148261a4517beebedd626985db67eb8eef9027ce813389eaf2b8e9db39b5e16843503779842447e22a1346b775b105f37aa3bfb28f43cae3217d6048d9f482110f0e10e17340e10f6c29b785b2d91d7a098ad7314541069237988bd05d4b3fe8cecf5131f9377cd8032fb37bec41ab80d9b49a913b4be218e1773d7b0da270b9e46d2113f2690582c8a960dcd9c39225f67cbb5a79f87092f4886ebc6c89030b55ee898d15b50c9f6a447f64d25e3be65c3689c1630426d52998026748d6f15b70f6843c28a865e40b20760a52d440c98d77a46b17209e8a90715684c1c6e6c014ee6f20ebcfc87e35a93ea9e2b30215a9c82a0ce0a75225733a17fb014ff', 1772443810000000, NULL);
