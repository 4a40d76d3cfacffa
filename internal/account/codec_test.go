package account

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The three records whose sizes and work are measured.
var measured = []struct {
	name               string
	make               func(testing.TB) Account
	sealed             int // bytes at most, sealed
	encoding, decoding int // allocations at most
}{
	{"fresh", fresh, 600, 4, 18},
	{"typical", typical, 1500, 6, 50},
	{"heavy", heavy, 2950, 8, 110},
}

// A record stays small. PostgreSQL keeps rows of up to about 2 KiB whole, which those of
// most accounts are; it moves a larger value, as the heavy one is, to another table, and
// reads both.
func TestSealedSize(t *testing.T) {
	for _, m := range measured {
		rec, err := Seal(ring(t), id, m.make(t), at, time.Time{})
		require.NoError(t, err)
		t.Logf("%s: %d bytes", m.name, len(rec.Sealed))
		require.LessOrEqual(t, len(rec.Sealed), m.sealed, m.name)
	}
}

// Reading and writing a record allocate little: each sign-in does both.
func TestCodecAllocations(t *testing.T) {
	for _, m := range measured {
		a := m.make(t)
		data, err := encode(&a)
		require.NoError(t, err)
		encoding := testing.AllocsPerRun(100, func() { _, _ = encode(&a) })
		decoding := testing.AllocsPerRun(100, func() { _ = new(Account).decode(data) })
		t.Logf("%s: %v to write, %v to read", m.name, encoding, decoding)
		require.LessOrEqual(t, int(encoding), m.encoding, m.name)
		require.LessOrEqual(t, int(decoding), m.decoding, m.name)
	}
}

func BenchmarkCodec(b *testing.B) {
	for _, m := range measured {
		a := m.make(b)
		data, err := encode(&a)
		require.NoError(b, err)
		b.Run("encode/"+m.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = encode(&a)
			}
		})
		b.Run("decode/"+m.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = new(Account).decode(data)
			}
		})
	}
}
