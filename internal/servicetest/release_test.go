package servicetest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/account"
	"github.com/totpflow/totpflow/internal/engine"
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/internal/wire"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/recovery"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/totptest"
	"github.com/totpflow/totpflow/trust"
)

// releaseKeys are the keys that all releases in the test use.
const releaseKeys = "totpflow-keys-1:xchacha20-poly1305:1:b6a8995c.K-zNRt6ndqgtn2tAd5a8P-rNfSs7ps5ukpYOx0GPIkc"

// A bundle is everything that one release stores or hands out, for another to read.
type bundle struct {
	At      time.Time
	Records []store.Record
	Texts   map[string]string // tokens, codes and secrets by their name
	Data    map[string][]byte // encodings of single packages
}

// TestRelease is one process of a product during a rolling upgrade, for
// tests/e2e/upgrade, which builds this test under several formats. It writes a bundle to
// the file TOTPFLOW_WRITES, and for each bundle in TOTPFLOW_READS, a list of files, it
// prints what it can read. By itself, the test reads its own bundle.
func TestRelease(t *testing.T) {
	file, asked := os.LookupEnv("TOTPFLOW_WRITES")
	files, out := filepath.SplitList(os.Getenv("TOTPFLOW_READS")), io.Writer(os.Stdout)
	if !asked {
		file = filepath.Join(t.TempDir(), "bundle")
		files, out = []string{file}, io.Discard
	}
	data, err := json.Marshal(write(t))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, data, 0o600))
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		var b bundle
		require.NoError(t, json.Unmarshal(data, &b))
		all := tries()
		for _, name := range slices.Sorted(maps.Keys(all)) {
			err := all[name](restore(t, b), b)
			if !asked {
				require.NoError(t, err, name)
			}
			answer := "read"
			if err != nil {
				answer = "refused"
			}
			fmt.Fprintf(out, "%s: %s: %s\n", answer, filepath.Base(file), name)
		}
	}
}

// releaseHarness returns a harness with the keys of all releases, which sends messages to p.
func releaseHarness(t *testing.T, p *provider) *harness {
	t.Helper()
	h := newHarness(t)
	h.Keys = releaseKeys
	h.Service = h.Open(withPhones(p, ofTenants)...)
	return h
}

// restore returns a harness over the records of a bundle, a minute after it was written.
func restore(t *testing.T, b bundle) *harness {
	t.Helper()
	h := releaseHarness(t, new(provider))
	h.Clock.Set(b.At.Add(time.Minute))
	for _, r := range b.Records {
		h.Must(h.Memory.Put(h.Ctx, r, store.Version{}))
	}
	return h
}

func userOf(name string) totpflow.User {
	return totpflow.User{ID: totpflow.AccountID{Tenant: ana.ID.Tenant, User: name}}
}

var (
	acme   = policy.Policy{Mode: policy.Required, Methods: servicetest.EveryMethod | policy.External, TwoAdministrators: true, IssuedCode: true}
	lower  = policy.Policy{Mode: policy.Optional, Methods: acme.Methods, TwoAdministrators: true}
	backup = totpflow.Action("delete backup").On("7")
)

// approvals returns the administrators' calls under a rule that permits every call.
func (h *harness) approvals() admin.Admin {
	return h.Admin(func(context.Context, totpflow.User, totpflow.Action, store.AccountID) error { return nil })
}

