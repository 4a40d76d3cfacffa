package command

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/totpflow/totpflow/cmd/totpflow/internal/screen"
	"github.com/totpflow/totpflow/store"
)

// outcome is what --json prints of one account of many.
type outcome struct {
	Line   int    `json:"line,omitempty"` // the line of a file
	Tenant string `json:"tenant"`
	User   string `json:"user"`
	Done   bool   `json:"done"`
	Reason string `json:"reason,omitempty"` // why not
	// NeedsCode: the password alone does not lead to the enrollment after a reset.
	NeedsCode bool `json:"needs_code,omitempty"`
	// Generation of the account after a reset, for the product to keep.
	Generation uint64 `json:"generation,omitempty"`
	// Of an import: whether it was there before, and when a weak secret ends.
	Already   bool      `json:"already,omitempty"`
	WeakUntil time.Time `json:"weak_until,omitzero"`
}

// bulk is what --json prints of a change of many accounts.
type bulk struct {
	Command  string    `json:"command"`
	DryRun   bool      `json:"dry_run"`
	Done     int       `json:"done"` // or would be
	Refused  int       `json:"refused"`
	Outcomes []outcome `json:"outcomes"`

	noun  string   // the name of the things that are changed; the default is "account"
	notes []string // lines for people, after the outcomes
	whole any      // what --json prints, where it has more than this
}

func (b *bulk) add(line int, id store.AccountID, err error) {
	o := outcome{Line: line, Tenant: id.Tenant, User: id.User, Done: err == nil}
	if err == nil {
		b.Done++
	} else {
		o.Reason = strings.TrimPrefix(oneLine(err), label(id)+": ")
		b.Refused++
	}
	b.Outcomes = append(b.Outcomes, o)
}

// tellBulk prints the outcomes of many accounts. If some were refused, it returns an
// error.
func (a *app) tellBulk(b bulk, did, would string) error {
	verb := did
	if b.DryRun {
		verb = would
	}
	if a.asJSON {
		var whole any = b
		if b.whole != nil {
			whole = b.whole
		}
		if err := a.screen.JSON(whole); err != nil {
			return err
		}
	}
	for _, o := range b.Outcomes {
		a.say("%s", a.outcomeWords(o, verb))
	}
	for _, note := range b.notes {
		a.say("%s", note)
	}
	if b.DryRun {
		a.say("%s, %d refused. %s", screen.Plural(b.Done, cmp.Or(b.noun, "account")), b.Refused, nothingChanged)
	}
	if b.Refused > 0 {
		return refused{fmt.Errorf("%d of %d were refused", b.Refused, b.Done+b.Refused)}
	}
	return nil
}

func (a *app) outcomeWords(o outcome, verb string) string {
	words := a.label(store.AccountID{Tenant: o.Tenant, User: o.User}) + ": "
	if o.User == "" {
		words = ""
	}
	if o.Line > 0 {
		words = fmt.Sprintf("line %d: %s", o.Line, words)
	}
	if !o.Done {
		return words + "refused: " + o.Reason
	}
	if o.Already {
		return words + "already there"
	}
	if !o.WeakUntil.IsZero() {
		verb += " until " + day(o.WeakUntil) + ": its secret is weak"
	}
	if o.NeedsCode {
		verb += "; a new set-up requires a code from totpflow issue-code"
	}
	return words + verb
}

// nothingChanged ends every dry run.
const nothingChanged = "Nothing was changed; add --yes to do it."

// say prints a line of the result for people. With --json it is not printed:
// the JSON says it.
func (a *app) say(format string, args ...any) {
	if !a.asJSON {
		fmt.Fprintln(a.screen.Out, screen.Clean(fmt.Sprintf(format, args...)))
	}
}
