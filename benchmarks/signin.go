package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // "pgx"
	peerotp "github.com/pquerna/otp"
	peer "github.com/pquerna/otp/totp"
	_ "modernc.org/sqlite" // "sqlite"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/store"
)

// bareCheck is what most Go programs do for a second step, without store, queue and seal.
var bareCheck = always("pquerna", func() {
	opts := peer.ValidateOpts{Period: 30, Skew: 1, Digits: peerotp.DigitsSix, Algorithm: peerotp.AlgorithmSHA1}
	if ok, _ := peer.ValidateCustom("000000", secret, noon, opts); ok {
		panic("accepted")
	}
})

// inMemory are the flows over the store in memory: the cost of the library itself.
func inMemory() []work {
	return []work{
		{name: "SignIn", variant: "memory", title: "SignIn, typical record, store in memory, against pquerna's bare check of a code", base: bareCheck, goal: slower(6),
			ours: arm{"totpflow", func(l *lab) (calls, error) {
				h, err := typicalPerson(store.NewMemory())
				return calls{call: func(int) {
					d, err := h.p.SignIn(context.Background(), h.user)
					check(err)
					if d.Step != totpflow.AskCode {
						panic(d.Step)
					}
				}}, err
			}}},
		{name: "VerifyCode", variant: "memory", title: "VerifyCode, the same", base: bareCheck, goal: slower(10),
			ours: arm{"totpflow", verifyOnly}},
		{name: "VerifyCode", variant: "memory-floor", title: "the same against opening and sealing its bytes, with the store's Get and Put",
			ours: arm{"totpflow", verifyOnly}, base: arm{"bare", bareBytes}},
		{name: "SessionValid", variant: "memory", title: "SessionValid, store in memory",
			ours: arm{"totpflow", func(l *lab) (calls, error) {
				h, err := typicalPerson(store.NewMemory())
				return calls{call: func(int) { h.valid() }}, err
			}}},
	}
}

func typicalPerson(s store.Store) (*person, error) {
	p, err := newProduct(s, nil)
	if err != nil {
		return nil, err
	}
	h, err := p.enroll(1)
	if err != nil {
		return nil, err
	}
	return h, h.typical()
}

func (h *person) valid() {
	ok, err := h.p.Account(h.user).SessionValid(context.Background(), h.mark)
	check(err)
	if !ok {
		panic("not valid")
	}
}

// verifyOnly verifies codes for challenges that were made before, each at the time at
// which it is answered: a challenge can succeed once.
func verifyOnly(*lab) (calls, error) {
	h, err := typicalPerson(store.NewMemory())
	if err != nil {
		return calls{}, err
	}
	type answer struct {
		at        int64
		challenge totpflow.Challenge
		code      string
	}
	var answers []answer
	return calls{
		before: func(n int) {
			for range n {
				code := h.code()
				next, err := h.p.SignIn(context.Background(), h.user)
				check(err)
				answers = append(answers, answer{h.at, next.Challenge, code})
			}
		},
		call: func(int) {
			h.p.now.Store(answers[0].at)
			d, err := h.p.VerifyCode(context.Background(), answers[0].challenge, answers[0].code)
			check(err)
			if d.Step != totpflow.Passed {
				panic(d.Step)
			}
			answers = answers[1:]
		},
	}, nil
}

// bareBytes moves the bytes of VerifyCode and decides nothing: it opens a ticket and the record, and seals both.
func bareBytes(*lab) (calls, error) {
	h, err := typicalPerson(store.NewMemory())
	if err != nil {
		return calls{}, err
	}
	ctx, id := context.Background(), h.user.ID
	const purpose, overhead = "benchmark", 46
	next, err := h.p.SignIn(ctx, h.user)
	check(err)
	rec, err := h.p.store.Get(ctx, id)
	check(err)
	ticket := h.p.keys.Seal(purpose, make([]byte, base64.RawURLEncoding.DecodedLen(len(next.Challenge))-overhead), id.User)
	bare := func() {
		_, err := h.p.keys.Open(purpose, ticket, id.User)
		check(err)
		rec, err := h.p.store.Get(ctx, id)
		check(err)
		plain, err := h.p.keys.Open(purpose, rec.Sealed, id.User)
		check(err)
		was := rec.Version
		rec.Sealed, rec.Version = h.p.keys.Seal(purpose, plain, id.User), store.NewVersion()
		check(h.p.store.Put(ctx, rec, was))
		h.p.keys.Seal(purpose, ticket[overhead:], id.User)
	}
	was := rec.Version
	rec.Sealed, rec.Version = h.p.keys.Seal(purpose, make([]byte, len(rec.Sealed)-overhead), id.User), store.NewVersion()
	check(h.p.store.Put(ctx, rec, was))
	return calls{call: func(int) { bare() }}, nil
}

