package letters_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/admin"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/web"
	"github.com/totpflow/totpflow/web/letters"
	"github.com/totpflow/totpflow/web/memhost"
)

var update = flag.Bool("update", false, "write the golden files again")

const site = "https://backup.example"

var (
	at  = time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)
	ana = letters.Person{Name: "Ana Lee", Account: "ana@acme.example", Organisation: "Acme GmbH"}
)

func newWeb(t *testing.T, change ...func(*web.Config)) *web.Web {
	t.Helper()
	keys, err := keyring.Parse(keyring.Generate())
	require.NoError(t, err)
	service, err := totpflow.New(totpflow.Config{Issuer: "Acme Backup", Store: store.NewMemory(), Keys: keys, Now: func() time.Time { return at }})
	require.NoError(t, err)
	c := web.Config{Service: service, Host: memhost.New(), Product: "Acme Backup", Log: slog.New(slog.DiscardHandler)}
	for _, f := range change {
		f(&c)
	}
	h, err := web.New(c)
	require.NoError(t, err)
	return h
}

func newLetters(t *testing.T, change ...func(*web.Config)) *letters.Letters {
	t.Helper()
	all, err := letters.New(letters.Config{Web: newWeb(t, change...), Site: site + "/"})
	require.NoError(t, err)
	return all
}

// about returns a notification of one event of ana's account.
func about(e event.Event) event.Notification {
	e.Number, e.At, e.Tenant, e.User = 7, at, "acme", "1"
	return event.Notification{Tenant: "acme", User: "1", Events: []event.Event{e}}
}

var source = event.Source{Address: "203.0.113.7"}

var token = regexp.MustCompile(`event=\S+`)

// Every letter as it is in each language, with the token of the link left out.
func TestLetters(t *testing.T) {
	all := newLetters(t)
	for _, tag := range []string{"en", "de", "es"} {
		var b strings.Builder
		put := func(l letters.Letter) {
			require.Equal(t, tag, l.Language)
			fmt.Fprintf(&b, "Subject: %s\n\n%s\n======\n", l.Subject, token.ReplaceAllString(l.Text, "event=…"))
		}
		to := ana
		to.Language = tag
		put(all.About(to, about(event.Event{Kind: event.AuthenticatorsReplaced, Source: source})))
		put(all.About(letters.Person{Account: "ben", Language: tag}, about(event.Event{Kind: event.RecoveryUsed, Remaining: 1})))
		put(all.About(to, about(event.Event{Kind: event.Reset, Actor: "boss", Source: source})))
		put(all.About(to, about(event.Event{Kind: event.Frozen, Source: source})))
		put(all.About(to, about(event.Event{Kind: event.RejectedRepeatedly, Source: source})))
		put(all.About(to, about(event.Event{Kind: event.SessionsEnded, Source: source})))
		put(all.About(to, about(event.Event{Kind: event.GraceBegan, Until: at.Add(14 * 24 * time.Hour)})))
		put(all.About(to, about(event.Event{Kind: event.GraceExtended, Actor: "boss", Until: at.Add(14 * 24 * time.Hour)})))
		put(all.About(to, about(event.Event{Kind: event.SetupReminded, Actor: "boss"})))
		put(all.About(to, about(event.Event{Kind: event.SetupReminded, Until: at.Add(time.Hour)})))
		put(all.About(to, about(event.Event{Kind: event.SetupReminded, Method: string(totpflow.MethodIssuedCode)})))
		put(all.About(to, about(event.Event{Kind: event.PhoneAssigned, Actor: "boss", Action: "+43 ••• ••67"})))
		put(all.About(to, about(event.Event{Kind: event.PhoneAssigned, Actor: "boss"})))
		put(all.Issued(to, admin.IssuedCode{Code: "ABCD-EFGH-JKMN-PQRS", Expires: at.Add(24 * time.Hour)}))

		file := filepath.Join("testdata", tag+".txt")
		if *update {
			require.NoError(t, os.WriteFile(file, []byte(b.String()), 0o644))
		}
		want, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, string(want), b.String(), "run go test -update where the change is meant")
	}
}

