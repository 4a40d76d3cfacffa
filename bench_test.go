package totpflow_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/totptest"
)

// A whole second step on the in-memory store: SignIn and VerifyCode. The
// metrics are counted, not timed: what each verification costs the store.
// The same over SQLite is in the module tests.
func BenchmarkSignIn(b *testing.B) {
	h := newHouse(b, func(c *totpflow.Config) { c.Events = quiet })
	phone, _ := h.enroll(ana)
	var total totptest.Counts
	b.ReportAllocs()
	for b.Loop() {
		c := h.ask(ana)
		code := phone.Code()
		h.store.Reset()
		_, err := h.VerifyCode(h.ctx, c, code)
		require.NoError(b, err)
		n := h.store.Counts()
		total.Get += n.Get
		total.Put += n.Put
	}
	b.ReportMetric(float64(total.Get)/float64(b.N), "reads/verification")
	b.ReportMetric(float64(total.Put)/float64(b.N), "writes/verification")
}

// Ways of being refused, in one run, so that their times can be compared.
func BenchmarkRefusal(b *testing.B) {
	refusals := map[string]func(h *house, c totpflow.Challenge, phone *totptest.Authenticator, used string) error{
		"replayed": func(h *house, c totpflow.Challenge, _ *totptest.Authenticator, used string) error {
			_, err := h.VerifyCode(h.ctx, c, used)
			return err
		},
		"malformed": func(h *house, c totpflow.Challenge, _ *totptest.Authenticator, _ string) error {
			_, err := h.VerifyCode(h.ctx, c, "12345")
			return err
		},
		"forged challenge": func(h *house, c totpflow.Challenge, _ *totptest.Authenticator, used string) error {
			_, err := h.VerifyCode(h.ctx, c[:len(c)-1], used)
			return err
		},
	}
	for name, refuse := range refusals {
		b.Run(name, func(b *testing.B) {
			h := newHouse(b, func(c *totpflow.Config) { c.Events = quiet })
			phone, _ := h.enroll(ana)
			used := phone.Code()
			_, err := h.VerifyCode(h.ctx, h.ask(ana), used)
			require.NoError(b, err)
			c := h.ask(ana)
			for b.Loop() {
				require.Error(b, refuse(h, c, phone, used))
			}
		})
	}
}
