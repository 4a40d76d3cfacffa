package admin_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/internal/servicetest"
	"github.com/totpflow/totpflow/store"
)

// The columns of the compliance list are stable: programs that read the file must go on
// working.
func TestCSVGolden(t *testing.T) {
	at := start.In(time.FixedZone("elsewhere", 3600))
	members := []admin.Member{
		{ID: anaID, State: admin.StateEnabled, Required: true, Authenticators: 2, Browsers: make([]totpflow.Browser, 3), RecoveryCodesLeft: 9, LastUsed: at, WeakUntil: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)},
		{ID: store.AccountID{User: "43"}, State: admin.StateGrace, Required: true, GraceUntil: at},
		{ID: agentID, State: admin.StateExempt, Machine: "nightly, \"backup\""},
		{ID: store.AccountID{Tenant: "acme", User: "44"}, State: admin.StateUnreadable},
	}
	var file bytes.Buffer
	require.NoError(t, admin.WriteCSV(&file, servicetest.Each(members...), func(id store.AccountID) string { return id.User + "@acme.example" }))
	golden, err := os.ReadFile("testdata/members.golden.csv")
	require.NoError(t, err)
	require.Equal(t, string(golden), file.String())
	file.Reset()
	require.NoError(t, admin.WriteCSV(&file, servicetest.Each[admin.Member](), nil))
	require.Equal(t, strings.SplitAfter(string(golden), "\n")[0], file.String(), "the header alone")
	file.Reset()
	require.NoError(t, admin.WriteCSV(&file, servicetest.Each(members[0]), nil))
	require.Contains(t, file.String(), "acme,42,,enabled")
	file.Reset()
	begins := admin.Member{ID: anaID, State: admin.StateGrace, GraceUntil: at, GraceBegins: true}
	require.NoError(t, admin.WriteCSV(&file, servicetest.Each(begins), nil))
	require.NotContains(t, file.String(), "2026", "another end whenever somebody looks")
	broken := func(yield func(admin.Member, error) bool) {
		_ = yield(members[0], nil) && yield(admin.Member{}, store.ErrUnavailable)
	}
	require.ErrorIs(t, admin.WriteCSV(&file, broken, nil), store.ErrUnavailable, "what was written is not the whole list")
	require.ErrorIs(t, admin.WriteCSV(full{}, servicetest.Each(members...), nil), errFull)
	require.ErrorIs(t, admin.WriteCSV(full{}, servicetest.Each(make([]admin.Member, 1000)...), nil), errFull)
}

var errFull = errors.New("disk full")

// A full disk refuses every write.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

// A spreadsheet that opens the list does not run a name that somebody chose, neither
// where the cell begins nor where a program that reads semicolons or tabs finds the
// beginning of another one (OWASP: CSV injection).
func TestCSVRunsNothing(t *testing.T) {
	const link = `HYPERLINK("https://evil.example","ok")`
	for chosen, want := range map[string]string{
		"=" + link:         "'=" + link,
		"+1":               "'+1",
		"-1":               "'-1",
		"@SUM(A1)":         "'@SUM(A1)",
		"\t=1":             "'\t'=1",
		"\r=1":             "'\r'=1",
		"\n=1":             "'\n'=1",
		"＝1":               "'＝1",
		"＋1":               "'＋1",
		"－1":               "'－1",
		"＠1":               "'＠1",
		"x;=1+1":           "x;'=1+1",
		"x;;@SUM(A1)":      "x;;'@SUM(A1)",
		"x,=1":             "x,'=1",
		"x\n-1":            "x\n'-1",
		`x";=1`:            `x";'=1`,
		`"=1`:              `"'=1`,
		" =1":              " '=1",
		"x; =1":            "x; '=1",
		"a-b":              "a-b",
		"ana@acme.example": "ana@acme.example",
		"1+1=2":            "1+1=2",
		"":                 "",
		"é":                "é",
	} {
		t.Run(chosen, func(t *testing.T) {
			var file bytes.Buffer
			m := admin.Member{ID: store.AccountID{Tenant: chosen, User: chosen}, Machine: chosen}
			require.NoError(t, admin.WriteCSV(&file, servicetest.Each(m), func(store.AccountID) string { return chosen }))
			rows, err := csv.NewReader(&file).ReadAll()
			require.NoError(t, err)
			want := strings.ReplaceAll(want, "\r\n", "\n")
			require.Equal(t, []string{want, want, want, "", "false", "", "0", "0", "0", "", want, ""}, rows[1])
		})
	}
}

// Every name comes back from the file as it was, apart from the apostrophes that keep a
// spreadsheet from running it, and no cell begins a formula.
func FuzzWriteCSV(f *testing.F) {
	f.Add("acme", "42", `=HYPERLINK("https://evil.example")`)
	f.Add("", "43", "Ann;=1")
	f.Add("", "44", "\t\r\n\"'@SUM(A1)")
	f.Add("", "45", " ＝1")
	f.Fuzz(func(t *testing.T, tenant, user, name string) {
		m := admin.Member{ID: store.AccountID{Tenant: tenant, User: user}, State: admin.StateEnabled, Machine: name}
		if m.ID.Validate() != nil {
			return
		}
		var file bytes.Buffer
		require.NoError(t, admin.WriteCSV(&file, servicetest.Each(m), func(store.AccountID) string { return name }))
		rows, err := csv.NewReader(&file).ReadAll()
		require.NoError(t, err)
		require.Len(t, rows, 2)
		row := rows[1]
		for i, was := range map[int]string{0: tenant, 1: user, 2: name, 10: name} {
			same := strings.ReplaceAll(string([]rune(was)), "\r\n", "\n") // as the CSV reader returns it
			require.Equal(t, strings.ReplaceAll(same, "'", ""), strings.ReplaceAll(row[i], "'", ""))
			for _, cell := range strings.FieldsFunc(row[i], func(r rune) bool { return strings.ContainsRune(",;\t\r\n\"", r) }) {
				if begin := strings.TrimLeft(cell, " "); begin != "" {
					require.NotContains(t, "=+-@＝＋－＠", string([]rune(begin)[0]), "%q", row[i])
				}
			}
		}
	})
}
