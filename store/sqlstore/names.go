package sqlstore

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
)

// ErrNames means that the names that [Dialect.Named] was given cannot be used.
var ErrNames = errors.New("sqlstore: invalid names of tables")

const defaultPrefix = "totpflow_"

// plainName is a name that no database folds or needs quoted, short enough for the
// endings that the migrations add.
var plainName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)

// Named returns the dialect with its two tables in another schema, or under other names.
// They are totpflow_accounts and totpflow_schema, where the connection finds them by
// default: in PostgreSQL along its search path, in MySQL and MariaDB in its database.
//
// schema is the schema to use instead, empty for no change; MySQL calls it a
// database. SQLite has none. prefix replaces "totpflow_" in every name, empty for
// no change. Both are lower-case letters, digits and underscores, begin with a
// letter and have at most 40 characters; anything else is [ErrNames] from every
// call of the store.
func (d Dialect) Named(schema, prefix string) Dialect { return Dialect{d.d, schema, prefix} }

// names are the names of the tables in statements.
type names struct{ schema, prefix string }

// names returns the tables' names, or ErrDialect or ErrNames.
func (d Dialect) names() (names, error) {
	n := names{d.schema, d.prefix}
	switch {
	case d.d == nil:
		return n, ErrDialect
	case n.schema != "" && (d.d.schemaless || !plainName.MatchString(n.schema)):
		return n, fmt.Errorf("%w: schema", ErrNames)
	case n.prefix != "" && !plainName.MatchString(n.prefix):
		return n, fmt.Errorf("%w: prefix", ErrNames)
	case n.prefix == "":
		n.prefix = defaultPrefix
	}
	return n, nil
}

func (n names) qualified(table string) string {
	if n.schema != "" {
		return n.schema + "." + n.prefix + table
	}
	return n.prefix + table
}

func (n names) accounts() string { return n.qualified("accounts") }
func (n names) ledger() string   { return n.qualified("schema") }

var (
	tableNames = regexp.MustCompile(`\btotpflow_(accounts|schema)\b`)
	indexNames = regexp.MustCompile(`\btotpflow_(accounts_\w+)\b`)
)

// rename returns a migration, which is written with the default names, under
// these. An index is where its table is, and never qualified.
func (n names) rename(migration []byte) []byte {
	b := tableNames.ReplaceAll(migration, []byte(n.qualified("$1")))
	return indexNames.ReplaceAll(b, []byte(n.prefix+"$1"))
}

// Migrations returns the definitions of the tables as files NNNN_name.sql, for people who
// apply them with their own tool, such as goose or atlas, and run the program without the
// right to define anything. Each file is complete: it ends by noting its number in the
// table totpflow_schema, so that [Store.Migrate] finds nothing to do and only looks.
// Files are added in later releases, and never changed.
//
// It returns [ErrDialect] or [ErrNames].
func (d Dialect) Migrations() (fs.FS, error) {
	n, err := d.names()
	if err != nil {
		return nil, err
	}
	return renamed{d.d.schema, n}, nil
}

// renamed is the files of a dialect under other names.
type renamed struct {
	fs.FS
	names names
}

// Open implements [fs.FS].
func (r renamed) Open(name string) (fs.File, error) {
	f, err := r.FS.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil || info.IsDir() {
		return f, err
	}
	defer f.Close()
	b, err := r.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return renamedFile{bytes.NewReader(b), renamedInfo{info, int64(len(b))}}, nil
}

// ReadFile implements [fs.ReadFileFS].
func (r renamed) ReadFile(name string) ([]byte, error) {
	b, err := fs.ReadFile(r.FS, name)
	if err != nil {
		return nil, err
	}
	return r.names.rename(b), nil
}

type renamedFile struct {
	*bytes.Reader
	info fs.FileInfo
}

func (f renamedFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (renamedFile) Close() error                 { return nil }

type renamedInfo struct {
	fs.FileInfo
	size int64
}

func (i renamedInfo) Size() int64 { return i.size }
