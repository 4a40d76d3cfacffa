package command_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/cmd/totpflow/internal/keyfile"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/store/sqlstore"
)

// rotated and checked are the documented shapes.
type rotated struct {
	DryRun                       bool `json:"dry_run"`
	Key                          string
	Staged, Resumed              bool
	Records, Changed, Unreadable int
}

type checked struct {
	Records int
	Epoch   uint32
	Keys    []struct {
		ID, Role  string
		Records   int
		Retirable bool
	}
	Unreadable []struct{ Tenant, User, Key, Reason string }
}

func (h *installation) check() checked { return decode[checked](h.t, h.ok("keys", "check", "--json")) }

func TestGenerate(t *testing.T) {
	h := newInstallation(t)
	path := filepath.Join(h.dir, "new.keys")
	r := h.bare("keys", "generate", "--keys-file", path)
	require.Zero(t, r.code, r.err)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	ring, err := keyring.Parse(string(text))
	require.NoError(t, err)
	require.Contains(t, r.out, ring.IDs()[0])
	h.bare("keys", "generate", "--keys-file", path).failed(t, 1, "not replaced")
	again, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, text, again)

	h.bare("keys", "generate").failed(t, 2, "--keys-file")
	r = h.bare("keys", "generate", "--stdout")
	_, err = keyring.Parse(r.out)
	require.NoError(t, err)
	h.tty = true
	r = h.bare("keys", "generate", "--stdout")
	require.Equal(t, 2, r.code)
	require.Empty(t, r.out, "not on a terminal, where it stays in the scrollback")
}

func TestRotate(t *testing.T) {
	h := newInstallation(t)
	ana, ben := h.enroll("acme", "ana"), h.enroll("globex", "ben")
	first := h.ring().IDs()[0]

	dry := h.ok("keys", "rotate", reason)
	require.Contains(t, dry.out, "seal 2 records")
	require.Contains(t, dry.out, "Nothing was changed")
	require.Equal(t, []string{first}, h.ring().IDs())
	require.Empty(t, dry.events())

	r := h.ok("keys", "rotate", reason, "--yes")
	require.Equal(t, []string{"keys_rotated"}, r.events())
	require.Contains(t, r.out, "2 records are under "+h.ring().IDs()[0])
	require.Equal(t, first, h.ring().IDs()[1])
	require.NoFileExists(t, h.keys+".rotate")
	c := h.check()
	require.Equal(t, 2, c.Records)
	require.Equal(t, "newest", c.Keys[0].Role)
	require.Equal(t, 2, c.Keys[0].Records)
	require.True(t, c.Keys[1].Retirable)
	require.Contains(t, h.ok("keys", "check").out, "No record needs "+first+" any more")
	h.passes(ana)
	h.passes(ben)

	h.fails(1, "the newest key", "keys", "retire", h.ring().IDs()[0], reason, "--yes")
	h.fails(3, "has no key", "keys", "retire", "00000000", reason, "--yes")
	r = h.ok("keys", "retire", first, reason, "--yes")
	require.Equal(t, []string{"key_retired"}, r.events())
	require.Len(t, h.ring().IDs(), 1)
	h.passes(ana)
}

func TestRetireRefusesAKeyInUse(t *testing.T) {
	h := newInstallation(t)
	h.enroll("acme", "ana")
	h.ok("keys", "rotate", reason, "--yes")
	before := h.ring()
	h.keysAre(func(ring string) (string, error) { return keyring.Rotate(ring) }) // by hand, and nothing was resealed
	newest := before.IDs()[0]
	h.fails(1, "1 record is still sealed with "+newest, "keys", "retire", newest, reason, "--yes")
	require.Contains(t, h.ring().IDs(), newest)

	require.Contains(t, h.ok("keys", "reseal", reason).out, "Would seal 1 of 1 records")
	require.Contains(t, h.ok("keys", "reseal", reason, "--yes").out, "1 of them sealed again")
	h.ok("keys", "retire", newest, reason, "--yes")
}

// keysAre changes the key file by hand.
func (h *installation) keysAre(change func(string) (string, error)) {
	h.t.Helper()
	text, err := os.ReadFile(h.keys)
	require.NoError(h.t, err)
	next, err := change(string(text))
	require.NoError(h.t, err)
	require.NoError(h.t, os.WriteFile(h.keys, []byte(next), 0o600))
}

