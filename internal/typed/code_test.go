package typed_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/internal/typed"
)

func TestDigits(t *testing.T) {
	for _, v := range []struct {
		in   string
		want error
	}{
		{"050471", nil}, {"050 471", nil}, {"\u0660\u0665\u0660\u0664\u0667\u0661", nil}, {"050471.", nil},
		{"050471" + strings.Repeat(" ", typed.Max-6), nil},
		{"050471" + strings.Repeat(" ", typed.Max-5), typed.ErrLong},
		{"", typed.ErrFew}, {"50471", typed.ErrFew}, {"0504711", typed.ErrMany}, {"050471 050471", typed.ErrMany},
		{"o50471", typed.ErrNotDigits}, {"050.471", typed.ErrNotDigits}, {"050,471", typed.ErrNotDigits}, {"+50471", typed.ErrNotDigits},
		{"05047\uff11", typed.ErrScripts}, {"05047\x00", typed.ErrCharacter}, {"05047\xff", typed.ErrCharacter},
	} {
		got, err := typed.Digits([]byte("was "), v.in, 6)
		require.Equal(t, v.want, err, "%q", v.in)
		want := "was "
		if err == nil {
			want += "050471"
		}
		require.Equal(t, want, string(got), "%q", v.in)
	}
	got, err := typed.Digits(nil, "9876543210", 10)
	require.NoError(t, err)
	require.Equal(t, "9876543210", string(got))
}