// write makes a bundle of people who are in the middle of everything.
func write(t *testing.T) bundle {
	t.Helper()
	var p provider
	h := releaseHarness(t, &p)
	b := bundle{Texts: map[string]string{}, Data: encodings(t)}
	hire := func(u totpflow.User) (*totptest.Authenticator, []string) {
		next, err := h.SignIn(h.Ctx, u)
		h.Must(err)
		page, err := h.BeginEnrollment(h.Ctx, next.Challenge)
		h.Must(err)
		app, err := totptest.TypeSecret(page.Offer.Secret(), h.Clock)
		h.Must(err)
		done, err := h.ConfirmEnrollment(h.Ctx, page.Token, app.Code())
		h.Must(err)
		b.Texts["secret of "+u.ID.User] = page.Offer.Secret()
		return app, done.Sheet.Codes
	}
	h.SetPolicy(ana.ID.Tenant, acme)
	app, codes := hire(ana)
	b.Texts["recovery code"] = codes[0]
	b.Texts["disown"] = string(h.NewDisownToken(h.EventsOf(event.EnrollmentConfirmed)[0]))
	by, _ := hire(userOf("boss"))
	hire(userOf("deputy"))
	h.EnrollPhone(userOf("caller"), &p)

	proof := h.ProveFor(userOf("boss"), admin.Purpose(admin.ActionSetPolicy, store.AccountID{Tenant: ana.ID.Tenant}), by)
	var asked *admin.ApprovalError
	require.ErrorAs(t, h.approvals().SetPolicy(h.Ctx, admin.Administrator{User: userOf("boss"), Proof: proof}, ana.ID.Tenant, lower), &asked)
	b.Texts["request"] = asked.Request
	actions, targets := []totpflow.Action{admin.ActionUnlockAccount}, []store.AccountID{anaID}
	window, err := h.approvals().OpenWindow(h.Ctx, admin.Administrator{User: userOf("boss"), Proof: h.ProveFor(userOf("boss"), admin.WindowPurpose(actions, targets), by)}, actions, targets)
	h.Must(err)
	b.Texts["window"] = string(window)

	hire(userOf("lost"))
	b.Texts["issued code"] = h.IssueCode(userOf("lost").ID)
	b.Texts["challenge of lost"] = string(h.Challenge(userOf("lost")))

	b.Texts["browser"] = string(h.TrustBrowserOf(ana, app))
	page, err := h.BeginEnrollment(h.Ctx, h.Prove(ana, totpflow.ActionReplaceAuthenticator, app))
	h.Must(err)
	b.Texts["enrollment"], b.Texts["secret of the candidate"] = string(page.Token), page.Offer.Secret()
	b.Texts["proof"] = string(h.ProveFor(ana, backup, app))
	b.Texts["challenge"] = string(h.Challenge(ana))
	b.Texts["external"] = string(h.external(totpflow.Challenge(b.Texts["challenge"])))
	b.Texts["mark"] = string(h.Mark(ana))

	caller := h.Challenge(userOf("caller"))
	_, err = h.SendPhoneCode(h.Ctx, caller, h.Status(userOf("caller")).Phones[0].ID, phone.SMS)
	h.Must(err)
	b.Texts["challenge of caller"], b.Texts["code of caller"] = string(caller), p.Code()

	next, err := h.SignIn(h.Ctx, userOf("new"))
	h.Must(err)
	pending, err := h.BeginPhone(h.Ctx, next.Challenge, servicetest.Number("+43 660 7654321"))
	h.Must(err)
	_, err = h.SendEnrollmentCode(h.Ctx, pending.Token, phone.SMS)
	h.Must(err)
	b.Texts["enrollment of a phone"], b.Texts["code of new"] = string(pending.Token), p.Code()

	all, err := h.Memory.List(h.Ctx, store.Query{AllTenants: true})
	h.Must(err)
	b.At, b.Records = h.Clock.Now(), all.Records
	return b
}

// encodings returns what the packages encode that products can use by themselves.
func encodings(t *testing.T) map[string][]byte {
	t.Helper()
	e, _, err := enroll.Enrollment{}.Import(start, servicetest.RFCKey(t), "Phone", time.Time{})
	require.NoError(t, err)
	_, codes := recovery.New(start)
	phones, _, err := phone.State{}.Add(start, mobile)
	require.NoError(t, err)
	sends, err := phone.Sends{}.Take(start, phone.Limit{N: 10, Per: time.Hour})
	require.NoError(t, err)
	rate, err := throttle.Rate{}.Take(start, 10, time.Hour)
	require.NoError(t, err)
	keys, err := keyring.Parse(releaseKeys)
	require.NoError(t, err)
	_, browser := trust.Issue(keys, trust.Scope{Tenant: "acme", User: "42"}, "Firefox", start)
	browsers, err := trust.Encode([]trust.Browser{browser})
	require.NoError(t, err)
	return map[string][]byte{
		"enroll": e.Encode(), "recovery": codes.Encode(), "phone": phones.Encode(), "phone sends": sends.Encode(),
		"throttle budget": throttle.Budget{}.Fail(start, throttle.Default(), "T0", 3).Encode(), "throttle rate": rate.Encode(), "trust": browsers,
	}
}

