package totp

import (
	"bytes"
	"crypto/hmac"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// A source of randomness that fails, ends or answers little by little never yields a key with known bytes.
func TestNewKeySource(t *testing.T) {
	broken := errors.New("broken")
	full := bytes.Repeat([]byte{0xa5}, 64)
	for name, c := range map[string]struct {
		source io.Reader
		err    error
	}{
		"error at once":     {iotest.ErrReader(broken), broken},
		"error after some":  {io.MultiReader(bytes.NewReader(full[:19]), iotest.ErrReader(broken)), broken},
		"end at once":       {bytes.NewReader(nil), io.EOF},
		"short":             {bytes.NewReader(full[:19]), io.ErrUnexpectedEOF},
		"zeros":             {bytes.NewReader(make([]byte, 64)), ErrSecret},
		"timeout":           {iotest.TimeoutReader(iotest.OneByteReader(bytes.NewReader(full))), iotest.ErrTimeout},
		"one byte a time":   {iotest.OneByteReader(bytes.NewReader(full)), nil},
		"data with the end": {iotest.DataErrReader(bytes.NewReader(full[:20])), nil},
	} {
		key, err := newKey(Params{}, c.source)
		if c.err == nil {
			require.NoError(t, err, name)
			require.Equal(t, full[:20], key.reveal().secret, name)
			continue
		}
		require.ErrorIs(t, err, c.err, name)
		require.ErrorIs(t, err, ErrSecret, name)
		require.True(t, key.IsZero(), name)
	}
}

// The HMAC from saved states equals that of crypto/hmac for every length of key: shorter
// than a block, exactly one, and longer, where the key is hashed first.
func TestMACIsHMAC(t *testing.T) {
	random := rand.NewChaCha8([32]byte{1})
	n := 0
	for a := range algorithms {
		algorithm := Algorithm(a)
		for length := minSecret; length <= 160; length++ {
			key := make([]byte, length)
			_, _ = random.Read(key)
			m, err := newMAC(algorithm, key)
			require.NoError(t, err)
			for _, counter := range []uint64{0, 1, random.Uint64(), 1<<63 - 1} {
				s, err := algorithm.acquire()
				require.NoError(t, err)
				sum, err := m.sum(s, counter)
				require.NoError(t, err)
				h := hmac.New(algorithms[a].make, key)
				require.NoError(t, binary.Write(h, binary.BigEndian, counter))
				require.Equal(t, h.Sum(nil), sum, "%v, %d bytes", algorithm, length)

				// The path of a key that is used for the first time, and that of the FIPS
				// module.
				fresh := &material{params: Params{Algorithm: algorithm, Digits: 8}, secret: key}
				var first, module [1]uint32
				fresh.once(first[:], counter)
				fresh.byModule(module[:], counter)
				require.Equal(t, truncate(sum, 8), first[0], "%v, %d bytes", algorithm, length)
				require.Equal(t, first, module)
				algorithm.release(s)
				n++
			}
		}
	}
	require.Equal(t, 3*145*4, n)
}

// A hash that refuses to work is an error at once, not a panic later or a code made of nothing.
func TestMACRefusal(t *testing.T) {
	key, err := newKey(Params{}, bytes.NewReader(bytes.Repeat([]byte{1}, 20)))
	require.NoError(t, err)
	m := key.reveal()
	mac, err := m.absorbed()
	require.NoError(t, err)
	mac.outer = mac.outer[:8]
	_, err = m.codes(1, 1)
	require.ErrorIs(t, err, ErrParams)
	_, err = key.Code(key.Start(1))
	require.ErrorIs(t, err, ErrParams)
	_, err = key.Verify("123456", key.Start(1), 0, Standard())
	require.ErrorIs(t, err, ErrParams)
	_, err = key.VerifyPair("123456", "123456", key.Start(1), 0, Standard())
	require.ErrorIs(t, err, ErrParams)
}

// The remainder by constants is the one of RFC 4226, section 5.4: its example, and the
// largest possible value.
func TestTruncate(t *testing.T) {
	// RFC 4226, section 5.4.
	sum := []byte{0x1f, 0x86, 0x98, 0x69, 0x0e, 0x02, 0xca, 0x16, 0x61, 0x85, 0x50, 0xef, 0x7f, 0x19, 0xda, 0x8e, 0x94, 0x5b, 0x55, 0x5a}
	require.Equal(t, uint32(872921), truncate(sum, 6))
	require.Equal(t, uint32(7872921), truncate(sum, 7))
	require.Equal(t, uint32(57872921), truncate(sum, 8))
	ones := bytes.Repeat([]byte{0xff}, 20)
	require.Equal(t, uint32(483647), truncate(ones, 6)) // 2^31-1
	require.Equal(t, "000042", string(appendDigits(nil, 42, 6)))
}
