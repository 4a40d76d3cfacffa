package totpflow

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/wire/wiretest"
)

// The format of what is sealed in a [DisownToken]. It lies in a mail for days, and
// an upgrade that rolls must read it all the same.
func TestGoldenDisownToken(t *testing.T) {
	d := disowned{Tenant: "acme", User: "42", At: time.Date(2026, 1, 2, 15, 4, 5, 6_000_000, time.UTC), Number: 7, Kind: event.BrowserTrusted}
	require.Equal(t, d, wiretest.Golden(t, "testdata/disown", &d))
	wiretest.Strict(t, &d)
	wiretest.Strict(t, &disowned{})
}
