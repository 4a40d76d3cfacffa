package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A profile is summed by package. The line with the names of the columns is left out.
func TestByPackage(t *testing.T) {
	text := `      flat  flat%   sum%        cum   cum%
     150ms 30.00% 30.00%      150ms 30.00%  crypto/sha1.blockSHANI
      50ms 10.00% 40.00%       50ms 10.00%  github.com/totpflow/totpflow/totp.(*mac).sum
     150ms 30.00% 70.00%      150ms 30.00%  crypto/sha1.Sum (inline)
      20ms  4.00% 74.00%       20ms  4.00%  github.com/totpflow/totpflow/internal/wire.List[go.shape.struct { ID string }]`
	require.Equal(t, strings.Join([]string{" 60.0 %  crypto/sha1", " 10.0 %  totpflow/totp", "  4.0 %  totpflow/internal/wire"}, "\n"), byPackage(text))
}
