package command_test

import (
	"bytes"
	"crypto/rand"
	"database/sql"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/mattn/go-sqlite3"
	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/store/sqlstore"
	"github.com/totpflow/totpflow/tests/rigs/canary"
)

// The command prints no secret of a table, wherever it is in the table and in whatever
// encoding, and the database contains none; in the tables themselves they are found.
func TestImportLeaksNothing(t *testing.T) {
	dir := t.TempDir()
	file, keys := filepath.Join(dir, "console.db"), filepath.Join(dir, "keys")
	require.NoError(t, os.WriteFile(keys, []byte(keyring.Generate()), 0o600))
	db, err := sql.Open("sqlite3", "file:"+file+"?_journal_mode=WAL&_synchronous=FULL&_busy_timeout=5000&_txlock=immediate")
	require.NoError(t, err)
	defer db.Close()
	require.NoError(t, sqlstore.New(db, sqlstore.SQLite).Migrate(t.Context()))
	var said []byte
	run := func(in string, args ...string) {
		t.Helper()
		cmd := exec.Command(binary, append(args, "--keys-file", keys, "--db-file", file)...)
		cmd.Stdin = strings.NewReader(in)
		out, _ := cmd.CombinedOutput()
		require.NotEmpty(t, out)
		said = append(said, out...)
	}
	var secrets canary.Secrets
	all := tables(&secrets)
	flags := [][]string{{"--yes"}, {"--json"}, {"--yes", "--json"}, nil}
	run("user,secret\nana,"+encoding32.EncodeToString(draw(&secrets, 20))+"\n", "import", "-", "--reason=move", "--yes")
	require.True(t, bytes.Contains(said, []byte(": kept\n")))
	for i, table := range all {
		run(table, append([]string{"import", "-", "--reason=move"}, flags[i%len(flags)]...)...)
	}
	run("", "list")
	run("", "list", "--json")
	_, err = db.Exec(`PRAGMA wal_checkpoint(TRUNCATE)`)
	require.NoError(t, err)
	records, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Empty(t, secrets.Find(canary.Place{Name: "what the command said", Data: said}, canary.Place{Name: "the database", Data: records, Raw: true}))
	require.NotEmpty(t, secrets.Find(canary.Place{Name: "the tables", Data: []byte(strings.Join(all, ""))}))
	t.Logf("%s looked for in %d bytes that %d tables led to", &secrets, len(said)+len(records), len(all))
}

// tables returns tables with a secret in one of their columns, in each of the encodings,
// with headings and without.
func tables(secrets *canary.Secrets) (all []string) {
	sizes := []int{20, 10, 32, 16, 20}
	for _, header := range []string{"user,secret", "tenant,user,secret", "name,user,secret", "user,secret,digits", "secret,user", "user,secret,type", "user,secret,otp_secret"} {
		for at := range strings.Count(header, ",") + 1 {
			for _, encode := range encodings {
				n := len(all)
				cells := strings.Split(strings.NewReplacer("user", fmt.Sprint("person", n), "digits", "6", "type", "totp").Replace(header), ",")
				for i, cell := range cells {
					if cell == "secret" {
						cells[i] = encoding32.EncodeToString(draw(secrets, 20))
					}
				}
				cells[at] = encode(draw(secrets, sizes[n%len(sizes)]))
				line := strings.Join(cells, ",") + "\n"
				all = append(all, header+"\n"+line)
				if at == 0 {
					all = append(all, line)
				}
			}
		}
	}
	return all
}

// draw returns a secret, which is looked for afterwards.
func draw(secrets *canary.Secrets, size int) []byte {
	raw := make([]byte, size)
	_, _ = rand.Read(raw)
	secrets.Add("secret", raw)
	secrets.Add("secret", []byte(encoding32.EncodeToString(raw)))
	return raw
}

var encoding32 = base32.StdEncoding.WithPadding(base32.NoPadding)

// encodings are those in which exports contain secrets.
var encodings = map[string]func([]byte) string{
	"base32":     encoding32.EncodeToString,
	"lower case": func(b []byte) string { return strings.ToLower(encoding32.EncodeToString(b)) },
	"hex":        hex.EncodeToString,
	"base64":     base64.StdEncoding.EncodeToString,
	"a URI":      func(b []byte) string { return "otpauth://totp/Old:ana?secret=" + encoding32.EncodeToString(b) },
	"Steam":      func(b []byte) string { return "steam://" + encoding32.EncodeToString(b) },
	"Google": func(b []byte) string {
		return "otpauth-migration://offline?data=" + base64.StdEncoding.EncodeToString(append([]byte("\n!\n\x14"), b...))
	},
}
