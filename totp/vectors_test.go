package totp_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/totp"
)

// The seeds of RFC 6238, appendix B, one as long as each hash.
const (
	seed20 = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	seed32 = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZA"
	seed64 = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNA"
)

// classes are the sentinels by the names that the vectors use.
var classes = map[string]error{
	"ErrMalformedCode": totp.ErrMalformedCode, "ErrRejected": totp.ErrRejected, "ErrAlreadyUsed": totp.ErrAlreadyUsed,
	"ErrWindow": totp.ErrWindow, "ErrTime": totp.ErrTime, "ErrSecret": totp.ErrSecret, "ErrParams": totp.ErrParams,
	"ErrURI": totp.ErrURI, "ErrLabel": totp.ErrLabel,
}

// text is an input that may be given in hexadecimal.
type text struct {
	Input    string `json:"input"`
	InputHex string `json:"input_hex"`
}

func (v text) bytes(t testing.TB) string {
	raw, err := hex.DecodeString(v.InputHex)
	require.NoError(t, err)
	return v.Input + string(raw)
}

// load reads a file of vectors. It fails on a field that the test does not know and on an
// empty list: either would leave a rule unchecked.
func load[V any](t testing.TB, name string) []V {
	data, err := os.ReadFile(filepath.Join("..", "testdata", "vectors", name))
	require.NoError(t, err)
	var file struct {
		About, Source string
		Vectors       []V
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	require.NoError(t, dec.Decode(&file))
	require.NotEmpty(t, file.Source)
	require.NotEmpty(t, file.Vectors, "%s has no vectors", name)
	return file.Vectors
}

// tally counts the classes that the vectors of one test had.
type tally map[string]int

// check compares err with the expected class, and reports whether the vector was to be
// accepted.
func (c tally) check(t testing.TB, expect string, err error, what any) bool {
	c[expect]++
	if expect == "accept" {
		require.NoError(t, err, "%+v", what)
		return true
	}
	require.Contains(t, classes, expect, "%+v", what)
	require.ErrorIs(t, err, classes[expect], "%+v", what)
	return false
}

func (c tally) requireSeen(t testing.TB, names ...string) {
	require.Len(t, c, len(names), "%v", c)
	for _, name := range names {
		require.NotZero(t, c[name], "no vector of class %s", name)
	}
}

func parse(t testing.TB, secret string, p totp.Params) totp.Key {
	key, err := totp.ParseSecret(secret, p)
	require.NoError(t, err)
	return key
}

func TestVectorsHOTP(t *testing.T) {
	vectors := load[struct {
		Secret, Code, Expect string
		Counter              int64
	}](t, "hotp.json")
	require.Len(t, vectors, 10)
	seen := tally{}
	for _, v := range vectors {
		code, err := parse(t, v.Secret, totp.Params{}).Code(time.Unix(v.Counter*30, 0))
		seen.check(t, v.Expect, err, v)
		require.Equal(t, v.Code, code)
	}
	seen.requireSeen(t, "accept")
}

func TestVectorsTOTP(t *testing.T) {
	vectors := load[struct {
		Algorithm, Secret, Code, Expect string
		At                              int64
		Step                            totp.Step
	}](t, "totp.json")
	require.Len(t, vectors, 18)
	seen := tally{}
	for _, v := range vectors {
		a, err := totp.ParseAlgorithm(v.Algorithm)
		require.NoError(t, err)
		key, at := parse(t, v.Secret, totp.Params{Algorithm: a, Digits: 8}), time.Unix(v.At, 0)
		code, err := key.Code(at)
		seen.check(t, v.Expect, err, v)
		require.Equal(t, v.Code, code)
		require.Equal(t, v.Step, key.Step(at))
		step, err := key.Verify(v.Code, at, 0, totp.Window{})
		require.NoError(t, err)
		require.Equal(t, v.Step, step)
	}
	seen.requireSeen(t, "accept")
}

func TestVectorsSecret(t *testing.T) {
	seen := tally{}
	for _, v := range load[struct {
		text
		Expect, Why string
		Bytes       string `json:"bytes_hex"`
	}](t, "secret.json") {
		key, err := totp.ParseSecret(v.bytes(t), totp.Params{})
		if !seen.check(t, v.Expect, err, v) {
			require.True(t, key.IsZero(), "%+v", v)
			requireSilent(t, err, v.bytes(t))
			continue
		}
		raw, err := hex.DecodeString(v.Bytes)
		require.NoError(t, err)
		require.Equal(t, encode(raw), key.Secret(), "%+v", v)
	}
	seen.requireSeen(t, "accept", "ErrSecret")
}

func TestVectorsParams(t *testing.T) {
	seen := tally{}
	for _, v := range load[struct {
		Algorithm totp.Algorithm
		Digits    int
		Period    int64 `json:"period_ms"`
		Expect    string
	}](t, "params.json") {
		p := totp.Params{Algorithm: v.Algorithm, Digits: v.Digits, Period: time.Duration(v.Period) * time.Millisecond}
		made, err := totp.NewKey(p)
		accepted := seen.check(t, v.Expect, err, v)
		_, err = totp.ParseSecret(seed20, p)
		require.Equal(t, accepted, err == nil, "%+v: both makers answer alike", v)
		require.Equal(t, accepted, !made.IsZero())
		if accepted && v.Digits != 0 {
			require.Equal(t, p, made.Params())
		}
	}
	seen.requireSeen(t, "accept", "ErrParams")
	key, err := totp.NewKey(totp.Params{})
	require.NoError(t, err)
	require.Equal(t, totp.Params{Algorithm: totp.SHA1, Digits: 6, Period: 30 * time.Second}, key.Params())
}

func TestVectorsLabel(t *testing.T) {
	seen, key := tally{}, parse(t, seed20, totp.Params{})
	for _, v := range load[struct{ Issuer, Account, Expect, URI, Why string }](t, "label.json") {
		uri, err := key.URI(totp.Label{Issuer: v.Issuer, Account: v.Account})
		if seen.check(t, v.Expect, err, v) {
			require.Equal(t, v.URI, uri)
			_, label, err := totp.ParseURI(uri)
			require.NoError(t, err)
			require.Equal(t, totp.Label{Issuer: v.Issuer, Account: v.Account}, label)
		} else {
			require.Empty(t, uri)
		}
	}
	seen.requireSeen(t, "accept", "ErrLabel")
}

func TestVectorsURI(t *testing.T) {
	seen := tally{}
	for _, v := range load[struct {
		text
		Expect, Issuer, Account, Secret, Algorithm, Canonical, Why string
		Digits, Period                                             int
	}](t, "uri.json") {
		key, label, err := totp.ParseURI(v.bytes(t))
		if !seen.check(t, v.Expect, err, v) {
			require.ErrorIs(t, err, totp.ErrURI)
			require.True(t, key.IsZero())
			require.Zero(t, label)
			for name, class := range classes {
				require.Equal(t, name == v.Expect || name == "ErrURI", errors.Is(err, class), "%+v: %v", v, err)
			}
			requireSilent(t, err, v.bytes(t))
			continue
		}
		require.Equal(t, totp.Label{Issuer: v.Issuer, Account: v.Account}, label, "%+v", v)
		require.Equal(t, v.Secret, key.Secret())
		p := key.Params()
		require.Equal(t, v.Algorithm, p.Algorithm.String())
		require.Equal(t, v.Digits, p.Digits)
		require.Equal(t, time.Duration(v.Period)*time.Second, p.Period)
		uri, err := key.URI(label)
		require.NoError(t, err)
		require.Equal(t, v.Canonical, uri, "%+v", v)
	}
	seen.requireSeen(t, "accept", "ErrURI", "ErrSecret", "ErrParams", "ErrLabel")
}

func TestVectorsCode(t *testing.T) {
	seen, at := tally{}, time.Unix(59, 0)
	for _, v := range load[struct {
		text
		Digits      int
		Expect, Why string
	}](t, "code.json") {
		key := parse(t, seed20, totp.Params{Digits: v.Digits})
		step, err := key.Verify(v.bytes(t), at, 0, totp.Window{})
		if seen.check(t, v.Expect, err, v) {
			require.Equal(t, totp.Step(1), step, "every spelling is the same step: %+v", v)
			_, err = key.Verify(v.bytes(t), at, step, totp.Window{})
			require.ErrorIs(t, err, totp.ErrAlreadyUsed, "no spelling works twice: %+v", v)
		} else {
			require.Zero(t, step)
		}
	}
	seen.requireSeen(t, "accept", "ErrMalformedCode", "ErrRejected")
}

func TestVectorsVerify(t *testing.T) {
	seen, key := tally{}, parse(t, seed20, totp.Params{})
	for _, v := range load[struct {
		Code, Expect, Why string
		At                int64
		After, Step       totp.Step
		Past, Future      int
	}](t, "verify.json") {
		step, err := key.Verify(v.Code, time.Unix(v.At, 0), v.After, totp.Window{Past: v.Past, Future: v.Future})
		seen.check(t, v.Expect, err, v)
		if err != nil {
			v.Step = v.After
		}
		require.Equal(t, v.Step, step, "%+v", v)
	}
	seen.requireSeen(t, "accept", "ErrAlreadyUsed", "ErrRejected", "ErrMalformedCode", "ErrWindow", "ErrTime")
}
