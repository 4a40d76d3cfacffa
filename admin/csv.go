package admin

import (
	"encoding/csv"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/totpflow/totpflow/store"
)

// csvHeader names the columns of [WriteCSV]. Their order and names are stable;
// new ones come at the end.
var csvHeader = []string{
	"tenant", "user", "name", "state", "required", "grace_until", "authenticators", "trusted_browsers",
	"recovery_codes_left", "last_used", "machine", "weak_until",
}

// WriteCSV writes the compliance list of the members, of [Admin.List] or [Admin.Status]:
// one line each, after a header, times in RFC 3339; a grace period that has not begun has
// no end yet. The function name returns the name to list for an account, such as the mail
// address; nil leaves the column empty. A cell that a spreadsheet would run as a formula
// gets an apostrophe in front. It returns the first error of members or of w; the list is
// then incomplete.
func WriteCSV(w io.Writer, members iter.Seq2[Member, error], name func(store.AccountID) string) error {
	out := csv.NewWriter(w)
	if err := out.Write(csvHeader); err != nil {
		return err
	}
	for m, err := range members {
		if err != nil {
			return err
		}
		called, until := "", m.GraceUntil
		if m.GraceBegins {
			until = time.Time{} // counted from now, so different at each call
		}
		if name != nil {
			called = name(m.ID)
		}
		err = out.Write([]string{
			cell(m.ID.Tenant), cell(m.ID.User), cell(called), string(m.State), strconv.FormatBool(m.Required), csvTime(until),
			strconv.Itoa(m.Authenticators), strconv.Itoa(len(m.Browsers)), strconv.Itoa(m.RecoveryCodesLeft), csvTime(m.LastUsed), cell(m.Machine),
			csvTime(m.WeakUntil),
		})
		if err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// cell keeps a name that somebody chose, such as =HYPERLINK(…), from being run
// by the spreadsheet that opens the list (OWASP: CSV injection; ASVS 1.2.10).
// Where a comma is the decimal point, programs separate cells by semicolons
// whatever the file says, so that a cell may begin in the middle of ours.
func cell(s string) string {
	const (
		formulas   = "=+-@＝＋－＠"
		separators = ",;\t\r\n\""
		unseen     = "\t\r\n\x00"
	)
	var out strings.Builder
	begins := true
	for i, tx := range s {
		if begins && strings.ContainsRune(formulas, tx) || i == 0 && strings.ContainsRune(unseen, tx) {
			out.WriteByte('\'')
		}
		out.WriteRune(tx)
		begins = strings.ContainsRune(separators, tx) || begins && tx == ' '
	}
	return out.String()
}

func csvTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
