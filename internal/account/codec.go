package account

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/strictjson"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/phone"
	"github.com/totpflow/totpflow/recovery"
	"github.com/totpflow/totpflow/store"
	"github.com/totpflow/totpflow/throttle"
	"github.com/totpflow/totpflow/trust"
)

// format is the version of the encoding below. A record of another format is
// refused, never read as "no second factor".
const format = 1

// purpose separates the records' sealing key from every other key of the ring.
const purpose = "totpflow/account"

// ErrFormat is returned for a record whose contents this version does not
// know: written by a newer version, or not by this library.
var ErrFormat = errors.New("account: record of an unknown format")

// wire is the record before it is sealed, as JSON:
//
//	{"format":1, "epoch":3, "enrollment":{…}, "recovery":{…}, "browsers":[…], "revocations":…,
//	 "budget":{…}, "recovery_rate":{…}, "ticket_key":"…", "spent":[…], "forgotten":…, "sessions_from":"…",
//	 "password_at":"…", "grace":{…}, "issued":{…}, "suspicion":{…}, "machine":"…", "freeze":{…},
//	 "phones":{…}, "assigned":"…", "sends":{…}, "tenant":{…}, "activity":{…}}
//
// Field order and names are frozen by testdata/account.golden.json.
type wire struct {
	Format       int             `json:"format"`
	Epoch        uint64          `json:"epoch"`
	Enrollment   json.RawMessage `json:"enrollment"`
	Recovery     recovery.Set    `json:"recovery,omitzero"`
	Browsers     []trust.Browser `json:"browsers,omitempty"`
	Revocations  uint64          `json:"revocations,omitzero"`
	Budget       throttle.Budget `json:"budget,omitzero"`
	RecoveryRate throttle.Rate   `json:"recovery_rate,omitzero"`
	TicketKey    TicketKey       `json:"ticket_key,omitzero"`
	Spent        []Spent         `json:"spent,omitempty"`
	UsedUpTo     int64           `json:"forgotten,omitzero"`
	SessionsFrom time.Time       `json:"sessions_from,omitzero"`
	PasswordAt   time.Time       `json:"password_at,omitzero"`
	Grace        Grace           `json:"grace,omitzero"`
	Issued       Issued          `json:"issued,omitzero"`
	Suspicion    Suspicion       `json:"suspicion,omitzero"`
	Machine      string          `json:"machine,omitempty"`
	Freeze       Freeze          `json:"freeze,omitzero"`
	Phones       json.RawMessage `json:"phones,omitempty"`
	Assigned     string          `json:"assigned,omitempty"`
	Sends        phone.Sends     `json:"sends,omitzero"`
	Tenant       Tenant          `json:"tenant,omitzero"`
	Activity     event.Activity  `json:"activity,omitzero"`
}

// encode REVEALS the secrets of a: it is for sealing only.
func encode(a Account) ([]byte, error) {
	var phones json.RawMessage
	if !a.Phones.IsZero() {
		phones = a.Phones.Encode()
	}
	return json.Marshal(wire{
		Format:       format,
		Epoch:        a.Generation,
		Enrollment:   a.Enrollment.Encode(),
		Recovery:     a.Recovery,
		Browsers:     a.Browsers,
		Revocations:  a.Revocations,
		Budget:       a.Budget,
		RecoveryRate: a.RecoveryRate,
		TicketKey:    a.TicketKey,
		Spent:        a.Spent,
		UsedUpTo:     a.UsedUpTo,
		SessionsFrom: a.SessionsFrom,
		PasswordAt:   a.PasswordAt,
		Grace:        a.Grace,
		Issued:       a.Issued,
		Suspicion:    a.Suspicion,
		Machine:      a.Machine,
		Freeze:       a.Freeze,
		Phones:       phones,
		Assigned:     a.Assigned,
		Sends:        a.Sends,
		Tenant:       a.Tenant,
		Activity:     a.Activity,
	})
}

func decode(data []byte) (Account, error) {
	var w wire
	if err := strictjson.Decode(data, &w); err != nil {
		return Account{}, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if w.Format != format {
		return Account{}, fmt.Errorf("%w: %d", ErrFormat, w.Format)
	}
	e, err := enroll.Decode(w.Enrollment)
	if err != nil {
		return Account{}, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	var phones phone.State
	if w.Phones != nil {
		if phones, err = phone.Decode(w.Phones); err != nil {
			return Account{}, fmt.Errorf("%w: %w", ErrFormat, err)
		}
	}
	return Account{
		Generation:   w.Epoch,
		Enrollment:   e,
		Recovery:     w.Recovery,
		Browsers:     w.Browsers,
		Revocations:  w.Revocations,
		Budget:       w.Budget,
		RecoveryRate: w.RecoveryRate,
		TicketKey:    w.TicketKey,
		Spent:        w.Spent,
		UsedUpTo:     w.UsedUpTo,
		SessionsFrom: w.SessionsFrom,
		PasswordAt:   w.PasswordAt,
		Grace:        w.Grace,
		Issued:       w.Issued,
		Suspicion:    w.Suspicion,
		Machine:      w.Machine,
		Freeze:       w.Freeze,
		Phones:       phones,
		Assigned:     w.Assigned,
		Sends:        w.Sends,
		Tenant:       w.Tenant,
		Activity:     w.Activity,
	}, nil
}

// Seal makes the record of a that replaces another. Tenant, user, version,
// state word and format are associated data: whoever can write to the database
// still cannot move a record to another user, bring an old one back under a
// new version, or relabel one as disabled.
func Seal(keys *keyring.Ring, id store.AccountID, a Account, at time.Time) (*store.Record, error) {
	plain, err := encode(a)
	if err != nil {
		return nil, fmt.Errorf("account: encode: %w", err)
	}
	r := &store.Record{
		ID:      id,
		Version: store.NewVersion(),
		State:   a.State(id, at),
		Updated: at,
	}
	r.Sealed = keys.Seal(purpose, plain, associated(*r)...)
	return r, nil
}

// Open is the reverse of Seal.
func Open(keys *keyring.Ring, r store.Record) (Account, error) {
	plain, err := keys.Open(purpose, r.Sealed, associated(r)...)
	if err != nil {
		return Account{}, fmt.Errorf("account: open record: %w", err)
	}
	return decode(plain)
}

func associated(r store.Record) []string {
	return []string{r.ID.Tenant, r.ID.User, r.Version.String(), r.State, strconv.Itoa(format)}
}
