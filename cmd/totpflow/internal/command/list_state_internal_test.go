package command

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totp"
	"github.com/totpflow/totpflow/totptest"
)

// asked notes the states that lists ask for, and the ids of the records that they get.
type asked struct {
	*store.Memory
	states, read []string
}

func (s *asked) List(ctx context.Context, q store.Query) (store.Page, error) {
	page, err := s.Memory.List(ctx, q)
	s.states = append(s.states, q.State)
	for _, rec := range page.Records {
		if !rec.ID.Reserved() {
			s.read = append(s.read, rec.ID.User)
		}
	}
	return page, err
}

// lenient is the policy: the second factor is optional in the tenant "free". Elsewhere it is
// required, after a day.
type lenient struct{}

func (lenient) Policy(_ context.Context, id store.AccountID) (policy.Policy, error) {
	p := policy.Policy{Mode: policy.Required, Grace: 24 * time.Hour, Methods: policy.App | policy.Phone}
	if id.Tenant == "free" {
		p.Mode = policy.Optional
	}
	return p, nil
}

// A list in one state reads only the records that can be in it, and has the same accounts,
// in the same order, as a list of all.
func TestListReadsOnlyItsState(t *testing.T) {
	s, db := population(t)
	a := new(app)
	list := func(state string) (users []string, l *listing) {
		db.states, db.read = nil, nil
		l = &listing{all: true, state: state}
		for m, err := range a.members(t.Context(), s, l) {
			require.NoError(t, err)
			if state == "" || string(m.State) == state {
				users = append(users, string(m.State)+" "+m.ID.Tenant+"/"+m.ID.User)
			}
			require.True(t, state == "" || string(m.State) == state, m.ID)
		}
		return users, l
	}
	all, l := list("")
	require.Equal(t, []string{""}, db.states)
	require.Equal(t, []string{
		"enabled acme/active", "exempt acme/agent", "grace acme/begun", "enabled acme/both", "frozen acme/frozen", "grace acme/late", "grace acme/new",
		"enabled acme/phone", "enabled acme/replacing", "required acme/reset", "required acme/weak", "disabled free/begun", "disabled free/late", "disabled free/new",
	}, all)
	require.Equal(t, len(all), l.seen)

	for _, c := range []struct {
		state  admin.MemberState
		states []string // the store is asked for
		reads  int
	}{
		{admin.StateFrozen, []string{"frozen"}, 1},
		{admin.StateExempt, []string{"exempt"}, 1},
		{admin.StateDisabled, []string{"disabled", "pending"}, 7},
		{admin.StateGrace, []string{"disabled", "pending"}, 7},
		{admin.StateRequired, []string{""}, len(all)},
		{admin.StateEnabled, []string{""}, len(all)},
		{admin.StateUnreadable, []string{""}, len(all)},
	} {
		users, l := list(string(c.state))
		require.Equal(t, slices.DeleteFunc(slices.Clone(all), func(u string) bool {
			return u[:len(c.state)] != string(c.state)
		}), append([]string{}, users...), c.state)
		slices.Sort(db.states)
		require.Equal(t, c.states, db.states, c.state)
		require.Len(t, db.read, c.reads, "%s: %v", c.state, db.read)
		require.Equal(t, c.reads, l.seen, c.state)
	}
}

