package command

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The question names only codes that the person has. If the server does not name the
// methods, or names only methods of a later version, the question is the most common one.
func TestTheQuestionNamesWhatThePersonHas(t *testing.T) {
	for _, x := range []struct {
		byPhone bool
		want    string
		methods []string
	}{
		{false, "askCode", nil},
		{false, "askCode", []string{"something-new"}},
		{false, "askCode", []string{"code", "recovery-code", "phone-code", "issued-code"}},
		{false, "askAppCode", []string{"code"}},
		{false, "askAppCode", []string{"code", "phone-code", "issued-code"}},
		{false, "askRecoveryCode", []string{"recovery-code", "issued-code"}},
		{false, "askMailCode", []string{"issued-code"}},
		{true, "askPhoneCode", []string{"recovery-code", "phone-code", "issued-code"}},
		{true, "askPhoneCodeOnly", []string{"phone-code", "issued-code"}},
	} {
		require.Equal(t, x.want, (&refusal{Methods: x.methods}).question(x.byPhone), "%v", x)
	}
}
