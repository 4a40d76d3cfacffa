package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

var mysql = dialect{
	name:   "MySQL",
	schema: schemaOf("mysql"),

	// MySQL's INSERT has no such clause. INSERT IGNORE swallows other errors too, and ON
	// DUPLICATE KEY UPDATE reports one row for both with clientFoundRows.
	unlessThere: "",
	spelledOut:  true,
	repeatable:  true,
	table: func(n names, table string) (string, []any) {
		return `SELECT count(*) FROM information_schema.tables WHERE ` + mysqlTable, []any{n.schema, n.prefix + table}
	},
	index: func(n names, column string) (string, []any) {
		return `SELECT count(*) FROM (SELECT index_name FROM information_schema.statistics WHERE ` + mysqlTable + ` AND sub_part IS NULL
AND column_name = CASE seq_in_index WHEN 1 THEN ? WHEN 2 THEN 'tenant' WHEN 3 THEN 'user_id' END GROUP BY index_name HAVING count(*) = 3) AS whole`,
			[]any{n.schema, n.prefix + "accounts", column}
	},

	settings:  untold(mysqlSettings),
	kept:      mysqlKept,
	alone:     mysqlAlone,
	exists:    func(err error) bool { return mysqlError(err) == 1062 }, // ER_DUP_ENTRY: there is one unique key
	undone:    mysqlUndone,
	busy:      func(err error) bool { return mysqlUndone(err) || errors.Is(err, errAnotherMigrates) },
	unwritten: mysqlUnwritten,
	absent:    func(err error) bool { return mysqlError(err) == 1146 }, // ER_NO_SUCH_TABLE
	denied:    mysqlDenied,
	strange:   func(err error) bool { return mysqlError(err) == 1054 }, // ER_BAD_FIELD_ERROR
	gone:      mysqlGone,
	corrupt:   not,
}

// mysqlTable finds a table by its schema, empty for the connection's database,
// and its name.
const mysqlTable = `table_schema = COALESCE(NULLIF(?, ''), DATABASE()) AND table_name = ?`

// mysqlUndone recognises ER_LOCK_DEADLOCK, with which Galera also refuses a commit,
// ER_LOCK_WAIT_TIMEOUT and ER_CHECKREAD (MariaDB with innodb_snapshot_isolation). Each
// statement is a separate transaction, and the server has rolled it back when it says so.
func mysqlUndone(err error) bool {
	switch mysqlError(err) {
	case 1213, 1205, 1020:
		return true
	}
	return false
}

// mysqlUnwritten recognises errors that the server reports before it runs a statement, or
// instead of running it: too many connections, rights that are missing, a name or a
// syntax that it does not know, a value that the table does not take, a server that only
// reads, a node of Galera outside its cluster; and a statement that is still rolled back
// after so many tries.
func mysqlUnwritten(err error) bool {
	switch mysqlError(err) {
	case 1040, 1203, 1226, // connections
		1044, 1045, 1142, 1143, 1227, // rights
		1049, 1054, 1064, 1146, // names
		1048, 1264, 1366, 1406, 3819, 4025, // values
		1290, 1792, 1836, 1047: // only reads
		return true
	}
	return mysqlUndone(err)
}

// mysqlDenied recognises ER_TABLEACCESS_DENIED_ERROR, ER_COLUMNACCESS_DENIED_ERROR
// and ER_DBACCESS_DENIED_ERROR.
func mysqlDenied(err error) bool {
	switch mysqlError(err) {
	case 1142, 1143, 1044:
		return true
	}
	return false
}

// mysqlGone recognises ER_SERVER_SHUTDOWN, ER_CONNECTION_KILLED, and a server that
// has said nothing.
func mysqlGone(err error) bool {
	switch mysqlError(err) {
	case 0, 1053, 1927:
		return true
	}
	return false
}

// mysqlError returns the number of an error of go-sql-driver/mysql, 0 of others.
// The driver's type cannot be named here. Only the beginning is looked at: what
// follows may repeat an id, and that may be anything.
func mysqlError(err error) int {
	for ; err != nil; err = errors.Unwrap(err) {
		if rest, found := strings.CutPrefix(err.Error(), "Error "); found {
			if end := strings.IndexAny(rest, " :"); end > 0 {
				if n, err := strconv.Atoi(rest[:end]); err == nil {
					return n
				}
			}
		}
		if several, is := err.(interface{ Unwrap() []error }); is {
			for _, one := range several.Unwrap() {
				if n := mysqlError(one); n != 0 {
					return n
				}
			}
		}
	}
	return 0
}

