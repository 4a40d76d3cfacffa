package servers

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// PostgreSQL is a private PostgreSQL server of Debian's package. Its settings
// are the server's own defaults, so it waits for the disk.
type PostgreSQL struct {
	*Server
	bin string // the folder of its programs
}

// StartPostgreSQL starts one, with settings such as "synchronous_commit=off".
func StartPostgreSQL(settings ...string) (PostgreSQL, error) {
	initdb, err := program("postgresql", "/usr/lib/postgresql/*/bin/initdb", "/usr/bin/initdb", "/usr/local/bin/initdb")
	if err != nil {
		return PostgreSQL{}, err
	}
	bin := filepath.Dir(initdb)
	data := func(s *Server) error {
		return s.tool(context.Background(), initdb, "-D", filepath.Join(s.dir, "data"), "-U", "totpflow",
			"--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
	}
	s, err := start(postgres(bin, data, settings))
	return PostgreSQL{s, bin}, err
}

// Standby starts a server that has a copy of this one and follows it by streaming
// replication; whether the first waits for it is the first one's setting
// (synchronous_standby_names). It may still be reading the copy.
func (p PostgreSQL) Standby(settings ...string) (PostgreSQL, error) {
	data := func(s *Server) error {
		return s.tool(context.Background(), filepath.Join(p.bin, "pg_basebackup"), "-D", filepath.Join(s.dir, "data"),
			"-h", "127.0.0.1", "-p", strconv.Itoa(p.port), "-U", "totpflow", "--write-recovery-conf", "--checkpoint=fast", "--no-sync")
	}
	s, err := start(postgres(p.bin, data, settings))
	return PostgreSQL{s, p.bin}, err
}

// postgres returns a server of the programs in bin, on what data makes.
func postgres(bin string, data func(s *Server) error, settings []string) spec {
	return spec{
		name:  "PostgreSQL",
		setup: data,
		args: func(s *Server) []string {
			args := []string{
				filepath.Join(bin, "postgres"), "-D", filepath.Join(s.dir, "data"),
				"-h", "127.0.0.1", "-p", strconv.Itoa(s.port), "-k", "", "-c", "max_connections=200",
				"-c", "dynamic_shared_memory_type=mmap", // by default a killed server leaves its memory in /dev/shm
			}
			for _, setting := range settings {
				args = append(args, "-c", setting)
			}
			return args
		},
		ready: func(ctx context.Context, s *Server) error {
			return s.tool(ctx, filepath.Join(bin, "pg_isready"), "-q", "-h", "127.0.0.1", "-p", strconv.Itoa(s.port), "-U", "totpflow", "-d", "postgres")
		},
		tidy: removeSegment,
	}
}

// removeSegment removes the segment of System V memory by which a server finds out whether
// another one uses its folder. A killed server leaves it, the system has room for 4,096 of
// them, and no server starts when they are used up.
func removeSegment(s *Server) error {
	text, err := os.ReadFile(filepath.Join(s.dir, "data", "postmaster.pid"))
	if errors.Is(err, fs.ErrNotExist) { // it has ended by itself, or never began
		return nil
	}
	if err != nil {
		return err
	}
	lines := strings.Split(string(text), "\n")
	if len(lines) < 7 { // it was killed before it had one
		return nil
	}
	segment := strings.Fields(lines[6]) // its key and its number
	if len(segment) != 2 {
		return nil
	}
	return s.tool(context.Background(), "ipcrm", "-m", segment[1])
}

// DSN returns the data source name of a database of the server, "postgres" at first, for
// its superuser "totpflow". Append more parameters with &.
func (p PostgreSQL) DSN(database string) string {
	return fmt.Sprintf("postgres://totpflow@%s/%s?sslmode=disable", p.Addr(), database)
}
