package servers

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
)

// MariaDB is a private MariaDB server of Debian's package. Its settings are the
// server's own defaults, so it waits for the disk.
type MariaDB struct{ *Server }

// StartMariaDB starts one, with settings such as "innodb-flush-log-at-trx-commit=2".
func StartMariaDB(settings ...string) (MariaDB, error) {
	server, err := program("mariadb-server", "/usr/sbin/mariadbd", "/usr/local/sbin/mariadbd", "/usr/local/bin/mariadbd")
	if err != nil {
		return MariaDB{}, err
	}
	install, err := program("mariadb-server", "/usr/bin/mariadb-install-db", "/usr/local/bin/mariadb-install-db")
	if err != nil {
		return MariaDB{}, err
	}
	admin, err := program("mariadb-server", "/usr/bin/mariadb-admin", "/usr/local/bin/mariadb-admin")
	if err != nil {
		return MariaDB{}, err
	}
	s, err := start(spec{
		name: "MariaDB",
		setup: func(s *Server) error {
			return s.tool(context.Background(), install, "--no-defaults", "--datadir="+filepath.Join(s.dir, "data"),
				"--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve", "--innodb-log-file-size=8M")
		},
		args: func(s *Server) []string {
			args := []string{
				server, "--no-defaults", "--datadir=" + filepath.Join(s.dir, "data"), "--tmpdir=" + s.dir,
				"--bind-address=127.0.0.1", "--port=" + strconv.Itoa(s.port), "--socket=" + filepath.Join(s.dir, "socket"),
				"--pid-file=" + filepath.Join(s.dir, "pid"), "--skip-name-resolve", "--innodb-log-file-size=8M", "--innodb-buffer-pool-size=64M",
			}
			for _, setting := range settings {
				args = append(args, "--"+setting)
			}
			return args
		},
		ready: func(ctx context.Context, s *Server) error {
			return s.tool(ctx, admin, "--no-defaults", "--protocol=tcp", "--host=127.0.0.1", "--port="+strconv.Itoa(s.port), "--user=root", "ping")
		},
	})
	return MariaDB{s}, err
}

// DSN returns the data source name of a database of the server, "mysql" at first, for its
// superuser "root". Append parameters after a "?".
func (m MariaDB) DSN(database string) string {
	return fmt.Sprintf("root@tcp(%s)/%s", m.Addr(), database)
}
