// Package sqlstore keeps totpflow's records in a SQL database: SQLite, PostgreSQL, MariaDB
// and MySQL. Begin with [New], and call [Store.Migrate] once when the program starts. It
// stores one table through database/sql. It defends against racing processes, and against
// settings that lose acknowledged writes. The driver, the pool, backups and replication
// are left to you.
//
// It imports no driver: the host opens the database with the driver of its choice, and
// names the [Dialect] that it speaks.
//
//	db, err := sql.Open("pgx", dsn)
//	s := sqlstore.New(db, sqlstore.PostgreSQL)
//	err = s.Migrate(ctx)
//
// Put settings into the data source name: database/sql opens connections when it likes,
// and a statement sent by hand reaches only one of them.
//
// The host configures the pool. Bound it by SetMaxOpenConns and keep as many idle by
// SetMaxIdleConns: database/sql opens a connection for each request that finds
// none, and closes all but two afterwards. With a server, stay below its
// max_connections with all processes together (PostgreSQL's default is 100,
// MariaDB's 151), and leave some for operators: beyond it, the server refuses people
// whose codes are right. With SQLite, 16 are enough: each is an open file, and
// writers wait for each other anyway. A request that waits for a connection of the pool
// ends with its context, and has written nothing.
//
// # SQLite
//
// The data source name for modernc.org/sqlite (pure Go), and the same for
// github.com/mattn/go-sqlite3 (cgo):
//
//	file:PATH?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate
//	file:PATH?_busy_timeout=5000&_journal_mode=WAL&_synchronous=FULL&_txlock=immediate
//
// Each part is needed. busy_timeout (milliseconds) lets writers wait for each other instead of failing, and
// _txlock=immediate keeps your own transactions, which may share the file, from failing halfway for the same
// reason. WAL lets readers continue while a writer writes. synchronous=FULL makes an
// acknowledged write survive a power cut: NORMAL, which many examples recommend, may lose
// the last commits, and with them the fact that a code is used. With a rollback journal
// instead of WAL, EXTRA is needed for the same guarantee. Migrate refuses weaker settings
// ([ErrNotDurable], [ErrBusyTimeout]), including a file that is opened without these
// settings.
//
// SQLite has one writer at a time. The writers of one Store wait in the order in
// which they came, each as long as its context lasts. Other processes, and your own
// writes to the same file, are not in that queue: the writer at its head waits for them
// as long as busy_timeout says, and then returns [store.ErrUnavailable] with
// [store.ErrNotWritten] inside. Your own transaction holds the file from its first
// write (with _txlock=immediate: from its beginning). With SetMaxOpenConns(1) a
// host that holds its only connection waits for itself, until the context ends. So
// commit before you call the service, and never call it inside a transaction.
//
// SQLite does not notice that its file was removed or replaced: it continues in a file
// without a name, which disappears with the process. After Migrate, a Store compares the
// file under the name with the one that was opened, before each call and after each
// write, and returns [ErrFileLost] until it is back.
//
// The file must be on a local disk, and must not be copied while in use: the
// newest writes are in a second file, PATH-wal. VACUUM INTO 'COPY', or SQLite's backup
// API, makes a backup while the product runs. To put one back, stop every program
// that has the file open, remove PATH, PATH-wal, PATH-shm and PATH-journal, and
// then copy the backup to PATH. A PATH-wal that is left there is replayed over the copy:
// the file is then a mixture of both, and may look intact. [Store.CheckIntegrity] finds
// parts that do not fit together.
//
// # PostgreSQL
//
// With github.com/jackc/pgx/v5/stdlib, whose name for database/sql is "pgx":
//
//	postgres://USER:PASSWORD@HOST:5432/DATABASE?sslmode=verify-full&target_session_attrs=read-write
//
// target_session_attrs=read-write selects the primary if several hosts are named, or if a
// name moves to another host, and never a standby. Behind a pool that gives every
// transaction another connection (PgBouncer in transaction mode), pgx's prepared
// statements get lost: add default_query_exec_mode=exec. The store itself does not depend
// on sessions; each of its statements is a separate transaction.
//
// Migrate refuses synchronous_commit=off and fsync=off, synchronous_commit=local where
// synchronous_standby_names is set (a standby that takes over would lack the last
// writes), a table that is UNLOGGED ([ErrNotDurable]), a standby or a read-only connection
// ([ErrNotPrimary]), and an encoding of the database or the connection other than UTF8
// ([ErrEncoding]). It refuses row level security that hides rows from the connection's
// role ([ErrRowSecurity]), since everybody would look as if they had never enrolled. Add
// row_security=off to the data source name, so that PostgreSQL reports an error instead of
// hiding rows if somebody switches it on later.
//
// Migrate needs the right to create tables in the first schema of the search path. After
// that, a program that has SELECT, INSERT, UPDATE and DELETE on totpflow_accounts and
// SELECT on totpflow_schema can run, and calls Migrate too; with fewer rights it gets
// [ErrRights].
//
// If an index of the table was dropped, Migrate makes it again when a program starts that
// owns the table. Others log a warning with the statement to slog.Default, and start:
// without the index lists are slow, and not wrong. While CREATE INDEX builds the index,
// every write to the table waits, so nobody can sign in; with many accounts, or where the
// context of Migrate is short, run the statement yourself before the start, as CREATE
// INDEX CONCURRENTLY, which lets writes continue. If that fails, it leaves an index that
// is not valid and does not count: drop it, and run the statement again. An index with
// another name counts if it begins with the same three columns.
//
// A program that has a pgxpool gives the store the same connections:
//
//	accounts := sqlstore.New(stdlib.OpenDBFromPool(pool), sqlstore.PostgreSQL)
//
// # MariaDB and MySQL
//
// With github.com/go-sql-driver/mysql, [MySQL] for both:
//
//	USER:PASSWORD@tcp(HOST:3306)/DATABASE?tls=true&rejectReadOnly=true
//
// rejectReadOnly lets the driver connect again when a failover has made its
// server a replica. clientFoundRows and interpolateParams may be set or not. The
// columns are VARBINARY, so that no collation takes two ids for one.
//
// Migrate refuses innodb_flush_log_at_trx_commit other than 1, sync_binlog other than 1
// where there is a binary log (0 is MariaDB's default), autocommit off, and an engine
// other than InnoDB ([ErrNotDurable]); read_only, and a node of a Galera cluster that
// does not wait for the others before it reads (wsrep_sync_wait=1) ([ErrNotPrimary]); and
// a connection that converts text ([ErrEncoding]). Rights and dropped indexes are as with
// PostgreSQL, except that a program needs the right INDEX to make one, and that CREATE
// INDEX lets writes continue. These databases commit every definition separately, so each
// migration is one statement that may be repeated.
//
// InnoDB shows a commit to others a moment before it is on the disk. Where the
// acknowledgement of a write is lost, [store.Update] reads once and treats a write that
// it finds as done; a server that is killed at that same moment forgets it.
//
// # What cannot be seen
//
// Migrate looks at one connection, at that moment. It does not see disks and virtual
// machines that acknowledge before they have written, replicas that take over without the
// last commits (asynchronous replication), a proxy that sends reads to replicas, MySQL's
// ALTER INSTANCE DISABLE INNODB REDO_LOG, or settings that are changed afterwards. After
// any of these, a used code can work once more, while its time step lasts, a recovery
// code or one that was mailed even later, and the last revocations and freezes are
// undone. Restoring an older copy of the database undoes more than that: raise the key
// ring's epoch afterwards and call totpflow's Admin.AfterDatabaseRestore, as the command
// "totpflow restored" does. The epoch alone leaves used codes valid.
//
// # Names, and somebody else's migrations
//
// [Dialect.Named] puts the tables into another schema, or under other names.
// [Dialect.Migrations] returns the definitions as files, for goose, atlas or a person who
// applies them. Each notes its number, so that Migrate has nothing to define, and only
// checks the rest, without the right to define anything.
//
// # Your own transactions
//
// The store writes on its own connection, and cannot take part in a transaction of the
// product. Put returns when the write is acknowledged as durable; inside a transaction
// that is not yet the case, and the answer "right code" would be sent too early. And
// where the transaction is rolled back, the code that it used would work once more. So
// commit first and then call the service, or the other way round; neither waits for the
// other.
//
// # Isolation
//
// The guarantees are the same at READ COMMITTED, REPEATABLE READ and
// SERIALIZABLE, whichever is the default of the connection. A statement that
// the database has rolled back for the sake of another (SQLSTATE 40001 and
// 40P01; errors 1213, 1205 and 1020) has done nothing, and is tried again for
// some seconds within the caller's context. Any other error comes back as it is. It wraps
// [store.ErrNotWritten] where the statement was never sent, as when the context ended
// while it waited for a connection, or where the database says that it has done
// nothing; after any other one the write may have been done, and [store.Update] looks.
//
// # Threats
//
// Every statement names tenant and user, and every value is a parameter. A statement that
// changes a record compares and writes in one step, and the store checks the number of
// rows, so two processes with the same code cannot both win. A page of a list
// is read from its place in an index, however many records there are. The layer above
// protects the sealed bytes.
//
// # Rows that cannot be read
//
// A row whose columns do not make a record is an error of Get; a list by id holds its id
// alone, and other lists leave it out. The exception is a row with an id that this package
// would not write: empty, longer than 190 bytes, not UTF-8, or with control characters.
// Each page of a list that comes to it fails, and a job that reads lists, such as
// totpflow's Service.Deliver, does not get to the accounts behind it. The row is not
// passed over: a foreign row and one whose id was damaged look alike, and a damaged one
// hides an account that Get reports as missing. Nothing else would show that. Give the row
// its id back, or delete it if it belongs to no account.
//
// # Compatibility
//
// Migrations only add, and are numbered. A program that meets a schema newer
// than it knows refuses with [ErrSchemaNewer]. The tests run on SQLite,
// PostgreSQL 15 and MariaDB 10.11; MySQL itself is not among them.
package sqlstore
