package phone_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/phone"
)

// The model is a second, simpler State: it keeps codes as texts and times as lists. A
// script of bytes drives both, and after each byte they must agree.
type model struct {
	phones  []modelPhone
	pending *modelPhone
	code    *modelCode
	wrong   []time.Time // in a row
	sends   []time.Time
	old     []string // codes that were used or replaced
}

type modelPhone struct {
	id     string
	number phone.Number
	began  time.Time
}

type modelCode struct {
	to, challenge, digits string // no challenge: it verifies the pending number
	sent                  time.Time
}

var (
	pool       = []phone.Number{mobile, other, third, fourth}
	challenges = []string{"a", "b", "the longest challenge that somebody could think of when he wants to see what becomes of it"}
	often      = phone.Limit{N: 20, Per: 20 * time.Minute}
)

func (m *model) tooMany(at time.Time) bool {
	return len(m.wrong) >= phone.MaxTries && at.Sub(m.wrong[len(m.wrong)-1]) < phone.Forget
}

func (m *model) over(at time.Time) bool {
	n := 0
	for _, t := range m.sends {
		if at.Sub(t) < often.Per {
			n++
		}
	}
	return n >= often.N
}

func (m *model) live(at time.Time, challenge string) bool {
	return m.code != nil && m.code.challenge == challenge && !past(m.code.sent, phone.CodeLifetime, at)
}

func past(began time.Time, age time.Duration, at time.Time) bool {
	return at.Sub(began) >= age || at.Sub(began) < -30*time.Second
}

// A long walk with fixed seeds, and a look at where it has been.
func TestStateAgreesWithTheModel(t *testing.T) {
	seen := map[string]int{}
	for seed := range uint64(40) {
		random := rand.New(rand.NewPCG(seed, 164))
		script := make([]byte, 300)
		for i := range script {
			script[i] = byte(random.Uint32())
		}
		for what, times := range walk(t, script) {
			seen[what] += times
		}
	}
	for _, what := range []string{
		"add", "add: " + phone.ErrKnown.Error(), "add: " + phone.ErrTooManyPhones.Error(),
		"send pending", "send pending: " + phone.ErrUnknown.Error(), "send pending: " + phone.ErrExpired.Error(),
		"send pending: " + phone.ErrTooMany.Error(), "send pending: " + phone.ErrLimit.Error(),
		"send", "send: " + phone.ErrUnknown.Error(), "send: " + phone.ErrTooMany.Error(), "send: " + phone.ErrLimit.Error(),
		"verify pending", "verify pending: " + phone.ErrRejected.Error(), "verify pending: " + phone.ErrNoCode.Error(),
		"verify pending: " + phone.ErrExpired.Error(), "verify pending: " + phone.ErrMalformed.Error(),
		"verify", "verify: " + phone.ErrRejected.Error(), "verify: " + phone.ErrNoCode.Error(), "verify: " + phone.ErrExpired.Error(),
		"verify: " + phone.ErrMalformed.Error(), "verify: " + phone.ErrTooMany.Error(),
		"remove", "remove: " + phone.ErrUnknown.Error(), "remove pending", "cancel", "clear", "expire",
	} {
		require.NotZero(t, seen[what], what)
	}
}

func FuzzState(f *testing.F) {
	f.Add([]byte{0x00, 0x02, 0x07, 0x04, 0x09, 0x09})                         // add, verify, sign in, the same code again
	f.Add([]byte{0x00, 0x02, 0x57, 0x57, 0x57, 0x57, 0x57, 0x07, 0xae, 0x02}) // five wrong codes, ten minutes
	f.Add([]byte{0x00, 0x02, 0x07, 0x04, 0x14, 0x39, 0x09})                   // a code that was replaced
	f.Add([]byte{0x00, 0x02, 0x07, 0x04, 0x6e, 0x09, 0x0f})                   // too late
	f.Add([]byte{0x01, 0x11, 0x21, 0x31, 0x04, 0x09})                         // three phones, and one too many
	f.Add([]byte{0x00, 0x02, 0x07, 0x10, 0x12, 0x04, 0x07, 0x8c, 0x09})       // two at once
	f.Fuzz(func(t *testing.T, script []byte) {
		walk(t, script[:min(len(script), 400)])
	})
}