// population returns a session over accounts of each stored state.
func population(t *testing.T) (*session, *asked) {
	ctx, db := t.Context(), &asked{Memory: store.NewMemory()}
	ring, err := keyring.Parse(keyring.Generate())
	require.NoError(t, err)
	clock := totptest.NewClock(time.Now())
	sent := make(chan string, 1)
	service, err := totpflow.New(totpflow.Config{
		Issuer: "Acme Backup", Store: db, Keys: ring, Now: clock.Now, Policy: lenient{}, Notifier: event.Deferred,
		Observer: event.Slog(slog.New(slog.DiscardHandler)), Phones: &phone.Delivery{Sender: sender(sent)},
	})
	require.NoError(t, err)
	s := &session{service: service, admin: admin.New(service, nil), by: admin.Operator{Name: "olga", Reason: "test"}}
	user := func(tenant, name string) totpflow.User {
		return totpflow.User{ID: store.AccountID{Tenant: tenant, User: name}}
	}
	begin := func(u totpflow.User) totpflow.PendingEnrollment {
		next, err := service.SignIn(ctx, u)
		require.NoError(t, err)
		page, err := service.BeginEnrollment(ctx, next.Proof)
		require.NoError(t, err)
		return page
	}
	enrolled := func(u totpflow.User) *totptest.Authenticator {
		page := begin(u)
		app, err := totptest.ScanURI(page.Offer.URI(), clock)
		require.NoError(t, err)
		_, err = service.ConfirmEnrollment(ctx, page.Token, app.Code())
		require.NoError(t, err)
		return app
	}
	phoned := func(u totpflow.User) {
		next, err := service.SignIn(ctx, u)
		require.NoError(t, err)
		number, err := phone.ParseNumber("+43 660 1234567")
		require.NoError(t, err)
		page, err := service.BeginPhone(ctx, next.Proof, number)
		require.NoError(t, err)
		_, err = service.SendEnrollmentCode(ctx, page.Token, phone.SMS)
		require.NoError(t, err)
		_, err = service.ConfirmPhone(ctx, page.Token, <-sent)
		require.NoError(t, err)
	}

	weak, err := totp.ReadSecret("KRSXG5CTMVRXEZLU", totp.Params{}) // 80 bits
	require.NoError(t, err)
	rows, err := s.admin.Import(ctx, s.by, []admin.Imported{{ID: user("acme", "weak").ID, Key: weak, WeakUntil: clock.Now().Add(time.Hour)}})
	require.NoError(t, err)
	require.NoError(t, rows[0].Err)
	for _, tenant := range []string{"acme", "free"} {
		begin(user(tenant, "late"))
	}
	clock.Advance(2 * time.Hour)

	for _, tenant := range []string{"acme", "free"} {
		begin(user(tenant, "begun"))
		_, err := service.Account(user(tenant, "new")).PasswordChanged(ctx)
		require.NoError(t, err)
	}
	for _, name := range []string{"active", "frozen", "reset"} {
		enrolled(user("acme", name))
	}
	replacing := user("acme", "replacing")
	app := enrolled(replacing)
	clock.Advance(time.Minute)
	proof, err := service.Account(replacing).VerifyCode(ctx, totpflow.ActionReplaceAuthenticator.On(""), app.Code())
	require.NoError(t, err)
	_, err = service.BeginEnrollment(ctx, proof)
	require.NoError(t, err)
	phoned(user("acme", "phone"))
	begin(user("acme", "both"))
	phoned(user("acme", "both"))
	_, err = s.admin.Exempt(ctx, s.by, user("acme", "agent").ID, "agent")
	require.NoError(t, err)
	_, err = s.admin.Reset(ctx, s.by, user("acme", "reset").ID, admin.ScopeAll)
	require.NoError(t, err)
	_, err = service.Disown(ctx, service.NewDisownToken(event.Event{Tenant: "acme", User: "frozen", At: clock.Now(), Kind: event.Reset}))
	require.NoError(t, err)
	return s, db
}

// sender passes on the codes that are sent.
type sender chan<- string

func (s sender) Send(_ context.Context, m phone.Message) error {
	s <- m.Code.Digits()
	return nil
}

// Two lists become one in order. An error of either ends it.
func TestMerged(t *testing.T) {
	broken := errors.New("broken")
	of := func(users ...string) iter.Seq2[admin.Member, error] {
		return func(yield func(admin.Member, error) bool) {
			for _, u := range users {
				m, err := admin.Member{ID: store.AccountID{User: u}}, error(nil)
				if u == "!" {
					m, err = admin.Member{}, broken
				}
				if !yield(m, err) {
					return
				}
			}
		}
	}
	for _, c := range []struct {
		one, other, want []string
	}{
		{nil, nil, nil},
		{[]string{"a", "c"}, nil, []string{"a", "c"}},
		{nil, []string{"a", "c"}, []string{"a", "c"}},
		{[]string{"a", "c", "f"}, []string{"b", "d", "e", "g"}, []string{"a", "b", "c", "d", "e", "f", "g"}},
		{[]string{"b", "d"}, []string{"a", "b", "d", "e"}, []string{"a", "b", "d", "e"}},
		{[]string{"a", "!"}, []string{"b", "c"}, []string{"a", "!"}},
		{[]string{"a", "c"}, []string{"b", "!"}, []string{"a", "b", "!"}},
		{[]string{"a"}, []string{"!"}, []string{"!"}},
		{nil, []string{"!"}, []string{"!"}},
	} {
		for stop := range len(c.want) + 1 { // where the caller stops
			var got []string
			for m, err := range merged(of(c.one...), of(c.other...)) {
				if err != nil {
					m.ID.User = "!"
				}
				if got = append(got, m.ID.User); len(got) == stop {
					break
				}
			}
			if stop == 0 { // it does not
				require.Equal(t, c.want, got)
			} else {
				require.Equal(t, c.want[:stop], got)
			}
		}
	}
}
