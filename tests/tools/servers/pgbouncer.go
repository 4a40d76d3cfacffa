package servers

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// PgBouncer is a private PgBouncer, a pool of connections in front of a
// PostgreSQL server. It pools by transaction, so that a session's next statement
// goes to any of the server's connections.
type PgBouncer struct{ *Server }

// StartPgBouncer starts one in front of a server.
func StartPgBouncer(p PostgreSQL) (PgBouncer, error) {
	bouncer, err := program("pgbouncer", "/usr/sbin/pgbouncer", "/usr/local/sbin/pgbouncer", "/usr/local/bin/pgbouncer")
	if err != nil {
		return PgBouncer{}, err
	}
	s, err := start(spec{
		name: "PgBouncer",
		args: func(s *Server) []string { return []string{bouncer, "-q", filepath.Join(s.dir, "pgbouncer.ini")} },
		write: func(s *Server) error {
			users := filepath.Join(s.dir, "users.txt")
			if err := os.WriteFile(users, []byte(`"totpflow" ""`+"\n"), 0o644); err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(s.dir, "pgbouncer.ini"), fmt.Appendf(nil, `[databases]
* = host=127.0.0.1 port=%d
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = trust
auth_file = %s
pool_mode = transaction
default_pool_size = 3
`, p.port, s.port, users), 0o644)
		},
		ready: func(ctx context.Context, s *Server) error {
			return s.tool(ctx, filepath.Join(p.bin, "pg_isready"), "-q", "-h", "127.0.0.1", "-p", strconv.Itoa(s.port), "-U", "totpflow", "-d", "postgres")
		},
	})
	return PgBouncer{s}, err
}

// DSN returns the data source name of a database of the server behind it.
func (p PgBouncer) DSN(database string) string {
	return fmt.Sprintf("postgres://totpflow@%s/%s?sslmode=disable", p.Addr(), database)
}