// mysqlSettings reads settings that any user may read. A setting that a server does not
// know is not in its answer, and not required.
func mysqlSettings(ctx context.Context, conn *sql.Conn) error {
	is, err := mysqlVariables(ctx, conn)
	if err != nil {
		return err
	}
	bad := func(refusal error, name string) error {
		return fmt.Errorf("%w: %s is %s", refusal, name, is[name])
	}
	switch {
	case is["read_only"] != "OFF":
		return bad(ErrNotPrimary, "read_only")
	case is["innodb_read_only"] != "OFF":
		return bad(ErrNotPrimary, "innodb_read_only")
	case is["wsrep_on"] == "ON" && !odd(is["wsrep_sync_wait"]):
		// Bit 0: a read waits for the transactions that the other nodes of the cluster
		// have committed.
		return bad(ErrNotPrimary, "wsrep_sync_wait")
	case is["autocommit"] != "ON": // nothing would ever be committed
		return bad(ErrNotDurable, "autocommit")
	case is["innodb_flush_log_at_trx_commit"] != "1" && is["innodb_flush_log_at_trx_commit"] != "3": // 3: MariaDB's older way of 1
		return bad(ErrNotDurable, "innodb_flush_log_at_trx_commit")
	case is["log_bin"] == "ON" && is["sync_binlog"] != "1":
		// After a crash, transactions that are not in the binary log are rolled back.
		return bad(ErrNotDurable, "sync_binlog")
	case is["innodb_flush_method"] == "nosync" || is["innodb_flush_method"] == "littlesync":
		return bad(ErrNotDurable, "innodb_flush_method")
	case is["character_set_client"] != is["character_set_connection"]:
		// The server would convert every argument, sealed bytes included.
		return fmt.Errorf("%w: character_set_client is %s and character_set_connection %s", ErrEncoding, is["character_set_client"], is["character_set_connection"])
	}
	return nil
}

func odd(number string) bool {
	n, err := strconv.Atoi(number)
	return err == nil && n%2 == 1
}

// mysqlVariables returns those of the variables that the server knows, as the
// session has them.
func mysqlVariables(ctx context.Context, conn *sql.Conn) (map[string]string, error) {
	rows, err := conn.QueryContext(ctx, `SHOW SESSION VARIABLES WHERE Variable_name IN ('read_only', 'innodb_read_only',
'wsrep_on', 'wsrep_sync_wait', 'autocommit', 'innodb_flush_log_at_trx_commit', 'innodb_flush_method', 'log_bin', 'sync_binlog',
'character_set_client', 'character_set_connection')`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := make(map[string]string)
	for rows.Next() {
		var name, value string
		if err := rows.Scan(&name, &value); err != nil {
			return nil, err
		}
		all[name] = value
	}
	return all, rows.Err()
}

// mysqlKept refuses engines other than InnoDB: the server substitutes one where InnoDB is
// not available, and most of them do not wait for the disk or have no transactions.
func mysqlKept(ctx context.Context, conn *sql.Conn, n names) error {
	var engine string
	row := conn.QueryRowContext(ctx, `SELECT coalesce(engine, 'none') FROM information_schema.tables WHERE `+mysqlTable, n.schema, n.prefix+"accounts")
	if err := row.Scan(&engine); err != nil {
		return err
	}
	if engine != "InnoDB" {
		return fmt.Errorf("%w: the engine of the table %s is %s, instead of InnoDB", ErrNotDurable, n.accounts(), engine)
	}
	return nil
}

var errAnotherMigrates = errors.New("sqlstore: another process is migrating")

// mysqlAlone holds a lock that ends with the connection: a definition ends
// transactions. Such locks are the whole server's, so the name has the database
// in it, and at most 64 characters.
func mysqlAlone(ctx context.Context, conn *sql.Conn, f func() error) error {
	const name = `CONCAT('totpflow', SHA2(COALESCE(DATABASE(), ''), 224))`
	var held sql.NullInt64
	if err := conn.QueryRowContext(ctx, `SELECT GET_LOCK(`+name+`, 1)`).Scan(&held); err != nil {
		return err
	}
	if held.Int64 != 1 {
		return errAnotherMigrates
	}
	err := f()
	if _, release := conn.ExecContext(context.WithoutCancel(ctx), `DO RELEASE_LOCK(`+name+`)`); release != nil {
		discard(conn)
	}
	return err
}