// decoders read the encodings.
var decoders = map[string]func([]byte) error{
	"enroll":          func(data []byte) error { return servicetest.ErrorOf(enroll.Decode(data)) },
	"recovery":        func(data []byte) error { return servicetest.ErrorOf(recovery.Decode(data)) },
	"phone":           func(data []byte) error { return servicetest.ErrorOf(phone.Decode(data)) },
	"phone sends":     func(data []byte) error { return servicetest.ErrorOf(phone.DecodeSends(data)) },
	"throttle budget": func(data []byte) error { return servicetest.ErrorOf(throttle.DecodeBudget(data)) },
	"throttle rate":   func(data []byte) error { return servicetest.ErrorOf(throttle.DecodeRate(data)) },
	"trust":           func(data []byte) error { return servicetest.ErrorOf(trust.Decode(data)) },
}

// The four kinds of tickets by the names of their texts.
var kinds = map[string]string{
	"challenge": "totpflow/challenge", "external": "totpflow/external", "proof": "totpflow/proof", "enrollment": "totpflow/enrollment",
}

// formatOf returns the format of a record.
func formatOf(h *harness, r store.Record) uint64 {
	due := ""
	if !r.Due.IsZero() {
		due = strconv.FormatInt(r.Due.UnixMilli(), 10)
	}
	plain, err := h.Ring().Open("totpflow/account", r.Sealed, r.ID.Tenant, r.ID.User, r.Version.String(), r.State, due)
	h.Must(err)
	return wire.Format(plain)
}

// expectMore fails the test if a release that knows the field Account.More has lost its
// value. tests/e2e/upgrade adds the field to the newest format, and sets it in each record
// that is first written in that format.
func expectMore(h *harness, r store.Record) {
	var a account.Account
	h.Must(a.Open(h.Ring(), r))
	if more := reflect.ValueOf(a).FieldByName("More"); more.IsValid() {
		require.Equal(h.T, formatOf(h, r) == wire.Newest, more.Bool(), "the field of the newest format, in the record of %s", r.ID.User)
	}
}