// A process that runs meanwhile, with the ring of the step before, never refuses a
// record, and its records are never refused.
func TestRotateWithoutAPause(t *testing.T) {
	h := newInstallation(t)
	ana := h.enroll("acme", "ana")
	running := h.service() // with the ring of now
	signIn := func(s *totpflow.Service) {
		t.Helper()
		next, err := s.SignIn(h.ctx, ana.User)
		require.NoError(t, err)
		_, err = s.VerifyCode(h.ctx, next.Challenge, ana.phone.Code())
		require.NoError(t, err)
	}
	require.Contains(t, h.ok("keys", "rotate", "--stage", reason).out, "Nothing was changed")
	out := decode[rotated](t, h.ok("keys", "rotate", "--stage", reason, "--yes", "--json"))
	require.True(t, out.Staged)
	staged := h.service()
	signIn(running)
	signIn(staged)
	signIn(running)
	c := h.check()
	require.Equal(t, "staged", c.Keys[1].Role)
	require.False(t, c.Keys[1].Retirable)
	h.fails(1, "under way", "keys", "rotate", "--stage", reason, "--yes")
	require.Contains(t, h.ok("keys", "rotate", reason).out, "staged key "+out.Key)

	running = staged
	h.ok("keys", "rotate", "--resume", reason, "--yes")
	require.Equal(t, out.Key, h.ring().IDs()[0])
	signIn(h.service())
	signIn(running)
	signIn(h.service())
	signIn(running)
	require.Equal(t, 1, h.check().Keys[1].Records, "what the process with the older ring wrote last")
	h.ok("keys", "reseal", reason, "--yes")
	require.True(t, h.check().Keys[1].Retirable)
}

func TestStagedKeyCanBeGivenUp(t *testing.T) {
	h := newInstallation(t)
	was := h.ring().IDs()
	key := decode[rotated](t, h.ok("keys", "rotate", "--stage", reason, "--yes", "--json")).Key
	h.ok("keys", "retire", key, reason, "--yes")
	require.Equal(t, was, h.ring().IDs())
	require.NoFileExists(t, h.keys+".rotate")
	require.Contains(t, h.ok("keys", "rotate", "--resume", reason, "--yes").out, "No rotation was interrupted")
}

// fill makes many accounts, and does not wait for the disk.
func (h *installation) fill(n int) {
	h.t.Helper()
	db, err := sql.Open("sqlite", "file:"+h.dir+"/console.db?_pragma=busy_timeout(5000)&_pragma=synchronous(OFF)")
	require.NoError(h.t, err)
	defer db.Close()
	was := h.store
	h.store = sqlstore.New(db, sqlstore.SQLite)
	defer func() { h.store = was }()
	s := h.service()
	for i := range n {
		require.NoError(h.t, admin.New(s, nil).ExtendGrace(h.ctx, admin.Operator{Name: "t", Reason: "t"},
			acme(fmt.Sprintf("user-%05d", i)), time.Now().Add(24*time.Hour)))
	}
}

// stick makes every write of this account's record wait until release, so that a rotation
// cannot end before it is cut short.
func (h *installation) stick(user string) (release func()) {
	h.t.Helper()
	exec := func(statement string) {
		db, err := sql.Open("sqlite", "file:"+h.dir+"/console.db?_pragma=busy_timeout(60000)")
		require.NoError(h.t, err)
		defer db.Close()
		_, err = db.Exec(statement)
		require.NoError(h.t, err)
	}
	exec(`CREATE VIEW endless AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n`)
	exec(`CREATE TRIGGER stuck AFTER UPDATE ON totpflow_accounts WHEN NEW.user_id = '` + user + `' BEGIN SELECT count(*) FROM endless; END`)
	return func() { exec(`DROP TRIGGER stuck`) }
}

// Whenever a rotation is cut short, the next run goes on with the same key, and in the
// end every record is under it.
func TestRotateResumes(t *testing.T) {
	h := newInstallation(t)
	h.fill(1200)
	release := h.stick("user-01100")
	ctx, cancel := context.WithCancel(context.Background())
	h.ctx = ctx
	stop := make(chan struct{})
	go func() {
		defer close(stop)
		for { // as soon as a page is done
			if _, err := os.Stat(h.keys + ".rotate"); err == nil {
				text, err := os.ReadFile(h.keys + ".rotate")
				var j keyfile.Journal
				if err == nil && json.Unmarshal(text, &j) == nil && j.Seen > 0 {
					cancel()
					return
				}
			}
			time.Sleep(time.Millisecond)
		}
	}()
	r := h.run("keys", "rotate", reason, "--yes")
	<-stop
	require.Equal(t, 130, r.code, r.err)
	require.Contains(t, r.err, "run the same command again")
	h.ctx = context.Background()
	release()
	key := h.ring().IDs()[0]
	c := h.check()
	require.Greater(t, c.Keys[0].Records, 999)
	require.Positive(t, c.Keys[1].Records)

	require.Contains(t, h.ok("keys", "rotate", reason).out, "Would go on")
	out := decode[rotated](t, h.ok("keys", "rotate", reason, "--yes", "--json"))
	require.True(t, out.Resumed)
	require.Equal(t, 1200, out.Records)
	require.Equal(t, key, out.Key)
	require.Len(t, h.ring().IDs(), 2, "no second key")
	require.Equal(t, 1200, h.check().Keys[0].Records)
	require.NoFileExists(t, h.keys+".rotate")
}