// Each event that a person is notified of has words in each language, and a link that closes
// the account exactly if somebody else may have caused it.
func TestEveryEventHasWords(t *testing.T) {
	all := newLetters(t)
	for _, k := range event.Kinds() {
		if !k.Notable() || slices.Contains([]event.Kind{event.PolicySet, event.PolicyLowered, event.BulkReset, event.ApprovalRequested, event.ApprovalGranted,
			event.ApprovalWithdrawn, event.KeysRotated, event.EpochRaised}, k) { // of a tenant
			continue
		}
		for _, tag := range []string{"en", "de", "es"} {
			l := all.About(letters.Person{Account: "ana", Language: tag}, about(event.Event{Kind: k}))
			require.NotEqual(t, "Acme Backup: "+strings.ReplaceAll(string(k), "_", " "), l.Subject, "in %s", tag)
			require.NotContains(t, l.Subject+l.Text, "letter.", k)
			require.NotContains(t, l.Subject+l.Text, "{{", k)
			closes := k.Disownable() && k != event.Frozen && k != event.Forgotten
			require.Equal(t, closes, strings.Contains(l.Text, site+"/2fa/not-me?event="), "%s in %s", k, tag)
		}
	}
	later := all.About(ana, about(event.Event{Kind: "passkey_bound"}))
	require.Equal(t, "Acme Backup: passkey bound", later.Subject)
}

// The link of a letter is the token of its event, and of no other.
func TestLinkIsOfTheEvent(t *testing.T) {
	h := newWeb(t)
	all, err := letters.New(letters.Config{Web: h, Site: site})
	require.NoError(t, err)
	n := about(event.Event{Kind: event.Disabled})
	text := all.About(ana, n).Text
	m := regexp.MustCompile(regexp.QuoteMeta(site) + `/2fa/not-me\?event=(\S+)`).FindStringSubmatch(text)
	require.NotNil(t, m, text)
	of, err := h.Service.Disowned(totpflow.DisownToken(m[1]))
	require.NoError(t, err)
	require.Equal(t, []any{"acme", "1", event.Disabled}, []any{of.Tenant, of.User, of.Kind})
}

// Nobody can write lines of a letter, or headers of the mail, by a name that they choose.
func TestNamesAreNoLines(t *testing.T) {
	all := newLetters(t)
	evil := "Ana\r\nBcc: all@evil.example\n\n    https://evil.example\u2028now\u202e"
	long := strings.Repeat("Ana ", 18) + evil // a line ends in it
	for _, l := range []letters.Letter{
		all.About(letters.Person{Name: evil, Account: evil, Organisation: evil}, about(event.Event{Kind: event.Kind(evil), Source: event.Source{Address: evil}})),
		all.Issued(letters.Person{Account: evil, Organisation: evil}, admin.IssuedCode{Code: "X", Expires: at}),
		all.About(letters.Person{Name: long, Account: long, Organisation: long}, about(event.Event{Kind: event.SetupReminded})),
		all.About(letters.Person{Name: long, Account: long, Organisation: long}, about(event.Event{Kind: event.Disabled})),
	} {
		require.NotContains(t, l.Subject, "\n")
		require.NotContains(t, l.Text, "\r")
		require.NotContains(t, l.Text, "\u202e")
		for line := range strings.Lines(l.Text) {
			require.False(t, strings.HasPrefix(line, "Bcc:") || strings.HasPrefix(strings.TrimSpace(line), "https://evil"), line)
		}
	}
}

// A name that begins with spaces is not one of the letter's own links, which are indented.
func TestNameIsNotIndented(t *testing.T) {
	require.Equal(t, "https://evil.example", letters.Line("\n    https://evil.example "))
}

