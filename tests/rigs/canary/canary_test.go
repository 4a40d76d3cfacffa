package canary_test

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/tests/rigs/canary"
)

// The life on a store in memory prints no secret and leaves none; and the search that
// shows this finds planted secrets. Every call of the library succeeds in it.
func TestLife(t *testing.T) {
	s := store.NewMemory()
	life, err := canary.Live(t.Context(), s)
	require.NoError(t, err)
	require.Empty(t, life.Find(life.Said(), dump(t, s)))
	require.NoError(t, life.Plant(t.Context(), s))
	leaks := life.Find(life.Said(), dump(t, s))
	for _, place := range []string{"what the program said", "records"} {
		require.Empty(t, canary.Missing(leaks, place, canary.Planted), place)
	}
	require.Len(t, life.Kinds(), 14)
	for kind, n := range life.Kinds() {
		require.Positive(t, n, kind)
		if strings.Contains(kind, "code") && kind != "issued code" {
			require.Greater(t, n, 4, kind)
		}
	}
	t.Logf("%s, %d bytes said", life, len(life.Said().Data))
	for prefix, v := range map[string]any{"": new(totpflow.Service), "account.": totpflow.Account{}, "admin.": admin.Admin{}} {
		for i := range reflect.TypeOf(v).NumMethod() {
			m := reflect.TypeOf(v).Method(i)
			if m.Type.NumIn() < 2 || m.Type.In(1) != reflect.TypeFor[context.Context]() {
				continue // these show nothing that the life has not seen
			}
			name := prefix + strings.ToLower(upper.ReplaceAllString(m.Name, "${1}_$2"))
			if lazy := map[string]string{"admin.status": "admin.member", "admin.list": "admin.list_page"}[name]; lazy != "" {
				name = lazy // an iterator is a flow for each account or page
			}
			require.True(t, life.Succeeded(name), "no stage calls %s", name)
		}
	}
}

var upper = regexp.MustCompile("(.)([A-Z])")

func dump(t *testing.T, s store.Store) canary.Place {
	page, err := s.List(t.Context(), store.Query{AllTenants: true, Limit: store.MaxLimit})
	require.NoError(t, err)
	require.Empty(t, page.Next)
	text, err := json.Marshal(page)
	require.NoError(t, err)
	for _, rec := range page.Records {
		text = append(text, rec.Sealed...)
	}
	return canary.Place{Name: "records", Data: text}
}

// Every spelling of a secret is found, wherever it is, and a text that is nearly
// the secret is not.
func TestFind(t *testing.T) {
	secret := []byte("\x00C4n\xff'\"\\ary\nSecret\x1a!7")
	var s canary.Secrets
	s.Add("secret", secret)
	for name, text := range map[string]string{
		"as it is": string(secret), "hex": fmt.Sprintf("%x", secret), "HEX": fmt.Sprintf("%X", secret), "pairs": fmt.Sprintf("% x", secret),
		"Go": fmt.Sprintf("%q", secret), "list": fmt.Sprint(secret), "Go syntax": fmt.Sprintf("%#v", secret), "verb": fmt.Sprintf("%d", secret),
		"SQL":   `INSERT '\0C4n` + "\\\xff" + `\'\"\\ary\nSecret\Z!7'`,
		"Redis": `"EVAL" "\x00C4n\xff'\"\\ary\nSecret\x1a!7"`,
		"octal": `\000\103\064\156\377\047\042\134\141\162\171\012`,
	} {
		require.Len(t, s.Find(canary.Place{Data: []byte("before " + text + " after")}), 1, name)
		require.Empty(t, s.Find(canary.Place{Data: []byte("before " + text[:len(text)/3] + " after")}), name)
	}
	for before := range 4 { // base64 depends on the bytes before
		text, err := json.Marshal(append(make([]byte, before), append(secret, "!!!"...)...))
		require.NoError(t, err)
		require.Len(t, s.Find(canary.Place{Data: text}), 1, "base64 behind %d bytes", before)
	}
}

// Six digits are not a leak by themselves, but two codes of a kind are; digits in the
// middle of a number or of hexadecimal do not count.
func TestFindCodes(t *testing.T) {
	var s canary.Secrets
	for _, code := range []string{"123456", "654321", "111111"} {
		s.AddCode("code", code)
	}
	for text, leaks := range map[string]int{
		"123456":                     0,
		"123456 and 123456":          0,
		"123456 and 654321":          1,
		"code=123456&code=654321":    1,
		"12345678 and 87654321":      0,
		"a123456b c654321d":          0,
		"313233343536 and 654321 ok": 1,
	} {
		require.Len(t, s.Find(canary.Place{Data: []byte(text)}), leaks, text)
	}
	require.Len(t, s.Find(canary.Place{Raw: true, Data: []byte("a123456b c654321d")}), 1)
	require.Empty(t, s.Find(canary.Place{Raw: true, Data: []byte("91234560" + strings.Repeat("0", 9) + "6543219")}))
}