// The machine stops between two writes of the rotation.
func TestRotateAfterACrash(t *testing.T) {
	for name, crash := range map[string]func(h *installation, f *keyfile.File) (key string){
		"noted, and the key not written": func(h *installation, f *keyfile.File) string {
			require.NoError(h.t, f.Note(keyfile.Journal{Operation: "rotate", Database: h.env["TOTPFLOW_DB"], Key: "0011aabb"}))
			return ""
		},
		"the key written, and nothing resealed": func(h *installation, f *keyfile.File) string {
			h.keysAre(keyring.Rotate)
			require.NoError(h.t, f.Note(keyfile.Journal{Operation: "rotate", Database: h.env["TOTPFLOW_DB"], Key: h.ring().IDs()[0]}))
			return h.ring().IDs()[0]
		},
		"promotion noted, and the key not in front": func(h *installation, f *keyfile.File) (key string) {
			h.keysAre(func(s string) (next string, err error) { next, key, err = keyfile.Stage(s); return next, err })
			require.NoError(h.t, f.Note(keyfile.Journal{Operation: "rotate", Database: h.env["TOTPFLOW_DB"], Key: key}))
			return key
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newInstallation(t)
			ana := h.enroll("acme", "ana")
			f, err := keyfile.Open(h.keys)
			require.NoError(t, err)
			key := crash(h, f)
			h.ok("keys", "rotate", reason, "--yes")
			if key != "" {
				require.Equal(t, key, h.ring().IDs()[0])
			}
			require.Len(t, h.ring().IDs(), 2)
			require.Equal(t, 1, h.check().Keys[0].Records)
			h.passes(ana)
		})
	}
}

func TestRotateRefuses(t *testing.T) {
	h := newInstallation(t)
	release, err := keyfile.Lock(h.keys)
	require.NoError(t, err)
	h.fails(1, "another totpflow", "keys", "rotate", reason, "--yes")
	release()
	f, err := keyfile.Open(h.keys)
	require.NoError(t, err)
	require.NoError(t, f.Note(keyfile.Journal{Operation: "rotate", Database: "sqlite:///srv/other.db"}))
	h.fails(1, "the interrupted run was for sqlite:///srv/other.db", "keys", "rotate", reason, "--yes")
	require.NoError(t, os.WriteFile(h.keys+".rotate", []byte("?"), 0o600))
	h.fails(1, "not a journal of this version", "keys", "rotate", reason, "--yes")
	h.fails(2, "cannot be combined", "keys", "rotate", "--stage", "--resume", reason, "--yes")
	require.Len(t, h.ring().IDs(), 1)

	text, err := os.ReadFile(h.keys)
	require.NoError(t, err)
	h.env["TOTPFLOW_KEYS"] = string(text)
	h.bare("keys", "rotate", reason, "--yes").failed(t, 2, "cannot be changed")
	h.fails(2, "generate, check", "keys")
}

// A record that does not open is reported, and the others are still processed.
func TestUnreadableRecord(t *testing.T) {
	h := newInstallation(t)
	ana, zoe := h.enroll("acme", "ana"), h.enroll("acme", "zoe")
	h.enroll("acme", "ben")
	rec, err := h.store.Get(h.ctx, acme("ben"))
	require.NoError(t, err)
	was := rec.Version
	rec.Version = store.NewVersion() // the seal is bound to the version
	require.NoError(t, h.store.Put(h.ctx, rec, was))

	r := h.fails(5, "1 of 3 records do not open", "keys", "check", "--json")
	c := decode[checked](t, r)
	require.Equal(t, "ben", c.Unreadable[0].User)
	require.Contains(t, h.fails(5, "", "keys", "check").out, "does not open: acme/ben")
	require.Contains(t, h.fails(5, "1 of 3 records do not open", "list").out, "1 unreadable")
	h.fails(5, "keys check", "status", "ben", "--tenant", "acme")

	r = h.fails(5, "skipped", "keys", "rotate", reason, "--yes")
	require.Contains(t, r.out, "2 records are under "+h.ring().IDs()[0])
	require.Equal(t, []string{"keys_rotated"}, r.events())
	h.fails(5, "skipped", "restored", "--at", "2025-01-01T00:00:00Z", reason, "--yes")
	for _, p := range []person{ana, zoe} {
		h.clock.Advance(5 * time.Minute)
		h.passes(p)
	}
	old := h.ring().IDs()[1]
	require.Equal(t, 1, decode[checked](t, h.fails(5, "", "keys", "check", "--json")).Keys[1].Records)
	h.fails(1, "still sealed with", "keys", "retire", old, reason, "--yes")

	h.fails(5, "keys check", "reset", "ben", "--tenant", "acme", reason, "--yes")
	require.Equal(t, []string{"forgotten"}, h.ok("forget", "ben", "--tenant", "acme", reason, "--yes").events())
	h.ok("keys", "check")
}

// If a ring lacks the key that records need, it opens none of them, and the command
// reports that.
func TestMissingKey(t *testing.T) {
	h := newInstallation(t)
	h.enroll("acme", "ana")
	missing := h.ring().IDs()[0]
	require.NoError(t, os.WriteFile(h.keys, []byte(keyring.Generate()), 0o600))
	c := decode[checked](t, h.fails(5, "restore the missing keys", "keys", "check", "--json"))
	require.Equal(t, missing, c.Keys[1].ID)
	require.Equal(t, "missing", c.Keys[1].Role)
}
