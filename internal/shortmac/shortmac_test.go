package shortmac_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/internal/shortmac"
)

// Sum equals the MAC of crypto/hmac for every length of key and message around the sizes
// at which its algorithm branches. In FIPS 140-3 mode, in which the tests run too, this
// is trivially true.
func TestSumIsHMAC(t *testing.T) {
	random := rand.NewChaCha8([32]byte{1})
	for length := range 130 {
		key := make([]byte, length)
		_, _ = random.Read(key)
		for _, n := range []int{0, 1, 63, 64, 65, 447, 448, 449, 2000} {
			data := make([]byte, n)
			_, _ = random.Read(data)
			h := hmac.New(sha256.New, key)
			h.Write(data)
			got := shortmac.Sum(key, data)
			require.Equal(t, h.Sum(nil), got[:], "key of %d bytes, message of %d", length, n)
		}
	}
}