// onServers are whole sign-ins and checks of sessions, over databases that wait for their
// disk, compared with the bare statements of the same bytes with the same driver.
func onServers() (works []work) {
	for _, d := range databases {
		for _, clients := range []int{1, 16} {
			works = append(works, work{name: "Get", variant: d.name, clients: clients,
				title: fmt.Sprintf("the store's Get alone on %s, %s, against a bare read", d.name, plural(clients, "client")),
				ours: d.arm("totpflow", func(o *opened, c int) {
					_, err := o.store.Get(context.Background(), o.persons[c].user.ID)
					check(err)
				}),
				base: d.arm("bare", func(o *opened, c int) { o.get(c) }),
			})
		}
		for _, clients := range []int{1, 16, 64, 256} {
			w := work{name: "WholeSignIn", variant: d.name, clients: clients, goal: goal{ratio: d.signIn[clients]},
				title: fmt.Sprintf("whole sign-in on %s, %s, against two bare reads and a conditional write", d.name, plural(clients, "client")),
				ours:  d.arm("totpflow", func(o *opened, c int) { _, err := o.persons[c].signIn(context.Background()); check(err) }),
				base:  d.arm("bare", func(o *opened, c int) { o.get(c); o.get(c); o.swap(c) }),
			}
			if tail := d.tail[clients]; tail > 0 && w.goal.ratio == 0 {
				w.goal = goal{time: tail, p99: true}
			}
			works = append(works, w)
		}
		for _, clients := range []int{1, 16} {
			works = append(works, work{name: "Session", variant: d.name, clients: clients, goal: goal{ratio: d.session},
				title: fmt.Sprintf("SessionValid on %s, %s, against a bare read", d.name, plural(clients, "client")),
				ours:  d.arm("totpflow", func(o *opened, c int) { o.persons[c].valid() }),
				base:  d.arm("bare", func(o *opened, c int) { o.get(c) }),
			})
		}
	}
	return works
}

func (d database) arm(name string, call func(o *opened, client int)) arm {
	return arm{name, func(l *lab) (calls, error) {
		o, err := d.opened(l)
		if err != nil {
			return calls{}, err
		}
		return calls{call: func(c int) { call(o, c%len(o.persons)) }}, nil
	}}
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// hot are many guessers of one account, and notifiers that hang.
func hot() []work {
	return []work{
		{name: "HotAccount", variant: "memory", clients: 1, title: "sign-in of the owner while 256 guess at the account, store in memory", goal: goal{time: 15 * time.Millisecond, p50: true},
			ours: arm{"totpflow", hotAccount}},
		{name: "Notifier", variant: "hanging", clients: 16, title: "whole sign-in, 16 clients, with a notifier that hangs, against none", goal: goal{ratio: 0.9},
			ours: arm{"hanging", func(l *lab) (calls, error) {
				return notified(event.NotifierFunc(func(ctx context.Context, _ event.Notification) error { <-ctx.Done(); return ctx.Err() }))
			}},
			base: arm{"none", func(l *lab) (calls, error) { return notified(nil) }}},
	}
}

func notified(n event.Notifier) (calls, error) {
	s := store.NewMemory()
	first, err := newProduct(s, nil)
	if err != nil {
		return calls{}, err
	}
	var persons []*person
	for i := range 16 {
		p, err := productWith(s, n, first.ring, nil)
		if err != nil {
			return calls{}, err
		}
		h, err := p.enroll(i)
		if err != nil {
			return calls{}, err
		}
		persons = append(persons, h)
	}
	return calls{call: func(c int) { _, err := persons[c].signIn(context.Background()); check(err) }}, nil
}

// hotAccount is the owner's sign-in by two codes in a row while 256 others who know the
// password send one wrong code after the other.
func hotAccount(l *lab) (calls, error) {
	h, err := typicalPerson(store.NewMemory())
	if err != nil {
		return calls{}, err
	}
	guessers := 256
	if l.small {
		guessers = 4
	}
	ctx := context.Background()
	var running atomic.Bool
	var all sync.WaitGroup
	guess := func() {
		for running.Load() {
			next, err := h.p.SignIn(ctx, h.user)
			check(err)
			for err = nil; running.Load() && !errors.Is(err, totpflow.ErrChallenge); {
				_, err = h.p.VerifyCode(ctx, next.Challenge, "000000")
				runtime.Gosched() // as a request that came over a network would have done
			}
		}
	}
	return calls{
		before: func(int) {
			running.Store(true)
			for range guessers {
				all.Go(guess)
			}
			time.Sleep(50 * time.Millisecond)
		},
		after: func() { running.Store(false); all.Wait() },
		call: func(int) {
			runtime.Gosched() // behind the guessers that came before
			first, second := h.code(), h.code()
			next, err := h.p.SignIn(ctx, h.user)
			check(err)
			_, err = h.p.VerifyPair(ctx, next.Challenge, first, second)
			check(err)
		},
	}, nil
}
