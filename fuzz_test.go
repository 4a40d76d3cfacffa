package totpflow_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/recovery"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/trust"
)

// Of the four sealed strings, each is taken for what it is, as it was made and
// in no other spelling, and nothing else is taken at all. What is refused is not
// written down: a flood of made-up tickets costs the database no write.
func FuzzTickets(f *testing.F) {
	h := newHouse(f)
	phone, _ := h.enroll(ana)
	challenge, replace := h.ask(ana), h.prove(ana, totpflow.ActionReplaceAuthenticator, phone)
	page, err := h.BeginEnrollment(h.ctx, replace)
	require.NoError(f, err)
	token := h.trusted(ana, phone)
	proof := h.prove(ana, "delete backup", phone)

	ours := []string{string(challenge), string(proof), string(page.Token), string(token)}
	for _, s := range ours {
		f.Add(s)
		f.Add(s + "=")
		f.Add(s[:40] + "\n" + s[40:])
		f.Add(s[:len(s)-1])
		f.Add("A" + s[1:])
	}
	f.Add("")
	f.Add(strings.Repeat("A", 4097))
	f.Fuzz(func(t *testing.T, s string) {
		_, err := h.ContinueSignIn(h.ctx, totpflow.Challenge(s))
		require.Equal(t, s == string(challenge), err == nil, "a challenge: %v", err)
		_, err = h.ContinueEnrollment(h.ctx, totpflow.EnrollmentToken(s), replace)
		require.Equal(t, s == string(page.Token), err == nil, "a page's token: %v", err)
		_, err = h.BeginEnrollment(h.ctx, totpflow.Challenge(s))
		require.ErrorIs(t, err, totpflow.ErrChallenge, "nobody was asked to set up")
		next, err := h.SignIn(h.ctx, ana, trust.Token(s))
		require.NoError(t, err)
		require.Equal(t, s == string(token), next.Step == totpflow.Passed)
		if slices.Contains(ours, s) {
			return
		}
		before := h.store.Counts().Put
		require.ErrorIs(t, h.Account(ana).ConsumeProof(h.ctx, totpflow.Proof(s), "delete backup"), totpflow.ErrProof)
		_, err = h.TrustBrowser(h.ctx, totpflow.Proof(s), "")
		require.ErrorIs(t, err, totpflow.ErrProof)
		_, err = h.VerifyCode(h.ctx, totpflow.Challenge(s), phone.Code())
		require.ErrorIs(t, err, totpflow.ErrChallenge)
		_, err = h.ConfirmEnrollment(h.ctx, totpflow.EnrollmentToken(s), phone.Code())
		require.ErrorIs(t, err, totpflow.ErrEnrollmentExpired)
		require.Equal(t, before, h.store.Counts().Put)
	})
}

// Whatever is typed where a code is asked, nobody gets in but by a code of theirs,
// in one of the spellings that the packages' own targets allow, once.
func FuzzTyped(f *testing.F) {
	h := newHouse(f)
	phone, codes := h.enroll(ana)
	h.clock.Advance(time.Minute)
	before, err := h.memory.Get(h.ctx, anaID)
	require.NoError(f, err)
	challenge := h.ask(ana)
	now, later := phone.Pair()
	f.Add(now, later)
	f.Add(later, now)
	f.Add(codes[0], codes[1])
	f.Add(strings.ToLower(codes[2]), "")
	f.Add("000000", "000000")
	f.Add("١٢٣٤٥٦", "\x00")
	f.Fuzz(func(t *testing.T, first, second string) {
		for way, verify := range map[string]func(*totpflow.Service) (totpflow.Decision, error){
			"pair": func(s *totpflow.Service) (totpflow.Decision, error) {
				return s.VerifyPair(h.ctx, challenge, first, second)
			},
			"recovery": func(s *totpflow.Service) (totpflow.Decision, error) {
				return s.VerifyRecoveryCode(h.ctx, challenge, first)
			},
			"issued": func(s *totpflow.Service) (totpflow.Decision, error) {
				return s.VerifyIssuedCode(h.ctx, challenge, first)
			},
			"phone": func(s *totpflow.Service) (totpflow.Decision, error) {
				return s.VerifyPhoneCode(h.ctx, challenge, first)
			},
			"other": func(s *totpflow.Service) (totpflow.Decision, error) {
				return s.VerifyExternal(h.ctx, challenge, totpflow.Method(first), func(context.Context) error { return totpflow.ErrRejected })
			},
		} {
			m := store.NewMemory() // as it was before anybody typed
			require.NoError(t, m.Put(h.ctx, before, store.Version{}))
			again := *h
			again.t = t
			s := again.open(func(c *totpflow.Config) { c.Store = m })
			plain := strings.NewReplacer(" ", "", "-", "")
			spelt, _ := recovery.Normalize(first)
			good := way == "pair" && plain.Replace(first) == now && plain.Replace(second) == later ||
				way == "recovery" && slices.Contains(codes, spelt)
			d, err := verify(s)
			require.Equal(t, good, err == nil, "%s: %v", way, err)
			require.Equal(t, good, d.Step == totpflow.Passed, way)
			if good {
				d, err = verify(s)
				refused(t, d, err, totpflow.ErrChallenge)
			}
		}
	})
}

// No link freezes an account but the one of the mail, in its one spelling.
func FuzzDisown(f *testing.F) {
	h := newHouse(f)
	h.enroll(ana)
	link := h.NewDisownToken(h.told(event.EnrollmentConfirmed)[0])
	f.Add(string(link))
	f.Add(string(link[:60] + "\r\n" + link[60:]))
	f.Add(string(link) + "=")
	f.Add(string(h.ask(ana)))
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		err := h.Disown(h.ctx, totpflow.DisownToken(s))
		if s == string(link) {
			require.NoError(t, err)
			return
		}
		require.ErrorIs(t, err, totpflow.ErrDisownToken)
	})
}

// Every name comes back from the file as it was, but for the apostrophes that
// keep a spreadsheet from running it, and no cell of it begins a formula.
func FuzzWriteCSV(f *testing.F) {
	f.Add("acme", "42", `=HYPERLINK("https://evil.example")`)
	f.Add("", "43", "Ann;=1")
	f.Add("", "44", "\t\r\n\"'@SUM(A1)")
	f.Add("", "45", " ＝1")
	f.Fuzz(func(t *testing.T, tenant, user, name string) {
		m := admin.Member{ID: store.AccountID{Tenant: tenant, User: user}, State: admin.StateEnabled, Machine: name}
		if m.ID.Validate() != nil {
			return
		}
		var file bytes.Buffer
		require.NoError(t, admin.WriteCSV(&file, each(m), func(store.AccountID) string { return name }))
		rows, err := csv.NewReader(&file).ReadAll()
		require.NoError(t, err)
		require.Len(t, rows, 2)
		row := rows[1]
		for i, was := range map[int]string{0: tenant, 1: user, 2: name, 10: name} {
			same := strings.ReplaceAll(string([]rune(was)), "\r\n", "\n") // as the reader has it
			require.Equal(t, strings.ReplaceAll(same, "'", ""), strings.ReplaceAll(row[i], "'", ""))
			for _, cell := range strings.FieldsFunc(row[i], func(r rune) bool { return strings.ContainsRune(",;\t\r\n\"", r) }) {
				if begin := strings.TrimLeft(cell, " "); begin != "" {
					require.NotContains(t, "=+-@＝＋－＠", string([]rune(begin)[0]), "%q", row[i])
				}
			}
		}
	})
}
