package phone_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/phone"
)

// walker drives a state and its model along a script.
type walker struct {
	t    testing.TB
	s    phone.State
	m    model
	at   time.Time
	seen map[string]int
}

func walk(t testing.TB, script []byte) map[string]int {
	w := walker{t: t, at: noon.Truncate(time.Second), seen: map[string]int{}}
	for _, b := range script {
		w.step(b)
	}
	return w.seen
}

// step performs one byte: the low four bits choose the action, the high four its
// argument.
func (w *walker) step(b byte) {
	arg := int(b >> 4)
	if b&15 == 1 { // a number is added and verified, as far as possible
		w.step(b & 0xf0)
		w.step(0x02)
		w.step(0x07)
		return
	}
	before := string(w.s.Encode())
	var next phone.State
	var err, want error
	var did string
	switch b & 15 {
	case 0:
		next, did, err, want = w.add(pool[arg%len(pool)])
	case 2, 3:
		next, did, err, want = w.sendPending(arg)
	case 4, 5, 6:
		next, did, err, want = w.send(arg)
	case 7, 8:
		next, did, err, want = w.verifyPending(arg)
	case 9, 10, 11:
		next, did, err, want = w.verify(arg)
	case 12:
		next, did, err, want = w.end(arg)
	default:
		w.move(b&15, arg)
		w.compare()
		return
	}
	require.ErrorIs(w.t, err, want, did)
	if err != nil {
		did += ": " + want.Error()
		if !errors.Is(err, phone.ErrRejected) {
			require.Equal(w.t, before, string(next.Encode()), "%s: a refusal changes nothing", did)
		}
	}
	w.seen[did]++
	require.Equal(w.t, before, string(w.s.Encode()), "the old value stays")
	w.s = reread(w.t, next)
	w.compare()
}

func (w *walker) add(n phone.Number) (phone.State, string, error, error) {
	var want error
	for _, p := range w.m.phones {
		if p.number == n {
			want = phone.ErrKnown
		}
	}
	if want == nil && len(w.m.phones) == phone.MaxPhones {
		want = phone.ErrTooManyPhones
	}
	next, p, err := w.s.Add(w.at, n)
	if want == nil {
		w.dropPending()
		w.m.pending = &modelPhone{p.ID, n, w.at}
	}
	return next, "add", err, want
}

func (w *walker) dropPending() {
	if w.m.code != nil && w.m.code.challenge == "" {
		w.retire()
	}
	w.m.pending = nil
}

// tidy drops everything whose time is over.
func (w *walker) tidy() {
	if w.m.pending != nil && past(w.m.pending.began, phone.PendingLifetime, w.at) {
		w.dropPending()
	}
	if w.m.code != nil && past(w.m.code.sent, phone.CodeLifetime, w.at) {
		w.retire()
	}
	if n := len(w.m.wrong); n > 0 && w.at.Sub(w.m.wrong[n-1]) >= phone.Forget {
		w.m.wrong = nil
	}
}

// retire ends the live code.
func (w *walker) retire() {
	if w.m.code != nil {
		w.m.old = append(w.m.old, w.m.code.digits)
	}
	w.m.code = nil
}

func (w *walker) sendPending(arg int) (phone.State, string, error, error) {
	id, want := "nobody", phone.ErrUnknown
	if p := w.m.pending; p != nil && arg < 15 {
		id, want = p.id, w.refused()
		if past(p.began, phone.PendingLifetime, w.at) {
			want = phone.ErrExpired
		}
	}
	next, m, err := w.s.SendPending(w.at, keys, id, phone.SMS, often)
	w.sent(id, "", m, want)
	return next, "send pending", err, want
}

func (w *walker) send(arg int) (phone.State, string, error, error) {
	id, want := "nobody", phone.ErrUnknown
	if i := arg & 3; i < len(w.m.phones) {
		id, want = w.m.phones[i].id, w.refused()
	}
	challenge := challenges[arg>>2%len(challenges)]
	next, m, err := w.s.Send(w.at, keys, id, phone.Voice, challenge, often)
	w.sent(id, challenge, m, want)
	return next, "send", err, want
}

// refused returns why nothing is sent, to any number.
func (w *walker) refused() error {
	switch {
	case w.m.tooMany(w.at):
		return phone.ErrTooMany
	case w.m.over(w.at):
		return phone.ErrLimit
	}
	return nil
}

func (w *walker) sent(id, challenge string, m phone.Message, refused error) {
	if refused != nil {
		require.Zero(w.t, m)
		return
	}
	w.tidy()
	w.retire()
	w.m.code = &modelCode{id, challenge, m.Code.Digits(), w.at}
	w.m.sends = slices.DeleteFunc(w.m.sends, func(t time.Time) bool { return w.at.Sub(t) >= often.Per })
	w.m.sends = append(w.m.sends, w.at) // the others are forgotten, whatever the clock does later
}

