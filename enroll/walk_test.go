package enroll_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/totp"
)

// walker drives an enrollment and its model along a script.
type walker struct {
	t    testing.TB
	e    enroll.Enrollment
	m    model
	at   time.Time
	seen map[string]int // what has happened, to check that the walk goes everywhere
}

// step performs one byte of the script: the low four bits choose the action, the
// high four its argument.
func (w *walker) step(b byte) {
	arg := int(b >> 4)
	before := string(w.e.Encode())
	var next enroll.Enrollment
	var err error
	did := ""
	switch b & 15 {
	case 0, 1, 2:
		next, did, err = w.begin(arg%len(pool), b&15 == 0)
	case 3, 4, 5:
		next, did, err = w.confirm(arg)
	case 6, 7, 8:
		next, did, err = w.verify(arg)
	case 9:
		next, did, err = w.cancel(arg)
	case 10:
		next, did, err = w.remove(arg)
	case 11:
		next, did, err = w.end(arg)
	case 12:
		next, did, err = w.mend(arg)
	default:
		w.move(b&15, arg)
		return
	}
	w.count(did, err)
	require.Equal(w.t, before, string(w.e.Encode()), "the old value stays")
	if err != nil {
		require.Equal(w.t, before, string(next.Encode()), "a refusal changes nothing")
	}
	w.e = next
	w.compare()
}

func (w *walker) count(did string, err error) {
	if err != nil {
		did += " refused"
	}
	w.seen[did]++
}

// move lets time pass: by seconds, by minutes, and at times backwards.
func (w *walker) move(way byte, arg int) {
	switch {
	case way == 13:
		w.at = w.at.Add(time.Duration(arg) * 7 * time.Second)
	case way == 14 && arg >= 14:
		w.at = w.at.Add(29 * time.Hour)
	case way == 14:
		w.at = w.at.Add(time.Duration(arg) * time.Minute)
	case arg == 0:
		w.at = w.at.Add(-2 * time.Minute)
	default:
		w.at = w.at.Add(-time.Duration(arg) * time.Second)
	}
}

func (w *walker) compare() {
	require.Equal(w.t, w.state(), w.e.State(w.at))
	live := w.e.Authenticators()
	require.Len(w.t, live, len(w.m.live))
	for i, a := range w.m.live {
		require.Equal(w.t, a.id, live[i].ID)
		require.Equal(w.t, a.last, live[i].Last)
		require.True(w.t, live[i].Key.Equal(pool[a.key]))
		require.Equal(w.t, a.until, live[i].Until)
	}
	require.Equal(w.t, w.now().lapsed, w.e.Expire(w.at).Lapsed())
	shelf := w.now().kept
	if len(shelf) < len(w.m.kept) {
		w.seen["kept no more"]++
	}
	kept := w.e.Recoverable(w.at)
	require.Len(w.t, kept, len(shelf))
	for i, k := range shelf {
		require.Equal(w.t, k.id, kept[i].ID)
		require.Equal(w.t, k.added, kept[i].Added)
		require.Equal(w.t, k.until, kept[i].Until)
	}
	reread, err := enroll.Decode(w.e.Encode())
	require.NoError(w.t, err)
	require.Equal(w.t, w.e.Encode(), reread.Encode())
	w.e = reread // anything that is not encoded is lost
}

// state returns the model's state at this moment, and forgets nothing for it.
func (w *walker) state() enroll.State {
	m := w.now()
	return m.state()
}

// now returns a copy of the model in which everything expired is gone.
func (w *walker) now() model {
	m := w.m
	m.live, m.kept, m.gone = slices.Clone(m.live), slices.Clone(m.kept), slices.Clone(m.gone)
	m.tidy(w.at)
	if m.lapsed && !w.m.lapsed {
		w.seen["lapsed"]++
	}
	return m
}

func (w *walker) begin(key int, adds bool) (enroll.Enrollment, string, error) {
	next, c, err := w.e.Begin(w.at, pool[key], "", adds)
	now := w.now()
	if pool[key].Weak() {
		require.ErrorIs(w.t, err, enroll.ErrWeak)
		return next, "begin a weak one", err
	}
	if now.exempt {
		require.ErrorIs(w.t, err, enroll.ErrTransition)
		return next, "begin while exempt", err
	}
	adds = adds && len(now.live) > 0
	switch {
	case adds && len(now.live) == enroll.MaxAuthenticators:
		require.ErrorIs(w.t, err, enroll.ErrTooManyAuthenticators)
	case now.same(key):
		require.ErrorIs(w.t, err, enroll.ErrSameSecret)
	default:
		require.NoError(w.t, err)
		now.candidate = &modelCandidate{c.ID, key, w.at, adds}
		w.m = now
	}
	return next, "begin", err
}

// offered returns the candidate to act on, mostly the right one.
func (w *walker) offered(arg int) (id string, key int) {
	switch {
	case arg == 15:
		return "", 0
	case arg == 14:
		return "somebody's", 0
	case w.m.candidate == nil:
		return "none", 0
	}
	return w.m.candidate.id, w.m.candidate.key
}

