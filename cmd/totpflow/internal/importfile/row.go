package importfile

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totp"
)

// Why a row is refused, besides the errors of package totp, [store.ErrID] and
// [enroll.ErrTooManyAuthenticators]. None of them shows a cell.
var (
	ErrTwice       = errors.New("this authenticator is in the file already")
	ErrShared      = errors.New("another account has the same secret")
	ErrNumber      = errors.New("digits and period must be numbers")
	ErrType        = errors.New("the type is not totp: codes by counter are not imported")
	ErrWithURI     = errors.New("an otpauth URI has its own digits, period and algorithm, which differ from the columns")
	ErrLooksSecret = errors.New("the user or the tenant looks like a secret")
	ErrName        = errors.New("the name of the authenticator looks like a secret")
	ErrEncoding    = errors.New("the secret is neither base32 nor an otpauth URI")
	ErrDoubtful    = errors.New("the secret is ambiguous")
	ErrSpaces      = errors.New("there are spaces before or after the user or the tenant, which make it another account")
	ErrUnknown     = errors.New("the product does not know this id")
)

// A Row is a line of the file: an account and its key, or why it is refused.
type Row struct {
	Line int             // where it begins, from 1
	ID   store.AccountID // zero with an error
	Name string          // the name of the authenticator; may be empty
	Key  totp.Key        // zero with an error
	Err  error
}

// cells are the texts of a row by column.
type cells map[column]string

// cellsOf returns the cells of a line. Columns that do not count may be left out at its
// end. Every column has a cell: a line without a tenant belongs to the empty tenant, and
// not to the one that stands for a missing column.
func cellsOf(record []string, columns []column) cells {
	c := make(cells, len(columns))
	for _, col := range columns {
		c[col] = ""
	}
	for i, text := range record {
		if i < len(columns) { // nobody asks for those that are ignored
			c[columns[i]] = text
		}
	}
	return c
}

// complete reports whether a line has a cell for each column that counts, and nothing
// behind the last column.
func complete(record []string, columns []column) bool {
	for i := range max(len(record), len(columns)) {
		switch {
		case i >= len(record) && columns[i] != ignored:
			return false
		case i >= len(columns) && strings.TrimSpace(record[i]) != "":
			return false
		}
	}
	return true
}

func parseRow(record []string, columns []column, known *Known) Row {
	if !complete(record, columns) {
		return Row{Err: csv.ErrFieldCount}
	}
	c := cellsOf(record, columns)
	for _, col := range []column{digits, period, algorithm, kind, counter} {
		c[col] = strings.TrimSpace(c[col])
	}
	r := Row{ID: store.AccountID{Tenant: c[tenant], User: c[user]}, Name: strings.TrimSpace(c[name])}
	if r.Key, r.Err = c.key(known); r.Err != nil {
		return Row{Err: r.Err}
	}
	return r
}

// key looks at the account before the secret: a row with an account that may be a secret
// reports nothing else.
func (c cells) key(known *Known) (totp.Key, error) {
	id := store.AccountID{Tenant: c[tenant], User: c[user]}
	form := cmp.Or(c.formOfUser(known), c.formOfTenant(known))
	switch {
	case form != "":
		return totp.Key{}, fmt.Errorf("%w (%s): are two headings exchanged? If it is an id, --known lists it", ErrLooksSecret, form)
	case formOfName(c[name]) != "":
		return totp.Key{}, ErrName
	case padded(id.User), padded(id.Tenant): // not cut off: nobody knows here whether they are part of the product's id
		return totp.Key{}, ErrSpaces
	}
	if err := id.Validate(); err != nil {
		return totp.Key{}, err
	}
	if known != nil && !known.has(id) {
		return totp.Key{}, ErrUnknown
	}
	p, err := c.params()
	if err != nil {
		return totp.Key{}, err
	}
	return c.parse(p)
}

// formOfUser returns the form of secret that the user looks like. Any text can be one
// where the other column looks like ids.
func (c cells) formOfUser(known *Known) string {
	text := c[user]
	if known.has(store.AccountID{Tenant: c[tenant], User: text}) {
		return ""
	}
	if form := formOf(text); form != "" {
		return form
	}
	if len(text) >= leastText && likeAnID(c[secret]) && !isName(text) {
		return formText
	}
	return ""
}

