package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

var postgres = dialect{
	name:   "PostgreSQL",
	schema: schemaOf("postgresql"),

	unlessThere: ` ON CONFLICT (tenant, user_id) DO NOTHING`,
	numbers:     true,
	groups:      true,
	partial:     true,
	table: func(n names, table string) (string, []any) {
		return `SELECT count(*) FROM pg_catalog.pg_class WHERE oid = to_regclass($1)`, []any{n.qualified(table)}
	},
	index: func(n names, column string) (string, []any) {
		return `SELECT count(*) FROM pg_catalog.pg_index WHERE indrelid = to_regclass($1) AND indisvalid
AND (indpred IS NULL OR pg_get_expr(indpred, indrelid) = '(' || $2::text || ' IS NOT NULL)')
AND ARRAY(SELECT attname::text FROM unnest(indkey) WITH ORDINALITY AS part (number, place)
	JOIN pg_catalog.pg_attribute ON attrelid = indrelid AND attnum = part.number
	WHERE place <= 3 ORDER BY place) = ARRAY[$2::text, 'tenant', 'user_id']`, []any{n.accounts(), column}
	},

	settings: untold(postgresSettings),
	kept:     postgresKept,
	// At READ COMMITTED whatever the default is: a process that has waited for the lock
	// must see the changes that were made under it. The number is "totpflow" in ASCII.
	alone: transaction(`BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = '1s';
SELECT pg_advisory_xact_lock(8390052656918065015)`),
	exists:    not,
	undone:    postgresUndone,
	busy:      func(err error) bool { return postgresUndone(err) || sqlState(err) == "55P03" }, // its lock_timeout
	unwritten: postgresUnwritten,
	absent:    func(err error) bool { return sqlState(err) == "42P01" }, // undefined_table
	denied:    func(err error) bool { return sqlState(err) == "42501" }, // insufficient_privilege
	strange:   func(err error) bool { return sqlState(err) == "42703" }, // undefined_column
	gone:      postgresGone,
	corrupt:   not,
}

// postgresUndone recognises serialization_failure and deadlock_detected. Each statement
// is a separate transaction, and the server has rolled it back when it says so; it says
// statement_completion_unknown otherwise. At REPEATABLE READ and SERIALIZABLE this is the
// answer to a writer that has lost, instead of "no row"; the next try finds no row.
func postgresUndone(err error) bool {
	state := sqlState(err)
	return state == "40001" || state == "40P01"
}

// postgresUnwritten recognises errors with which the server ends a statement, and so its
// transaction, by their class: the request is not allowed, not understood or not possible
// (22 to 28, 3D, 3F, 42, 53 to 55), it was cancelled (57014), or it is still rolled back
// after so many tries. A server that shuts down (57P) or a connection that broke (08) may
// have committed before.
func postgresUnwritten(err error) bool {
	state := sqlState(err)
	if postgresUndone(err) || state == "57014" {
		return true
	}
	for _, class := range []string{"22", "23", "25", "28", "3D", "3F", "42", "53", "54", "55"} {
		if strings.HasPrefix(state, class) {
			return true
		}
	}
	return false
}

// postgresGone recognises that the server has ended the connection (classes 08 and
// 57P: it shuts down, crashes, or was told to), or that it has said nothing.
func postgresGone(err error) bool {
	state := sqlState(err)
	return state == "" || strings.HasPrefix(state, "08") || strings.HasPrefix(state, "57P")
}

// sqlState returns the SQLSTATE of an error of pgx or lib/pq, "" of others.
func sqlState(err error) string {
	var e interface {
		error
		SQLState() string
	}
	if !errors.As(err, &e) {
		return ""
	}
	return e.SQLState()
}

// postgresSettings reads only settings that any user may read.
func postgresSettings(ctx context.Context, conn *sql.Conn) error {
	var standby bool
	var readOnly, fsync, commit, standbys, server, client string
	row := conn.QueryRowContext(ctx, `SELECT pg_is_in_recovery(), current_setting('transaction_read_only'), current_setting('fsync'),
current_setting('synchronous_commit'), coalesce(current_setting('synchronous_standby_names', true), ''),
current_setting('server_encoding'), current_setting('client_encoding')`)
	if err := row.Scan(&standby, &readOnly, &fsync, &commit, &standbys, &server, &client); err != nil {
		return err
	}
	switch {
	case standby:
		return fmt.Errorf("%w: the server is a standby", ErrNotPrimary)
	case readOnly != "off":
		return fmt.Errorf("%w: transaction_read_only is %s", ErrNotPrimary, readOnly)
	case fsync != "on":
		return fmt.Errorf("%w: fsync is %s", ErrNotDurable, fsync)
	case commit == "off": // every other value waits at least for the server's own disk
		return fmt.Errorf("%w: synchronous_commit is off", ErrNotDurable)
	case commit == "local" && standbys != "": // a code that the primary accepted works again on the standby that takes over
		return fmt.Errorf("%w: synchronous_commit is local, which does not wait for the standbys of synchronous_standby_names", ErrNotDurable)
	case server != "UTF8" || client != "UTF8":
		return fmt.Errorf("%w: server_encoding is %s and client_encoding %s, instead of UTF8", ErrEncoding, server, client)
	}
	return nil
}

// postgresKept refuses an UNLOGGED table, which a crash empties, and a temporary
// one.
func postgresKept(ctx context.Context, conn *sql.Conn, n names) error {
	var kind string
	row := conn.QueryRowContext(ctx, `SELECT relpersistence::text FROM pg_catalog.pg_class WHERE oid = to_regclass($1)`, n.accounts())
	if err := row.Scan(&kind); err != nil {
		return err
	}
	if kind != "p" {
		return fmt.Errorf("%w: the table %s is not permanent (relpersistence is %s)", ErrNotDurable, n.accounts(), kind)
	}
	var hidden bool
	if err := conn.QueryRowContext(ctx, postgresHidden, n.accounts()).Scan(&hidden); err != nil {
		return err
	}
	if hidden {
		return fmt.Errorf("%w: no policy on %s lets this user see and write all of them", ErrRowSecurity, n.accounts())
	}
	return nil
}

// postgresHidden asks whether row level security is active for this user on a table, and
// hides rows. It hides none if each of select, insert, update and delete has a permissive
// policy that is always true, and no restrictive one.
const postgresHidden = `WITH policies AS (
SELECT polcmd::text AS cmd, polpermissive AS permissive, pg_get_expr(polqual, polrelid) AS sees,
	coalesce(pg_get_expr(polwithcheck, polrelid), pg_get_expr(polqual, polrelid)) AS writes
FROM pg_catalog.pg_policy WHERE polrelid = to_regclass($1)
	AND (0 = ANY (polroles) OR EXISTS (SELECT 1 FROM unnest(polroles) AS member (oid) WHERE pg_has_role(current_user, member.oid, 'USAGE')))
)
SELECT row_security_active(to_regclass($1)) AND (
	EXISTS (SELECT 1 FROM policies WHERE NOT permissive)
	OR EXISTS (SELECT 1 FROM unnest(ARRAY['r', 'a', 'w', 'd']) AS needed (cmd) WHERE NOT EXISTS (
		SELECT 1 FROM policies WHERE permissive AND policies.cmd IN (needed.cmd, '*')
			AND (needed.cmd = 'a' OR sees = 'true') AND (needed.cmd NOT IN ('a', 'w') OR writes = 'true'))))`
