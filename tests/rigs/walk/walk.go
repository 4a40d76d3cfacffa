package walk

import (
	"context"
	"log/slog"
	"time"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totptest"
	"github.com/totpflow/totpflow/trust"
)

// A walker has two people do what a script says, and keeps everything that was ever
// handed out.
type walker struct {
	ctx      context.Context // of the one call of Run
	script   []byte          // the rest
	length   int             // of the whole
	steps    int
	clock    *totptest.Clock
	services [2]*totpflow.Service
	faulty   [2]*totptest.Store // the stores of the services
	plain    store.Store        // behind the first of them
	refusing bool               // the stores refuse reads or writes

	people [2]*model
	marks  [2]map[int]totpflow.SessionMark // by how often the sessions had ended

	tickets []*modelTicket
	offers  []*modelOffer
	tokens  []trust.Token
	codes   []string // recovery codes
	typed   []string // an app's codes
	issued  []string // issued codes
	told    []time.Time

	met  Met
	last []string
}

var (
	users = [2]totpflow.User{{ID: totpflow.AccountID{Tenant: "acme", User: "1"}}, {ID: totpflow.AccountID{Tenant: "acme", User: "2"}}}
	ops   = admin.Operator{Name: "root", Reason: "ticket 7"}
)

func (w *walker) id(user int) store.AccountID {
	return store.AccountID{Tenant: users[user].ID.Tenant, User: users[user].ID.User}
}

// Run walks to the end of the script, through two services with a store each. Both stores
// use one database, which is empty and which nobody else uses meanwhile; they may be the
// same store. The clock belongs to the walk from now on: it jumps by hours and days, also
// back. Run returns the answers that occurred, and an error that says where the services
// and the model differ.
func Run(ctx context.Context, clock *totptest.Clock, stores [2]store.Store, script []byte) (met Met, err error) {
	w := &walker{
		ctx: ctx, script: script, length: len(script), clock: clock, plain: stores[0],
		people: [2]*model{{}, {required: true}}, marks: [2]map[int]totpflow.SessionMark{{}, {}}, told: []time.Time{clock.Now()}, met: Met{},
	}
	keys := keyring.Generate()
	for i, s := range stores {
		w.faulty[i] = totptest.Wrap(s)
		if w.services[i], err = serve(w.faulty[i], keys, clock); err != nil {
			return nil, err
		}
	}
	defer func() {
		switch found := recover().(type) {
		case nil:
		case difference:
			err = w.tell(found)
		default:
			panic(found)
		}
	}()
	w.walk()
	return w.met, nil
}

// serve makes a service as a separate process would have it.
func serve(s store.Store, keys string, clock *totptest.Clock) (*totpflow.Service, error) {
	ring, err := keyring.Parse(keys)
	if err != nil {
		return nil, err
	}
	return totpflow.New(totpflow.Config{
		Issuer: "Acme Backup", Store: s, Keys: ring, Now: clock.Now,
		Observer: event.Slog(slog.New(slog.DiscardHandler)), Policy: requiredFor(users[1].ID.User),
	})
}

// requiredFor makes the policy optional for everybody except one user, who has a grace
// period.
type requiredFor string

// Policy implements [policy.Source].
func (u requiredFor) Policy(_ context.Context, id store.AccountID) (policy.Policy, error) {
	if id.User == string(u) {
		return policy.Policy{Mode: policy.Required, Grace: graceLife}, nil
	}
	return policy.Policy{Mode: policy.Optional}, nil
}

// The steps of a walk. A more frequent step is listed more often.
var steps = []func(*walker){
	(*walker).clockMoves, (*walker).clockMoves, (*walker).clockMoves,
	(*walker).signsIn, (*walker).signsIn, (*walker).signsIn, (*walker).signsIn,
	(*walker).verifies, (*walker).verifies, (*walker).verifies, (*walker).verifies, (*walker).verifies,
	(*walker).begins, (*walker).begins, (*walker).confirms, (*walker).confirms,
	(*walker).proves, (*walker).proves, (*walker).proves, (*walker).proves, (*walker).proves,
	(*walker).uses, (*walker).uses, (*walker).uses, (*walker).uses,
	(*walker).guesses, (*walker).revokes, (*walker).storeFails,
	(*walker).administers, (*walker).administers, (*walker).administers, (*walker).disowns, (*walker).machine,
	(*walker).settles, (*walker).settles, (*walker).settles,
}

func (w *walker) walk() {
	for len(w.script) > 0 {
		w.steps++
		steps[w.next(len(steps))](w)
		if len(w.script)%4 == 0 {
			w.look()
		}
	}
	w.look()
}

// next returns the next byte of the script, reduced to less than n.
func (w *walker) next(n int) int {
	if len(w.script) == 0 || n == 0 {
		return 0
	}
	b := w.script[0]
	w.script = w.script[1:]
	return int(b) % n
}

// pick mostly returns one of the last handed out, and now and then any.
func pick[T any](w *walker, all []T) (one T) {
	if len(all) == 0 {
		return one
	}
	if n := w.next(256); n < 240 {
		return all[len(all)-1-n%min(4, len(all))]
	}
	return all[w.next(len(all))]
}

// ticket mostly returns one of the wanted kind.
func (w *walker) ticket(proof bool) *modelTicket {
	all := w.tickets
	if w.next(16) > 0 {
		all = nil
		for _, t := range w.tickets {
			if t.proof == proof {
				all = append(all, t)
			}
		}
	}
	return pick(w, all)
}

func (w *walker) now() time.Time             { return w.clock.Now() }
func (w *walker) service() *totpflow.Service { return w.services[w.next(2)] }
