package enroll_test

import (
	"slices"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/totp"
)

// end is what an administrator does, and what ends things; each seldom, so that
// accounts get old enough. A machine account becomes a regular one soon.
func (w *walker) end(arg int) (enroll.Enrollment, string, error) {
	switch {
	case arg == 0, w.m.exempt && arg > 11:
		next, err := w.e.Reset(w.at)
		require.NoError(w.t, err)
		w.m = w.now()
		w.m.clear(w.at)
		w.m.kept, w.m.reset = nil, true
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

// mend is what helps an account on.
func (w *walker) mend(arg int) (enroll.Enrollment, string, error) {
	switch {
	case arg >= 11:
		return w.restore(arg - 11)
	case arg >= 7:
		return w.bringIn(2 * (arg - 7))
	}
	now := w.now()
	now.gone = w.m.gone // Expire is about the candidate and what is kept
	w.m = now
	return w.e.Expire(w.at), "expire", nil
}

func (w *walker) disable() (enroll.Enrollment, string, error) {
	next, err := w.e.Disable(w.at)
	if len(w.m.live) == 0 {
		require.ErrorIs(w.t, err, enroll.ErrTransition)
		return next, "disable", err
	}
	require.NoError(w.t, err)
	w.m = w.now()
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
	next, a, err := w.e.Import(w.at, pool[key], "")
	now := w.now()
	switch {
	case len(now.live) > 0 || now.reset || now.exempt:
		require.ErrorIs(w.t, err, enroll.ErrTransition)
	case now.same(key):
		require.ErrorIs(w.t, err, enroll.ErrSameSecret)
	default:
		require.NoError(w.t, err)
		now.live = []modelAuthenticator{{a.ID, key, now.burnt(key), w.at}}
		now.candidate = nil
		w.m = now
	}
	return next, "import", err
}

func (w *walker) restore(which int) (enroll.Enrollment, string, error) {
	now, id := w.now(), "nobody's"
	i := which % 3
	if which == 4 && len(now.live) > 0 {
		id = now.live[0].id // is not kept
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
	gone := slices.Clone(w.m.gone) // Burn forgets none of them
	w.m = w.now()
	w.m.gone, w.m.candidate = gone, nil
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
