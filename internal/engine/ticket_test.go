package engine

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/internal/account"
	"github.com/totpflow/totpflow/internal/wire"
	"github.com/totpflow/totpflow/internal/wire/wiretest"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/store"
)

var proofs = Kind{Name: "totpflow/proof", Lifetime: 5 * time.Minute}

func aTicket() Ticket {
	return Ticket{
		ID: "0123456789ABCDEF", Kind: proofs.Name, Tenant: "acme", User: "42", Name: "ana@example.com", Issued: at,
		Action: "disable", Target: "ABCDEFGH", Reason: "code", Candidate: "ABCDEFGHIJKLMNOPQRSTUVWXYZ", Revocations: 3,
	}
}

// The format of sealed tickets, which the account signs. Tickets live for minutes, but a
// rolling upgrade must read them.
func TestGoldenTicket(t *testing.T) {
	ticket := aTicket()
	require.Equal(t, ticket, wiretest.Golden(t, "testdata/ticket", &ticket))
	wiretest.Strict(t, &ticket)
	wiretest.Strict(t, &Ticket{})
}

// The comment of the type describes the ticket as it is.
func TestDocDescribesTheTicket(t *testing.T) {
	ticket := aTicket()
	wiretest.Documented(t, "ticket.go", &ticket)
}

// A sealed text has one spelling, whatever its length: no other last character, whose lowest
// bits base64 may leave unused, and no line end.
func TestSealedTextHasOneSpelling(t *testing.T) {
	e := newEngine(store.NewMemory(), ring(t), &hears{}, clock)
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for n := range 4 {
		sealed := e.Seal(proofs.Name, make([]byte, n))
		_, err := e.Unseal(proofs.Name, sealed)
		require.NoError(t, err)
		body, last := sealed[:len(sealed)-1], sealed[len(sealed)-1:]
		for _, c := range alphabet {
			if string(c) != last {
				_, err = e.Unseal(proofs.Name, body+string(c))
				require.Error(t, err, "%d bytes, %q", n, c)
			}
		}
		_, err = e.Unseal(proofs.Name, body+"\n"+last)
		require.ErrorIs(t, err, ErrTicket)
	}
}

// A ticket comes back as it was issued, and is valid for the account that signed it; a
// ticket of another kind is not, and neither is one that was signed for another kind.
func TestSealTicket(t *testing.T) {
	e := newEngine(store.NewMemory(), ring(t), &hears{}, clock)
	tx := &Tx{Now: at, Account: account.Account{}, id: id}
	sealed := e.SealTicket(proofs, tx, Ticket{Tenant: id.Tenant, User: id.User, Action: "disable"})
	require.True(t, tx.save, "the key that signs it is drawn and written")
	require.Less(t, len(sealed), 256)
	back, err := e.UnsealTicket(proofs, sealed)
	require.NoError(t, err)
	require.Equal(t, id, back.Account())
	require.Equal(t, "disable", back.Action)
	require.Equal(t, at, back.Issued)
	require.True(t, back.Valid(tx))

	challenges := Kind{Name: "totpflow/challenge", Lifetime: time.Minute}
	_, err = e.UnsealTicket(challenges, sealed)
	require.ErrorIs(t, err, ErrTicket)
	plain, err := e.Unseal(proofs.Name, sealed)
	require.NoError(t, err)
	_, err = e.UnsealTicket(challenges, e.Seal(challenges.Name, plain))
	require.ErrorIs(t, err, ErrTicket, "the ring can seal it for another kind, and only the account can sign that")
	for name, plain := range map[string][]byte{
		"a byte more":     append(plain, 0),
		"a byte less":     plain[:len(plain)-1],
		"a newer format":  append(append(append([]byte(nil), plain[:32]...), wire.Newest+1), plain[33:]...),
		"JSON":            append(plain[:32:32], `{"id":"x","kind":"totpflow/proof","user":"42"}`...),
		"the tag alone":   plain[:32],
		"half of its tag": plain[:16],
	} {
		_, err := e.UnsealTicket(proofs, e.Seal(proofs.Name, plain))
		require.ErrorIs(t, err, ErrTicket, name)
	}
	require.Empty(t, e.SealTicket(proofs, tx, Ticket{User: "42", Action: strings.Repeat("x", maxText+1)}), "too long for a ticket")
}

// A string that anybody sends as a ticket is refused, unless it is exactly a ticket that
// was issued.
func FuzzTicket(f *testing.F) {
	keys, err := keyring.Parse("totpflow-keys-1:xchacha20-poly1305:1:b6a8995c.K-zNRt6ndqgtn2tAd5a8P-rNfSs7ps5ukpYOx0GPIkc")
	require.NoError(f, err)
	e := newEngine(store.NewMemory(), keys, &hears{}, clock)
	ticket := aTicket()
	f.Add(wiretest.Write(f, &ticket), e.SealTicket(proofs, &Tx{Now: at, id: id}, ticket))
	f.Add(wiretest.Write(f, &Ticket{}), base64.RawURLEncoding.EncodeToString(make([]byte, 64)))
	f.Fuzz(func(t *testing.T, plain []byte, sealed string) {
		wiretest.TryRead[Ticket](t, plain)
		if _, err := e.UnsealTicket(proofs, sealed); err != nil {
			require.ErrorIs(t, err, ErrTicket)
		}
	})
}
