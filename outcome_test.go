package totpflow_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totptest"
)

// One read and one write for a code, right or wrong; one read for what is not
// counted.
func TestVerificationReadsOnceAndWritesOnce(t *testing.T) {
	h := newHouse(t)
	phone, _ := h.enroll(ana)
	h.clock.Advance(time.Minute)
	right := phone.Code()
	for _, c := range []struct {
		name string
		code string
		want totptest.Counts
	}{
		{"wrong", phone.WrongCode(), totptest.Counts{Get: 1, Put: 1}},
		{"right", right, totptest.Counts{Get: 1, Put: 1}},
		{"replayed", right, totptest.Counts{Get: 1}},
		{"malformed", "12345", totptest.Counts{Get: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			challenge := h.ask(ana)
			h.store.Reset()
			_, _ = h.VerifyCode(h.ctx, challenge, c.code)
			require.Equal(t, c.want, h.store.Counts())
		})
	}
}

// Success is returned only after the store acknowledged. A lost acknowledgement
// is decided by reading; an unknown outcome lets nobody in, and the same code
// never succeeds twice in total.
func TestNobodyGetsInWithoutAnAcknowledgement(t *testing.T) {
	cut := errors.New("connection reset")
	for name, c := range map[string]struct {
		faults  totptest.Faults
		passes  bool
		burnt   bool
		timeout bool
	}{
		"write refused":           {faults: totptest.Faults{Put: cut}},
		"read refused":            {faults: totptest.Faults{Get: cut}},
		"acknowledgement lost":    {faults: totptest.Faults{Lost: cut}, passes: true, burnt: true},
		"conflict without end":    {faults: totptest.Faults{Put: store.ErrConflict}},
		"conflict but written":    {faults: totptest.Faults{Lost: store.ErrConflict}, passes: true, burnt: true},
		"context already over":    {timeout: true},
		"driver reports time-out": {faults: totptest.Faults{Put: context.DeadlineExceeded}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			phone, _ := h.enroll(ana)
			h.clock.Advance(time.Minute)
			challenge, code := h.ask(ana), phone.Code()
			ctx, cancel := context.WithCancel(h.ctx)
			defer cancel()
			if c.timeout {
				cancel()
			}
			h.store.SetFaults(c.faults)
			d, err := h.VerifyCode(ctx, challenge, code)
			if c.passes {
				require.NoError(t, err)
				require.Equal(t, totpflow.Passed, d.Step)
			} else {
				refused(t, d, err, store.ErrUnavailable)
			}
			h.store.SetFaults(totptest.Faults{})
			d, err = h.VerifyCode(h.ctx, h.ask(ana), code)
			if c.burnt {
				refused(t, d, err, totpflow.ErrAlreadyUsed)
			} else {
				require.NoError(t, err)
				_, err = h.VerifyCode(h.ctx, h.ask(ana), code)
				require.ErrorIs(t, err, totpflow.ErrAlreadyUsed)
			}
		})
	}
}

// An outage during a thousand sign-ins counts against nobody.
func TestOutageIsNotCharged(t *testing.T) {
	h := newHouse(t, func(c *totpflow.Config) { c.Events = quiet })
	phone, _ := h.enroll(ana)
	c := h.ask(ana)
	h.store.SetFaults(totptest.Faults{Put: errors.New("disk full")})
	for range 1000 {
		_, err := h.VerifyCode(h.ctx, c, phone.WrongCode())
		require.ErrorIs(t, err, store.ErrUnavailable)
	}
	h.store.SetFaults(totptest.Faults{})
	require.Nil(t, h.status(ana).Throttled)
	h.pass(ana, phone)
}

// What the person is told does not say why; only the event does.
func TestOneOutwardAnswer(t *testing.T) {
	h := newHouse(t, withMode(policy.Optional))
	phone, codes := h.enroll(ana)
	first, err := h.VerifyRecoveryCode(h.ctx, h.ask(ana), codes[0])
	require.NoError(t, err)
	require.Equal(t, 9, first.RecoveryCodesLeft)
	_, wrong := h.VerifyCode(h.ctx, h.ask(ana), phone.WrongCode())
	_, used := h.VerifyRecoveryCode(h.ctx, h.ask(ana), codes[0])
	_, unknown := h.VerifyRecoveryCode(h.ctx, h.ask(ana), "0000-0000-0000-0000")
	require.Equal(t, wrong.Error(), used.Error())
	require.Equal(t, used.Error(), unknown.Error())
	require.Equal(t, totpflow.ErrRejected, used, "nothing rides along")
}
