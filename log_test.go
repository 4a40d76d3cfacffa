package totpflow_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/totptest"
)

// What a host logs at 5 pm: the whole answer, with a logger that writes JSON. A
// challenge in a log would be a sign-in for whoever reads logs.
func TestLoggedAnswersShowNoTicket(t *testing.T) {
	var p pigeon
	h := newHouse(t, withPhones(&p)...)
	first, err := h.SignIn(h.ctx, ana)
	require.NoError(t, err)
	added, err := h.BeginPhone(h.ctx, first.Challenge, mobile)
	require.NoError(t, err)
	page, err := h.BeginEnrollment(h.ctx, first.Challenge)
	require.NoError(t, err)
	app, err := totptest.ScanURI(page.Offer.URI(), h.clock)
	require.NoError(t, err)
	done, err := h.ConfirmEnrollment(h.ctx, page.Token, app.Code())
	require.NoError(t, err)

	for _, c := range []struct {
		answer  any
		secrets []string
	}{
		{first, []string{string(first.Challenge)}},
		{added, []string{string(added.Token), mobile.E164()}},
		{page, []string{string(page.Token), page.Offer.Secret(), page.Offer.URI()}},
		{done, append([]string{string(done.Proof), done.Sheet.Secret}, done.Sheet.Codes...)},
		{done.Decision, []string{string(done.Proof)}},
		{admin.Administrator{User: ana, Proof: done.Proof}, []string{string(done.Proof)}},
	} {
		t.Run(fmt.Sprintf("%T", c.answer), func(t *testing.T) {
			var log bytes.Buffer
			slog.New(slog.NewJSONHandler(&log, nil)).Info("answer", "answer", c.answer, slog.Group("in", "answer", c.answer))
			require.True(t, json.Valid(log.Bytes()))
			require.NotContains(t, log.String(), `"answer":{}`)
			for _, secret := range c.secrets {
				require.NotEmpty(t, secret)
				require.NotContains(t, log.String(), secret)
			}
		})
	}
}