// refusedClaim returns the error that refuses an action on the candidate, or nil.
func (w *walker) refusedClaim(id string, now model) error {
	switch {
	case w.m.candidate != nil && w.m.candidate.id == id && w.m.candidate.over(w.at):
		return enroll.ErrExpired
	case now.candidate == nil || now.candidate.id != id:
		return enroll.ErrStale
	}
	return nil
}

func (w *walker) confirm(arg int) (enroll.Enrollment, string, error) {
	id, key := w.offered(arg)
	typed := code(w.t, pool[key], w.at.Add(time.Duration(arg%4-1)*pool[key].Params().Period))
	next, done, err := w.e.Confirm(w.at, id, typed, window)

	now := w.now()
	if want := w.refusedClaim(id, now); want != nil {
		require.ErrorIs(w.t, err, want)
		return next, "claim", err
	}
	step, used := accepts(w.t, key, typed, w.at, now.burnt(key))
	if now.clockBehind(w.at) && (step == 0 || now.candidate.adds) {
		require.ErrorIs(w.t, err, enroll.ErrClock)
		return next, "confirm by a clock behind", err
	}
	if step == 0 {
		if used {
			require.ErrorIs(w.t, err, totp.ErrAlreadyUsed)
			return next, "confirm again", err
		}
		require.ErrorIs(w.t, err, totp.ErrRejected)
		return next, "confirm", err
	}
	require.NoError(w.t, err)
	require.Equal(w.t, id, done.Authenticator.ID)
	require.Equal(w.t, len(now.live) == 0, done.First)
	if c := now.candidate; !c.adds {
		require.Len(w.t, done.Cleared, len(now.live))
		for _, a := range now.live {
			now.keep(w.at, a)
		}
		now.clear(w.at)
	}
	now.live = append(now.live, modelAuthenticator{id: id, key: key, last: step, added: w.at, used: true})
	now.candidate, now.reset, now.lapsed = nil, false, false
	w.m = now
	return next, "confirm", nil
}

func (w *walker) verify(arg int) (enroll.Enrollment, string, error) {
	key := arg % len(pool) // often a key that is not live
	if n := len(w.m.live); n > 0 && arg >= 4 {
		key = w.m.live[arg%n].key
	} else if n := len(w.m.kept); n > 0 && arg < 3 {
		key = w.m.kept[arg%n].key
	}
	off := time.Duration(arg%5-2) * pool[key].Params().Period
	typed := code(w.t, pool[key], w.at.Add(off))
	next, got, err := w.e.Verify(w.at, typed, window)
	now := w.now()
	if len(now.live) == 0 {
		require.ErrorIs(w.t, err, enroll.ErrNone)
		if now.exempt {
			return next, "verify while exempt", err
		}
		return next, "verify without any", err
	}
	if now.clockBehind(w.at) {
		require.ErrorIs(w.t, err, enroll.ErrClock)
		return next, "verify by a clock behind", err
	}
	first, used := "", false
	for i, a := range now.live {
		step, again := accepts(w.t, a.key, typed, w.at, a.last)
		used = used || again
		if step > 0 {
			now.live[i].last, now.live[i].used = step, true
			if first == "" {
				first = a.id
			}
		}
	}
	if first == "" {
		require.Error(w.t, err)
		if used {
			require.ErrorIs(w.t, err, totp.ErrAlreadyUsed)
			return next, "verify again", err
		}
		if !now.same(key) && slices.ContainsFunc(now.kept, func(k modelKept) bool { return k.key == key }) {
			return next, "verify with one that is kept", err
		}
		return next, "verify", err
	}
	require.NoError(w.t, err)
	require.Equal(w.t, first, got.ID)
	w.m = now
	return next, "verify", nil
}

func (w *walker) cancel(arg int) (enroll.Enrollment, string, error) {
	id, _ := w.offered(arg)
	next, err := w.e.Cancel(w.at, id)
	now := w.now()
	if want := w.refusedClaim(id, now); want != nil {
		require.ErrorIs(w.t, err, want)
		return next, "claim", err
	}
	require.NoError(w.t, err)
	now.candidate = nil
	w.m = now
	return next, "cancel", nil
}

func (w *walker) remove(arg int) (enroll.Enrollment, string, error) {
	id := "nobody's"
	if arg < len(w.m.live) {
		id = w.m.live[arg].id
	}
	next, err := w.e.Remove(w.at, id)
	now := w.now()
	i := slices.IndexFunc(now.live, func(a modelAuthenticator) bool { return a.id == id })
	switch {
	case len(now.live) == 0:
		require.ErrorIs(w.t, err, enroll.ErrTransition)
	case i < 0:
		require.ErrorIs(w.t, err, enroll.ErrUnknown)
	case len(now.live) == 1:
		require.ErrorIs(w.t, err, enroll.ErrLast)
	default:
		require.NoError(w.t, err)
		now.keep(w.at, now.live[i])
		now.part(w.at, now.live[i])
		now.live = slices.Delete(now.live, i, i+1)
		w.m = now
	}
	return next, "remove", err
}