// tries are all attempts to use what a bundle has.
func tries() map[string]func(h *harness, b bundle) error {
	all := map[string]func(h *harness, b bundle) error{
		"every record": func(h *harness, b bundle) (err error) {
			for _, r := range b.Records {
				var a account.Account
				if err = a.Open(h.Ring(), r); err != nil {
					require.ErrorIs(h.T, err, account.ErrFormat)
					require.Zero(h.T, a, "never an account without a second factor")
				} else {
					expectMore(h, r)
				}
			}
			return err
		},
		"format and new field of a record that is changed": func(h *harness, _ bundle) error {
			before, err := h.Memory.Get(h.Ctx, anaID)
			h.Must(err)
			if err := servicetest.ErrorOf(h.Account(ana).PasswordChanged(h.Ctx)); err != nil {
				return err
			}
			after, err := h.Memory.Get(h.Ctx, anaID)
			h.Must(err)
			require.NotEqual(h.T, before.Version, after.Version)
			require.Equal(h.T, max(formatOf(h, before), wire.Written), formatOf(h, after), "no field of a newer format is lost")
			expectMore(h, after)
			return nil
		},
		"challenge": func(h *harness, b bundle) error {
			app, err := totptest.TypeSecret(b.Texts["secret of 42"], h.Clock)
			h.Must(err)
			return servicetest.ErrorOf(h.VerifyCode(h.Ctx, totpflow.Challenge(b.Texts["challenge"]), app.Code()))
		},
		"recovery code": func(h *harness, b bundle) error {
			return servicetest.ErrorOf(h.VerifyRecoveryCode(h.Ctx, totpflow.Challenge(b.Texts["challenge"]), b.Texts["recovery code"]))
		},
		"external": func(h *harness, b bundle) error {
			return servicetest.ErrorOf(h.CompleteExternal(h.Ctx, totpflow.Challenge(b.Texts["challenge"]), totpflow.Challenge(b.Texts["external"]), anaID, nil))
		},
		"proof": func(h *harness, b bundle) error {
			return h.Account(ana).ConsumeProof(h.Ctx, totpflow.Proof(b.Texts["proof"]), backup)
		},
		"enrollment": func(h *harness, b bundle) error {
			app, err := totptest.TypeSecret(b.Texts["secret of the candidate"], h.Clock)
			h.Must(err)
			return servicetest.ErrorOf(h.ConfirmEnrollment(h.Ctx, totpflow.EnrollmentToken(b.Texts["enrollment"]), app.Code()))
		},
		"enrollment of a phone": func(h *harness, b bundle) error {
			return servicetest.ErrorOf(h.ConfirmPhone(h.Ctx, totpflow.EnrollmentToken(b.Texts["enrollment of a phone"]), b.Texts["code of new"]))
		},
		"code that was sent": func(h *harness, b bundle) error {
			return servicetest.ErrorOf(h.VerifyPhoneCode(h.Ctx, totpflow.Challenge(b.Texts["challenge of caller"]), b.Texts["code of caller"]))
		},
		"trusted browser": func(h *harness, b bundle) error {
			next, err := h.SignIn(h.Ctx, ana, trust.Token(b.Texts["browser"]))
			require.True(h.T, err != nil || next.Step == totpflow.Passed, "the record was read, and the browser was not")
			return err
		},
		"session": func(h *harness, b bundle) error {
			valid, err := h.Account(ana).SessionValid(h.Ctx, totpflow.SessionMark(b.Texts["mark"]))
			require.Equal(h.T, err == nil, valid)
			return err
		},
		"what a disown token is about": func(h *harness, b bundle) error {
			return servicetest.ErrorOf(h.Disowned(totpflow.DisownToken(b.Texts["disown"])))
		},
		"disown token": func(h *harness, b bundle) error {
			return servicetest.ErrorOf(h.Disown(h.Ctx, totpflow.DisownToken(b.Texts["disown"])))
		},
		"policy of a tenant": func(h *harness, _ bundle) error {
			st, err := h.approvals().Tenant(h.Ctx, ops, ana.ID.Tenant)
			require.True(h.T, err != nil || st.Own == acme && len(st.Pending) == 1)
			return err
		},
		"window of an administrator": func(h *harness, b bundle) error {
			return h.approvals().Unlock(h.Ctx, admin.Administrator{User: userOf("boss"), Window: admin.Window(b.Texts["window"])}, anaID)
		},
		"issued code": func(h *harness, b bundle) error {
			return servicetest.ErrorOf(h.VerifyIssuedCode(h.Ctx, totpflow.Challenge(b.Texts["challenge of lost"]), b.Texts["issued code"]))
		},
		"request of an administrator": func(h *harness, b bundle) error {
			app, err := totptest.TypeSecret(b.Texts["secret of deputy"], h.Clock)
			h.Must(err)
			proof, err := h.Account(userOf("deputy")).VerifyCode(h.Ctx, admin.ActionApprove.On(b.Texts["request"]), app.Code())
			if err != nil {
				return err
			}
			return servicetest.ErrorOf(h.approvals().Approve(h.Ctx, admin.Administrator{User: userOf("deputy"), Proof: proof}, ana.ID.Tenant, b.Texts["request"]))
		},
	}
	for name, kind := range kinds { // whatever the record is
		all["ticket alone: "+name] = func(h *harness, b bundle) error {
			e := engine.New(engine.Config{Keys: h.Ring(), Audience: "Acme Backup"})
			return servicetest.ErrorOf(e.UnsealTicket(engine.Kind{Name: kind}, b.Texts[name]))
		}
	}
	for name, decode := range decoders {
		all["encoding: "+name] = func(_ *harness, b bundle) error { return decode(b.Data[name]) }
	}
	return all
}
