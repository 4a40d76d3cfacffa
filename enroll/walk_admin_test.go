package enroll_test

import (
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/totp"
)

// end performs administrators' actions and actions that end things; each is rare, so that
// accounts get old enough. A machine account soon becomes a regular one.
func (w *walker) end(arg int) (enroll.Enrollment, string, error) {
	switch {
	case arg == 0, w.m.exempt && arg > 11:
		next, err := w.e.Reset(w.at)
		require.NoError(w.t, err)
		w.m = w.now()
		w.m.clear(w.at)
		w.m.kept, w.m.reset, w.m.resetAt = nil, true, w.at
		return next, "reset", err
	case arg == 1:
		return w.disable()
	case arg == 2:
		return w.exempt()
	case arg <= 4:
		return w.bringIn((arg + len(w.m.gone)) % len(pool))
	case arg <= 9:
		return w.restore(arg - 5)
	case arg == 10:
		return w.burn(), "burn", nil
	}
	return w.rename(arg)
}

// mend performs actions that help an account on.
func (w *walker) mend(arg int) (enroll.Enrollment, string, error) {
	switch {
	case arg >= 11:
		return w.restore(arg - 11)
	case arg >= 4:
		return w.bringIn(4 * (arg - 4) % len(pool))
	}
	w.m = w.expired()
	return w.e.Expire(w.at), "expire", nil
}

// expired is now, except that it keeps removed secrets.
func (w *walker) expired() model {
	m := w.m
	m.live, m.kept, m.gone = slices.Clone(m.live), slices.Clone(m.kept), slices.Clone(m.gone)
	m.expire(w.at)
	return m
}

func (w *walker) disable() (enroll.Enrollment, string, error) {
	next, err := w.e.Disable(w.at)
	now := w.now()
	if len(now.live) == 0 {
		require.ErrorIs(w.t, err, enroll.ErrTransition)
		return next, "disable", err
	}
	require.NoError(w.t, err)
	w.m = now
	for _, a := range w.m.live {
		w.m.keep(w.at, a)
	}
	w.m.clear(w.at)
	return next, "disable", err
}

func (w *walker) exempt() (enroll.Enrollment, string, error) {
	next, err := w.e.Exempt(w.at)
	if w.m.exempt {
		require.ErrorIs(w.t, err, enroll.ErrTransition)
		return next, "exempt", err
	}
	require.NoError(w.t, err)
	w.m = w.now()
	w.m.clear(w.at)
	w.m.kept, w.m.exempt = nil, true
	return next, "exempt", err
}

func (w *walker) bringIn(key int) (enroll.Enrollment, string, error) {
	until := time.Time{}
	if pool[key].Weak() {
		until = w.at.Add(20 * time.Minute)
		w.seen["import a weak one"]++
	}
	next, a, err := w.e.Import(w.at, pool[key], "", until)
	now := w.now()
	used := slices.ContainsFunc(now.live, func(a modelAuthenticator) bool { return a.used })
	switch {
	case used || len(now.live) > 0 && now.candidate != nil || now.reset || now.exempt:
		require.ErrorIs(w.t, err, enroll.ErrTransition)
	case len(now.live) == enroll.MaxAuthenticators:
		require.ErrorIs(w.t, err, enroll.ErrTooManyAuthenticators)
	case now.same(key):
		require.ErrorIs(w.t, err, enroll.ErrSameSecret)
	default:
		require.NoError(w.t, err)
		if len(now.live) > 0 {
			w.seen["import beside"]++
		}
		now.live = append(now.live, modelAuthenticator{id: a.ID, key: key, last: now.burnt(key), added: w.at, until: until})
		now.candidate = nil
		w.m = now
	}
	return next, "import", err
}

func (w *walker) restore(which int) (enroll.Enrollment, string, error) {
	now, id := w.now(), "nobody's"
	i := which % 3
	if which == 4 && len(now.live) > 0 {
		id = now.live[0].id // an id that is not kept
	} else if i < len(now.kept) {
		id = now.kept[i].id
	}
	next, back, cleared, err := w.e.Restore(w.at, id)
	switch {
	case now.reset || now.exempt:
		require.ErrorIs(w.t, err, enroll.ErrTransition)
		return next, "restore", err
	case !slices.ContainsFunc(now.kept, func(k modelKept) bool { return k.id == id }):
		require.ErrorIs(w.t, err, enroll.ErrUnknown)
		return next, "restore", err
	}
	require.NoError(w.t, err)
	require.Equal(w.t, id, back.ID)
	require.Len(w.t, cleared, len(now.live))
	if len(cleared) > 0 {
		w.seen["restore over somebody's"]++
	}
	a := now.kept[i].modelAuthenticator
	now.clear(w.at)
	a.last = now.burnt(a.key)
	require.GreaterOrEqual(w.t, a.last, now.kept[i].last)
	now.live, now.kept = []modelAuthenticator{a}, nil
	w.m = now
	return next, "restore", nil
}

func (w *walker) burn() enroll.Enrollment {
	w.m = w.expired() // Burn forgets no removed secret
	w.m.candidate = nil
	gone := w.m.gone
	end := func(key int, last totp.Step) totp.Step { return max(last, pool[key].Step(w.at)+1) }
	for i, a := range w.m.live {
		w.m.live[i].last = end(a.key, a.last)
	}
	for i, k := range w.m.kept {
		w.m.kept[i].last = end(k.key, k.last)
	}
	for i, g := range gone {
		fresh := model{}
		fresh.part(w.at, modelAuthenticator{key: g.key, last: end(g.key, g.last)})
		if fresh.gone[0].until.Before(g.until) {
			fresh.gone[0].until = g.until
		}
		gone[i] = fresh.gone[0]
	}
	return w.e.MarkUsed(w.at, window)
}

func (w *walker) rename(arg int) (enroll.Enrollment, string, error) {
	var id string
	if len(w.m.live) > 0 {
		id = w.m.live[arg%len(w.m.live)].id
	}
	next, err := w.e.Rename(id, "Phone")
	if id == "" {
		require.ErrorIs(w.t, err, enroll.ErrTransition)
	} else {
		require.NoError(w.t, err)
	}
	return next, "rename", err
}