func (c cells) formOfTenant(known *Known) string {
	if known.hasTenant(c[tenant]) {
		return ""
	}
	return formOf(c[tenant])
}

func padded(s string) bool { return strings.TrimSpace(s) != s }

// parse reads the secret in the form that it has.
func (c cells) parse(p totp.Params) (totp.Key, error) {
	text := strings.TrimSpace(c[secret])
	switch form := formOf(text); {
	case form == formURI:
		return c.parseURI(text, p)
	case form == formExport, form == formSteam:
		return totp.Key{}, fmt.Errorf("%w: it looks like %s", ErrEncoding, form)
	}
	if doubt := ambiguous(text); doubt != "" {
		return totp.Key{}, fmt.Errorf("%w: %s", ErrDoubtful, doubt)
	}
	key, err := totp.ReadSecret(text, p)
	if form := formOf(text); err != nil && (form == formHex || form == formBase64 && !oneCase(text)) { // one case: base32 with a slip
		return totp.Key{}, fmt.Errorf("%w: it looks like %s", ErrEncoding, form)
	}
	return key, err
}

func (c cells) parseURI(text string, p totp.Params) (totp.Key, error) {
	key, _, err := totp.ReadURI(text)
	if err != nil {
		return totp.Key{}, err
	}
	// A period of 60 s in the column and of 30 s in the URI: one of them would
	// give codes that no phone shows.
	q := key.Params()
	if c[digits] != "" && q.Digits != p.Digits || c[period] != "" && q.Period != p.Period ||
		c[algorithm] != "" && q.Algorithm != p.Algorithm {
		return totp.Key{}, ErrWithURI
	}
	return key, nil
}

func (c cells) params() (p totp.Params, err error) {
	if text := c[kind]; text != "" && !strings.EqualFold(text, "totp") {
		return p, ErrType
	}
	if text := c[counter]; text != "" && text != "0" {
		return p, ErrType
	}
	if text := c[digits]; text != "" {
		if p.Digits, err = strconv.Atoi(text); err != nil || p.Digits <= 0 {
			return p, ErrNumber
		}
	}
	if text := c[period]; text != "" {
		seconds, err := strconv.ParseUint(strings.TrimSuffix(text, "s"), 10, 16)
		if err != nil || seconds == 0 {
			return p, ErrNumber
		}
		p.Period = time.Duration(seconds) * time.Second
	}
	if text := c[algorithm]; text != "" {
		if p.Algorithm, err = totp.ParseAlgorithm(text); err != nil {
			return p, fmt.Errorf("algorithm: %w", err)
		}
	}
	return p, nil
}

// settle refuses rows that one file cannot have together: one authenticator twice, more
// of them than an account can have, and one secret for two accounts, since nobody knows
// whose it is.
func settle(rows []Row) {
	accounts, secrets := make(map[store.AccountID][]totp.Key), make(map[string]store.AccountID)
	shared := make(map[string]bool)
	for i := range rows {
		row := &rows[i]
		text := row.Key.Secret() // none of a row that is refused
		if owner, found := secrets[text]; found && owner != row.ID {
			shared[text] = true
		}
		secrets[text] = row.ID
	}
	for i := range rows {
		row := &rows[i]
		if row.Err != nil {
			continue
		}
		keys := accounts[row.ID]
		switch {
		case shared[row.Key.Secret()]:
			row.Err = ErrShared
		case contains(keys, row.Key):
			row.Err = ErrTwice
		case len(keys) == enroll.MaxAuthenticators:
			row.Err = enroll.ErrTooManyAuthenticators
		default:
			accounts[row.ID] = append(keys, row.Key)
			continue
		}
		*row = Row{Line: row.Line, Err: row.Err}
	}
}

func contains(keys []totp.Key, key totp.Key) bool {
	for _, k := range keys {
		if k.Equal(key) {
			return true
		}
	}
	return false
}
