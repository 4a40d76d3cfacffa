package importfile

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/totp"
)

// Why a row is refused, besides the errors of package totp and [store.ErrID].
var (
	ErrTwice      = errors.New("this account stands in the file before")
	ErrNumber     = errors.New("digits and period are numbers")
	ErrWithURI    = errors.New("an otpauth URI brings its own digits, period and algorithm; they differ from the columns")
	ErrLooksWrong = errors.New("the account looks like a secret; are two headings exchanged?")
	ErrSpaces     = errors.New("there are spaces before or after the user or the tenant, which make it another account")
)

// A Row is a line of the file: an account and its key, or why it is refused.
type Row struct {
	Line int             // where it begins, from 1
	ID   store.AccountID // zero where it may not be shown
	Name string          // of the authenticator; may be empty
	Key  totp.Key        // zero with an error
	Err  error
}

// cells are the texts of a row by column.
type cells map[column]string

func (c cells) row() Row {
	r := Row{
		ID:   store.AccountID{Tenant: c[tenant], User: c[user]},
		Name: strings.TrimSpace(c[name]),
	}
	for _, shown := range []string{r.ID.User, r.ID.Tenant, r.Name} {
		if isURI(shown) {
			return Row{Err: ErrLooksWrong}
		}
	}
	switch {
	case padded(r.ID.User), padded(r.ID.Tenant): // not cut off: nobody knows here whether they are part of the product's id
		r.Err = ErrSpaces
	default:
		if r.Err = r.ID.Validate(); r.Err == nil {
			r.Key, r.Err = c.key()
		}
	}
	if r.Err == nil {
		return r
	}
	// Some products have ids that could be secrets. So this is no reason to
	// refuse a row, but a refused one is not shown with such an id.
	for _, shown := range []string{r.ID.User, r.ID.Tenant} {
		if _, err := totp.ParseSecret(strings.TrimSpace(shown), totp.Params{}); err == nil {
			return Row{Err: ErrLooksWrong}
		}
	}
	return Row{ID: r.ID, Err: r.Err}
}

func padded(s string) bool { return strings.TrimSpace(s) != s }

func isURI(s string) bool { return strings.Contains(strings.ToLower(s), "otpauth:") }

// key reads the secret in the form that it has.
func (c cells) key() (totp.Key, error) {
	p, err := c.params()
	if err != nil {
		return totp.Key{}, err
	}
	text := strings.TrimSpace(c[secret])
	if !strings.HasPrefix(strings.ToLower(text), "otpauth:") {
		return totp.ParseSecret(text, p)
	}
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
		if p.Algorithm, err = totp.ParseAlgorithm(spelled(text)); err != nil {
			return p, fmt.Errorf("algorithm: %w", totp.ErrParams)
		}
	}
	return p, nil
}

// spelled turns "sha-1", "HMAC-SHA-256" and "hmacSHA512" into the names of the
// Key URI format.
func spelled(text string) string {
	text = strings.ToUpper(strings.NewReplacer("-", "", "_", "").Replace(text))
	return strings.TrimPrefix(text, "HMAC")
}