func (w *walker) verifyPending(arg int) (phone.State, string, error, error) {
	id := "nobody"
	if p := w.m.pending; p != nil && arg < 14 {
		id = p.id
	}
	typed := w.typed(arg)
	var want error
	switch c := w.m.code; {
	case len(typed) != 6:
		want = phone.ErrMalformed
	case w.m.tooMany(w.at):
		want = phone.ErrTooMany
	case c == nil || c.challenge != "" || c.to != id:
		want = phone.ErrNoCode
	case past(w.m.pending.began, phone.PendingLifetime, w.at):
		want = phone.ErrExpired
	default:
		want = w.judge(typed)
	}
	next, p, err := w.s.VerifyPending(w.at, keys, id, typed)
	if want == nil {
		require.Equal(w.t, w.m.pending.number, p.Number)
		w.m.phones = append(w.m.phones, *w.m.pending)
		w.m.pending = nil
	}
	return next, "verify pending", err, want
}

func (w *walker) verify(arg int) (phone.State, string, error, error) {
	challenge := challenges[arg%len(challenges)]
	if c := w.m.code; c != nil && c.challenge != "" && arg < 12 {
		challenge = c.challenge
	}
	typed, to := w.typed(arg), ""
	var want error
	switch c := w.m.code; {
	case len(typed) != 6:
		want = phone.ErrMalformed
	case w.m.tooMany(w.at):
		want = phone.ErrTooMany
	case c == nil || c.challenge != challenge:
		want = phone.ErrNoCode
	default:
		to = c.to
		want = w.judge(typed)
	}
	next, p, err := w.s.Verify(w.at, keys, challenge, typed)
	if want != nil {
		to = ""
	}
	require.Equal(w.t, to, p.ID)
	return next, "verify", err, want
}

// typed returns the live code, an older one, a wrong one, or none at all.
func (w *walker) typed(arg int) string {
	code := "000000"
	if w.m.code != nil {
		code = w.m.code.digits
	}
	switch arg & 7 {
	case 0, 1:
		return code
	case 3:
		if n := len(w.m.old); n > 0 {
			return w.m.old[n-1]
		}
	case 4:
		return code[:5]
	}
	return wrong(code)
}

// judge returns the result of comparing a code with the live one.
func (w *walker) judge(typed string) error {
	if past(w.m.code.sent, phone.CodeLifetime, w.at) {
		return phone.ErrExpired
	}
	w.tidy()
	if typed == w.m.code.digits {
		w.retire()
		w.m.wrong = nil
		return nil
	}
	if w.m.wrong = append(w.m.wrong, w.at); len(w.m.wrong) == phone.MaxTries {
		w.retire()
	}
	return phone.ErrRejected
}

func (w *walker) end(arg int) (phone.State, string, error, error) {
	switch {
	case arg == 0:
		w.retire()
		w.m.phones, w.m.pending = nil, nil
		return w.s.Clear(), "clear", nil, nil
	case arg == 1:
		w.retire()
		w.m.pending = nil
		return w.s.Cancel(), "cancel", nil, nil
	case arg < 6:
		w.tidy()
		return w.s.Expire(w.at), "expire", nil, nil
	case arg < 8 && w.m.pending != nil:
		next, err := w.s.Remove(w.m.pending.id)
		w.dropPending()
		return next, "remove pending", err, nil
	case arg < 11 && len(w.m.phones) > 0:
		p := w.m.phones[0]
		next, err := w.s.Remove(p.id)
		w.m.phones = w.m.phones[1:]
		if w.m.code != nil && w.m.code.to == p.id {
			w.retire()
		}
		return next, "remove", err, nil
	}
	next, err := w.s.Remove("nobody")
	return next, "remove", err, phone.ErrUnknown
}

// move lets time pass: by seconds, by minutes, and at times backwards.
func (w *walker) move(way byte, arg int) {
	switch {
	case way == 13:
		w.at = w.at.Add(time.Duration(arg) * 2 * time.Second)
	case way == 14 && arg > 9:
		w.at = w.at.Add(time.Duration(arg) * time.Minute)
	case way == 14:
		w.at = w.at.Add(time.Duration(arg) * 5 * time.Second)
	case arg == 0:
		w.at = w.at.Add(-time.Minute)
	case arg == 1:
		w.at = w.at.Add(-20 * time.Second)
	}
}

func (w *walker) compare() {
	phones := w.s.Phones()
	require.Len(w.t, phones, len(w.m.phones))
	for i, p := range w.m.phones {
		require.Equal(w.t, p.id, phones[i].ID)
		require.Equal(w.t, p.number, phones[i].Number)
	}
	p, ok := w.s.Pending(w.at)
	require.Equal(w.t, w.m.pending != nil && !past(w.m.pending.began, phone.PendingLifetime, w.at), ok)
	if ok {
		require.Equal(w.t, w.m.pending.id, p.ID)
	}
	for _, c := range challenges {
		_, ok := w.s.Sent(w.at, c)
		require.Equal(w.t, w.m.live(w.at, c), ok)
	}
	require.ErrorIs(w.t, w.s.MaySend(w.at, often), w.refused())
	require.LessOrEqual(w.t, len(w.s.Encode()), 2<<10)
}
