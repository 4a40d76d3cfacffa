package totpflow_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/internal/typed"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/recovery"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totptest"
	"github.com/totpflow/totpflow/trust"
)

// Each of the four sealed strings is accepted for its own kind only, exactly as it was
// made and in no other spelling, and no other string is accepted at all. A refusal is not
// written down: a flood of made-up tickets costs the database no write.
func FuzzTickets(f *testing.F) {
	h := newHarness(f)
	phone, _ := h.Enroll(ana)
	challenge, replace := h.Challenge(ana), h.Prove(ana, totpflow.ActionReplaceAuthenticator, phone)
	page, err := h.BeginEnrollment(h.Ctx, replace)
	require.NoError(f, err)
	token := h.TrustBrowserOf(ana, phone)
	proof := h.Prove(ana, "delete backup", phone)

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
		_, err := h.ContinueSignIn(h.Ctx, totpflow.Challenge(s))
		require.Equal(t, s == string(challenge), err == nil, "a challenge: %v", err)
		_, err = h.ContinueEnrollment(h.Ctx, totpflow.EnrollmentToken(s), replace)
		require.Equal(t, s == string(page.Token), err == nil, "a page's token: %v", err)
		_, err = h.BeginEnrollment(h.Ctx, totpflow.Challenge(s))
		require.ErrorIs(t, err, totpflow.ErrChallenge, "nobody was asked to set up")
		next, err := h.SignIn(h.Ctx, ana, trust.Token(s))
		require.NoError(t, err)
		require.Equal(t, s == string(token), next.Step == totpflow.Passed)
		if slices.Contains(ours, s) {
			return
		}
		before := h.Store.Counts().Put
		require.ErrorIs(t, h.Account(ana).ConsumeProof(h.Ctx, totpflow.Proof(s), totpflow.Action("delete backup").On("")), totpflow.ErrProof)
		_, err = h.TrustBrowser(h.Ctx, totpflow.Proof(s), "")
		require.ErrorIs(t, err, totpflow.ErrProof)
		_, err = h.VerifyCode(h.Ctx, totpflow.Challenge(s), phone.Code())
		require.ErrorIs(t, err, totpflow.ErrChallenge)
		_, err = h.ConfirmEnrollment(h.Ctx, totpflow.EnrollmentToken(s), phone.Code())
		require.ErrorIs(t, err, totpflow.ErrEnrollmentExpired)
		require.Equal(t, before, h.Store.Counts().Put)
	})
}

// Whatever is typed where a code is asked for, nobody gets in without a code of theirs,
// in one of the spellings that the packages' own fuzz targets allow, once.
func FuzzTyped(f *testing.F) {
	h := newHarness(f)
	phone, codes := h.Enroll(ana)
	h.Clock.Advance(time.Minute)
	before, err := h.Memory.Get(h.Ctx, anaID)
	require.NoError(f, err)
	challenge := h.Challenge(ana)
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
				return s.VerifyPair(h.Ctx, challenge, first, second)
			},
			"recovery": func(s *totpflow.Service) (totpflow.Decision, error) {
				return s.VerifyRecoveryCode(h.Ctx, challenge, first)
			},
			"issued": func(s *totpflow.Service) (totpflow.Decision, error) {
				return s.VerifyIssuedCode(h.Ctx, challenge, first)
			},
			"phone": func(s *totpflow.Service) (totpflow.Decision, error) {
				return s.VerifyPhoneCode(h.Ctx, challenge, first)
			},
			"other": func(s *totpflow.Service) (totpflow.Decision, error) {
				return s.CompleteExternal(h.Ctx, challenge, totpflow.Challenge(first), anaID, totpflow.ErrRejected)
			},
		} {
			m := store.NewMemory() // a copy from before anybody typed
			require.NoError(t, m.Put(h.Ctx, before, store.Version{}))
			again := *h.Harness
			again.T = t
			s := again.Open(func(c *totpflow.Config) { c.Store = m })
			spelt, _ := recovery.Normalize(first)
			good := way == "pair" && plain(first) == now && plain(second) == later ||
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

// Only the link of the mail, in its one spelling, freezes an account.
func FuzzDisown(f *testing.F) {
	h := newHarness(f)
	h.Enroll(ana)
	link := h.NewDisownToken(h.EventsOf(event.EnrollmentConfirmed)[0])
	f.Add(string(link))
	f.Add(string(link[:60] + "\r\n" + link[60:]))
	f.Add(string(link) + "=")
	f.Add(string(h.Challenge(ana)))
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		err := servicetest.ErrorOf(h.Disown(h.Ctx, totpflow.DisownToken(s)))
		if s == string(link) {
			require.NoError(t, err)
			return
		}
		require.ErrorIs(t, err, totpflow.ErrDisownToken)
	})
}