// The paragraphs of every letter fit on a screen of 80 columns, however long the names in
// them are.
func TestLinesAreShort(t *testing.T) {
	all := newLetters(t)
	for _, tag := range []string{"en", "de", "es"} {
		for _, account := range []string{"ana", "ana@acme.example", "anastasia.winterhalter@umwelttechnik.example"} {
			to := letters.Person{Name: "Anastasia Winterhalter", Account: account, Organisation: "Acme Umwelttechnik Vertriebsgesellschaft mbH", Language: tag}
			texts := []string{
				all.Issued(to, admin.IssuedCode{Code: "ABCD-EFGH-JKMN-PQRS", Expires: at}).Text,
				all.About(to, about(event.Event{Kind: event.SetupReminded, Until: at, Method: string(totpflow.MethodIssuedCode)})).Text,
				all.About(to, about(event.Event{Kind: event.PhoneAssigned, Action: "+43 ••• ••67"})).Text,
			}
			for _, k := range event.Kinds() {
				texts = append(texts, all.About(to, about(event.Event{Kind: k})).Text)
			}
			for _, text := range texts {
				for line := range strings.Lines(text) {
					if !strings.HasPrefix(line, " ") {
						require.LessOrEqual(t, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")), 78, text)
					}
				}
				require.NotContains(t, text, "\n\n\n")
			}
		}
	}
}

func TestWrap(t *testing.T) {
	words := strings.Repeat("ä ", 39)
	long := strings.Repeat("Acme GmbH ", 9) + "end"
	for in, want := range map[string]string{
		"":                          "",
		"one\ntwo  three\n\nfour\n": "one two three\n\nfour\n",
		words + "ä\n":               strings.TrimSpace(words) + "\nä\n",
		"a link:\n    https://backup.example/" + strings.Repeat("x", 80) + "\nand a text\n": "a link:\n    https://backup.example/" + strings.Repeat("x", 80) + "\nand a text\n",
		"in the organisation " + long + " you\nare missing\n":                               "in the organisation\n" + long + "\nyou are missing\n",
	} {
		require.Equal(t, want, letters.Wrap(in, "Ana", long))
	}
}

// A long line with an indent is continued behind a mark: a name in it cannot look like a line
// of the letter's own, such as a link.
func TestWrapIndented(t *testing.T) {
	words := strings.TrimSpace(strings.Repeat("word ", 14)) // 69 characters
	link := "https://backup.example/" + strings.Repeat("x", 80)
	for in, want := range map[string]string{
		"    " + words + " end\n":                           "    " + words + " end\n",
		"      " + words + " more and so on\n\nfour\n":      "      " + words + "\n      … more and so on\n\nfour\n",
		"    " + words + "          https://evil.example\n": "    " + words + "\n    … https://evil.example\n",
		"    " + link + "\n":                                "    " + link + "\n",
	} {
		require.Equal(t, want, letters.Wrap(in))
	}
	for line := range strings.Lines(letters.Wrap("    " + words + " " + words + " https://evil.example")) {
		require.False(t, strings.HasPrefix(strings.TrimSpace(line), "https://evil"), line)
		require.LessOrEqual(t, utf8.RuneCountInString(line), 79)
	}
}

// A person who may have to set up learns by when, and where.
func TestGraceSaysWhatToDo(t *testing.T) {
	all := newLetters(t)
	for _, k := range []event.Kind{event.GraceBegan, event.GraceExtended, event.SetupReminded} {
		text := all.About(ana, about(event.Event{Kind: k, Until: at.Add(time.Hour)})).Text
		require.Contains(t, text, "\nYou can sign in without it until 2 March 2026, 10:30 UTC.\n", k)
		require.Contains(t, text, "\n    "+site+"/2fa/setup\n", k)
	}
}

// A chosen number has to be confirmed; phones that were only removed do not.
func TestChosenNumberSaysWhatToDo(t *testing.T) {
	all := newLetters(t)
	require.Contains(t, all.About(ana, about(event.Event{Kind: event.PhoneAssigned, Action: "+43 ••• ••67"})).Text, "\n    "+site+"/2fa/phone\n")
	require.NotContains(t, all.About(ana, about(event.Event{Kind: event.PhoneAssigned})).Text, site)
}

// After wrong codes the letter has one order: nothing, a new password, closing the account.
func TestRefusalHasOneOrder(t *testing.T) {
	all := newLetters(t)
	for _, k := range []event.Kind{event.RejectedRepeatedly, event.Suspended} {
		_, rest, _ := strings.Cut(all.About(ana, about(event.Event{Kind: k})).Text, "there is nothing to do.")
		_, rest, _ = strings.Cut(rest, "If it was not you, somebody else may know your password. Set a new one now.")
		_, rest, _ = strings.Cut(rest, "If you cannot do that, open this page")
		require.Contains(t, rest, site+"/2fa/not-me?event=", k)
		require.NotContains(t, token.ReplaceAllString(rest, ""), "If")
	}
}

// The host changes single texts and adds a language, as for the pages.
func TestHostsTexts(t *testing.T) {
	all := newLetters(t, func(c *web.Config) {
		c.Catalogues = fstest.MapFS{
			"en.json": {Data: []byte(`{"letter": {"hello": "Dear {{.Name}},"}}`)},
			"fr.json": {Data: []byte(`{"letter": {"hello": "Bonjour {{.Name}},"}}`)},
		}
	})
	code := admin.IssuedCode{Code: "X", Expires: at}
	require.True(t, strings.HasPrefix(all.Issued(ana, code).Text, "Dear Ana Lee,\n\n"))
	french := letters.Person{Account: "ben", Language: "fr"}
	require.Equal(t, "fr", all.Issued(french, code).Language)
	require.True(t, strings.HasPrefix(all.Issued(french, code).Text, "Bonjour ben,\n\n"))
	unknown := letters.Person{Account: "ben", Language: "xx"}
	require.Equal(t, "en", all.Issued(unknown, code).Language)
}

// The languages have the same texts.
func TestCatalogues(t *testing.T) {
	ids := func(tag string) (ids []string) {
		raw, err := fs.ReadFile(letters.Catalogues(), tag+".json")
		require.NoError(t, err)
		var groups map[string]map[string]any
		require.NoError(t, json.Unmarshal(raw, &groups))
		for group, texts := range groups {
			for name := range texts {
				ids = append(ids, group+"."+name)
			}
		}
		slices.Sort(ids)
		return ids
	}
	require.NotEmpty(t, ids("en"))
	require.Equal(t, ids("en"), ids("de"))
	require.Equal(t, ids("en"), ids("es"))
}

func TestNewRefuses(t *testing.T) {
	h := newWeb(t)
	for _, bad := range []string{"", "backup.example", "//backup.example", "ftp://backup.example", "https://", "https://backup.example/app", "https://backup.example?x=1", "https://%zz", "https://backup.example#a", "https://backup.example?", "https://ana@backup.example"} {
		_, err := letters.New(letters.Config{Web: h, Site: bad})
		require.ErrorIs(t, err, web.ErrConfig, bad)
	}
	_, err := letters.New(letters.Config{Site: site})
	require.ErrorIs(t, err, web.ErrConfig)
}

// A program that prints or logs a letter that it could not send does not write down the
// code in it.
func TestLetterIsNotPrintedByAccident(t *testing.T) {
	l := letters.Letter{Subject: "Your code", Text: "It is ABCD-EFGH-JKMN-PQRS"}
	var out bytes.Buffer
	for _, v := range []any{l, &l, []any{l}, struct{ Mail letters.Letter }{l}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			fmt.Fprintf(&out, verb, v)
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("not sent", "letter", v)
	}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("not sent", "letter", l)
	require.NotContains(t, out.String(), "ABCD-EFGH")
	require.NotContains(t, out.String(), fmt.Sprintf("%x", "ABCD-EFGH"))
	require.Contains(t, out.String(), "letters.Letter(redacted)")
}
