package servers

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// Files returns every file in the server's folder, by its path in there: everything that
// a thief of the disk has, and under "log" the server's output. Read them from a server
// that was killed; otherwise they change meanwhile.
func (s *Server) Files() (map[string][]byte, error) {
	files := make(map[string][]byte)
	err := filepath.WalkDir(s.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		name, err := filepath.Rel(s.dir, path)
		if err != nil {
			return err
		}
		files[name], err = os.ReadFile(path)
		return err
	})
	return files, err
}

// Dump returns what the server's own tool writes for a database: SQL.
func (p PostgreSQL) Dump(database string) ([]byte, error) {
	return p.output(filepath.Join(p.bin, "pg_dump"), "-h", "127.0.0.1", "-p", strconv.Itoa(p.port), "-U", "totpflow", database)
}

// Dump returns what the server's own tool writes for a database: SQL, with bytes in
// hexadecimal.
func (m MariaDB) Dump(database string) ([]byte, error) {
	dump, err := program("mariadb-client", "/usr/bin/mariadb-dump", "/usr/local/bin/mariadb-dump")
	if err != nil {
		return nil, err
	}
	return m.output(dump, "--no-defaults", "--protocol=tcp", "--host=127.0.0.1", "--port="+strconv.Itoa(m.port), "--user=root", "--hex-blob", database)
}

// output runs a program to its end and returns its output.
func (s *Server) output(args ...string) ([]byte, error) {
	cmd := s.command(context.Background(), args)
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Base(args[0]), err)
	}
	return out, nil
}
