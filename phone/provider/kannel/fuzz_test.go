package kannel_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/phone/provider/internal/posttest"
	"github.com/totpflow/totpflow/phone/provider/kannel"
)

// Whatever Kannel answers, the message was accepted, or the error is one of those that
// package phone knows, without a word of the answer, which may quote the code.
func FuzzSend(f *testing.F) {
	f.Add(202, "0: Accepted for delivery")
	f.Add(200, "Sent.")
	f.Add(200, "<html>Log in</html>")
	f.Add(400, "Number(s) has/have been denied by white- and/or black-lists.")
	f.Add(403, "Authorization failed for sendsms")
	f.Add(503, "Temporal failure, try again later.")
	f.Add(307, "your code is 123456")
	f.Fuzz(func(t *testing.T, status int, body string) {
		s, err := kannel.New(kannel.Config{
			URL: "https://127.0.0.1/cgi-bin/sendsms", Username: "app", Password: "apppw", Client: &http.Client{Transport: posttest.Answer{Status: status, Body: body}},
		})
		require.NoError(t, err)
		err = s.Send(t.Context(), message(phone.SMS))
		taken := status == 202 || status == 200 && (strings.HasPrefix(body, "Sent.") || strings.HasPrefix(body, "0: ") || strings.HasPrefix(body, "3: "))
		require.True(t, taken || err != nil, "%d: %v", status, err)
		require.True(t, status != 202 || err == nil)
		if err != nil {
			known := errors.Is(err, phone.ErrUndeliverable) || errors.Is(err, phone.ErrUnavailable) || errors.Is(err, phone.ErrProvider)
			require.True(t, known, "%v", err)
			require.Regexp(t, `^kannel: phone: [a-z ]+: (status -?\d+|the number is denied)$`, err.Error())
		}
	})
}