// A host's log line at 5 pm: the whole answer, with a logger that writes JSON. If it
// contained a challenge, every reader of the log could sign in.
func TestLoggedAnswersShowNoTicket(t *testing.T) {
	var p provider
	h := newHarness(t, withPhones(&p)...)
	first, err := h.SignIn(h.Ctx, ana)
	require.NoError(t, err)
	added, err := h.BeginPhone(h.Ctx, first.Challenge, mobile)
	require.NoError(t, err)
	page, err := h.BeginEnrollment(h.Ctx, first.Challenge)
	require.NoError(t, err)
	app, err := totptest.ScanURI(page.Offer.URI(), h.Clock)
	require.NoError(t, err)
	done, err := h.ConfirmEnrollment(h.Ctx, page.Token, app.Code())
	require.NoError(t, err)
	h.Service = h.Open(func(c *totpflow.Config) { c.Policy = policy.Fixed{Methods: policy.App | policy.External} })
	check, _, err := h.BeginExternal(h.Ctx, h.Challenge(ana), "key")
	require.NoError(t, err)

	for _, c := range []struct {
		answer  any
		secrets []string
	}{
		{first, []string{string(first.Challenge)}},
		{added, []string{string(added.Token), mobile.E164()}},
		{page, []string{string(page.Token), page.Offer.Secret(), page.Offer.URI()}},
		{done, append([]string{string(done.Proof), done.Sheet.Secret}, done.Sheet.Codes...)},
		{done.Decision, []string{string(done.Proof)}},
		{check, []string{string(check)}},
		{admin.Administrator{User: ana, Proof: done.Proof}, []string{string(done.Proof)}},
	} {
		t.Run(fmt.Sprintf("%T", c.answer), func(t *testing.T) {
			var log bytes.Buffer
			slog.New(slog.NewJSONHandler(&log, nil)).Info("answer", "answer", c.answer, slog.Group("in", "answer", c.answer))
			require.True(t, json.Valid(log.Bytes()))
			require.NotContains(t, log.String(), `"answer":{}`)
			for _, secret := range c.secrets {
				require.NotEmpty(t, secret)
				require.NotContains(t, log.String(), secret)
			}
		})
	}
}

// plain returns what a text says in package typed's spellings, or nothing.
func plain(input string) string {
	text, err := typed.Append(nil, input)
	if err != nil {
		return ""
	}
	return string(text)
}

// A purpose of any length up to the limit makes a proof that comes back, whatever the ids
// and the name are; a longer one is refused before the code is used.
func TestLongPurposes(t *testing.T) {
	long := strings.Repeat("ä", store.MaxID/2)
	u := totpflow.User{ID: totpflow.AccountID{Tenant: long, User: long}, Name: strings.Repeat("ö", 128)}
	h := newHarness(t)
	app, _ := h.Enroll(u)
	for _, length := range []int{1, 100, 1999, 2000} {
		h.Clock.Advance(time.Minute)
		purpose := totpflow.Action("x").On(strings.Repeat("t", length-1))
		proof := h.ProveFor(u, purpose, app)
		require.NotEmpty(t, proof)
		require.NoError(t, h.Account(u).ConsumeProof(h.Ctx, proof, purpose), length)
	}
	h.Clock.Advance(time.Minute)
	code := app.Code()
	for _, purpose := range []totpflow.Purpose{
		totpflow.Action("x").On(strings.Repeat("t", 2000)), totpflow.Action(strings.Repeat("x", 2001)).On(""), totpflow.Action("x").On(strings.Repeat("t", 5000)),
	} {
		_, err := h.Account(u).VerifyCode(h.Ctx, purpose, code)
		require.ErrorIs(t, err, totpflow.ErrPurpose)
	}
	require.NoError(t, servicetest.ErrorOf(h.Account(u).VerifyCode(h.Ctx, totpflow.Action("x").On(""), code)), "the code is unused")
}
