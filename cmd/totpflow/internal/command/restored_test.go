package command_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/cmd/totpflow/internal/keyfile"
	"github.com/totpflow/totpflow/store"
)

// backup copies the records; the result puts them back.
func (h *installation) backup() (restore func()) {
	h.t.Helper()
	page, err := h.store.List(h.ctx, store.Query{AllTenants: true})
	require.NoError(h.t, err)
	return func() {
		h.t.Helper()
		for _, rec := range page.Records {
			now, err := h.store.Get(h.ctx, rec.ID)
			require.NoError(h.t, err)
			if now.Version != rec.Version {
				require.NoError(h.t, h.store.Put(h.ctx, rec, now.Version))
			}
		}
	}
}

// Everything that was used or ended since the backup stays used or ended, although the
// records do not show it.
func TestRestored(t *testing.T) {
	h := newInstallation(t)
	h.clock.Set(time.Now().Add(-10 * time.Minute)) // the command has the machine's clock
	ana := h.enroll("acme", "ana")
	h.ok("policy", "set", "--tenant", "acme", "--mode", "required", reason, "--yes")
	trusted, err := h.service().TrustBrowser(h.ctx, h.passes(ana).Proof, "Firefox")
	require.NoError(t, err)
	restore := h.backup()
	at := h.clock.Now().UTC().Format(time.RFC3339)
	h.clock.Set(time.Now())
	code := ana.phone.Code()
	s := h.service()
	next, err := s.SignIn(h.ctx, ana.User)
	require.NoError(t, err)
	_, err = s.VerifyCode(h.ctx, next.Challenge, code)
	require.NoError(t, err)
	restore()

	dry := h.ok("restored", "--at", at, reason)
	require.Contains(t, dry.out, "Would raise the epoch")
	require.Contains(t, dry.out, "What people will notice")
	require.EqualValues(t, 1, h.ring().Epoch())
	r := h.ok("restored", "--at", at, reason, "--yes", "--json")
	require.Contains(t, r.events(), "epoch_raised")
	type report struct {
		Epoch   uint32
		Records int
		Noticed []string
		Todo    []string
	}
	require.EqualValues(t, 2, decode[report](t, r).Epoch)
	require.EqualValues(t, 2, h.ring().Epoch())
	require.NoFileExists(t, h.keys+".restored")

	next, err = h.service().SignIn(h.ctx, ana.User, trusted.Token)
	require.NoError(t, err)
	require.Equal(t, totpflow.AskCode, next.Step, "the trusted browser has ended")
	_, err = h.service().VerifyCode(h.ctx, next.Challenge, code)
	require.ErrorIs(t, err, totpflow.ErrAlreadyUsed, "the record knows nothing of it, and yet it is used")
	h.clock.Advance(2 * time.Minute)
	h.passes(ana)
	require.Zero(t, h.status(ana.User).RecoveryCodes.Left)
	require.Contains(t, h.ok("policy", "get", "--tenant", "acme").out, "required", "policies are as they were")

	h.fails(2, "in the future", "restored", "--at", time.Now().Add(time.Hour).Format(time.RFC3339), reason, "--yes")
	h.fails(2, "with its zone", "restored", "--at", "2026-01-01 03:00", reason, "--yes")
	h.fails(2, "with its zone", "restored", reason, "--yes")
}

// The epoch is raised once, whenever the run is cut short.
func TestRestoredResumes(t *testing.T) {
	h := newInstallation(t)
	h.enroll("acme", "ana")
	at := time.Date(2025, 1, 1, 3, 0, 0, 0, time.UTC)
	f, err := keyfile.Open(h.keys)
	require.NoError(t, err)
	note := keyfile.Journal{Operation: "restored", Database: h.env["TOTPFLOW_DB"], At: at, Epoch: 2}
	require.NoError(t, f.Note(note)) // and the machine stopped before the file was written
	h.fails(2, "2025-01-01T03:00:00Z", "restored", "--at", "2025-01-02T03:00:00Z", reason, "--yes")
	h.ok("restored", "--at", "2025-01-01T04:00:00+01:00", reason, "--yes")
	require.EqualValues(t, 2, h.ring().Epoch())

	note.Epoch = 2
	require.NoError(t, f.Note(note)) // or after, in the middle of the records
	h.ok("restored", "--at", "2025-01-01T03:00:00Z", reason, "--yes")
	require.EqualValues(t, 2, h.ring().Epoch())
	names, err := filepath.Glob(h.keys + ".*")
	require.NoError(t, err)
	require.Equal(t, []string{h.keys + ".lock"}, names)
	info, err := os.Stat(h.keys)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

// If a copy was laid over a file while its -wal was left there, the file is a mixture of
// the two. It is detected before anybody relies on it: nothing is called safe, and no
// epoch is raised.
func TestDamagedFile(t *testing.T) {
	h := newInstallation(t)
	h.fill(300)
	path := filepath.Join(h.dir, "console.db")
	require.NoError(t, h.db.Close()) // this writes the -wal into the file
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	require.NoError(t, err)
	info, err := f.Stat()
	require.NoError(t, err)
	page := make([]byte, 4096)
	_, err = f.ReadAt(page, info.Size()/4096/2*4096)
	require.NoError(t, err)
	_, err = f.WriteAt(page, (info.Size()/4096/2+3)*4096) // a page of another place
	require.NoError(t, err)
	require.NoError(t, f.Close())
	ring, err := os.ReadFile(h.keys)
	require.NoError(t, err)
	h.fails(1, "corrupt", "keys", "check")
	h.fails(1, "corrupt", "restored", "--at", time.Now().UTC().Format(time.RFC3339), reason, "--yes")
	after, err := os.ReadFile(h.keys)
	require.NoError(t, err)
	require.Equal(t, string(ring), string(after))
}
