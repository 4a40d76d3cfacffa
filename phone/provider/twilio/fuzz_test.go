package twilio_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/phone/provider/internal/posttest"
	"github.com/totpflow/totpflow/phone/provider/twilio"
)

// Whatever Twilio answers, the message was accepted and has an id, or the error is one of
// those that package phone knows, without a word of the answer, which quotes the person's
// number.
func FuzzSend(f *testing.F) {
	f.Add(201, `{"sid":"SM0123456789abcdef0123456789abcdef","status":"queued","error_code":null}`)
	f.Add(201, `{"sid":"SM0123456789abcdef0123456789abcdef","status":"failed","error_code":30006}`)
	f.Add(201, `{"sid":`)
	f.Add(400, `{"code":21211,"message":"The 'To' number +447700900123 is not valid","status":400}`)
	f.Add(429, `{"code":20429}`)
	f.Add(200, "<html>")
	f.Add(401, `{"code":-9223372036854775808,"error_code":1e400}`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		s, err := twilio.New(twilio.Config{
			AccountSID: account, Secret: "secret", From: "+447700900999", Client: &http.Client{Transport: posttest.Answer{Status: status, Body: body}},
		})
		require.NoError(t, err)
		err = s.Send(t.Context(), message(phone.SMS))
		if err == nil {
			require.Equal(t, http.StatusCreated, status)
			require.Contains(t, strings.ToLower(body), `"sid"`)
			return
		}
		known := errors.Is(err, phone.ErrUndeliverable) || errors.Is(err, phone.ErrUnavailable) || errors.Is(err, phone.ErrProvider)
		require.True(t, known, "%v", err)
		require.Regexp(t, `^twilio: phone: [a-z ]+: (status -?\d+, )?error -?\d+$`, err.Error())
	})
}
