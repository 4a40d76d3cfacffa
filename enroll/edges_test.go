package enroll_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/totp"
)

// Two processes' clocks differ by half a minute at most: a candidate that begins so far
// in the future is valid, and one further ahead is over.
func TestACandidateOfTheFuture(t *testing.T) {
	e, c, err := enroll.Enrollment{}.Begin(noon, keyA, "", false)
	require.NoError(t, err)
	_, is := e.Candidate(noon.Add(-30 * time.Second))
	require.True(t, is)
	_, is = e.Candidate(noon.Add(-30*time.Second - time.Millisecond))
	require.False(t, is)
	_, _, err = e.Confirm(noon.Add(-time.Hour), c.ID, "123456", totp.Standard())
	require.ErrorIs(t, err, enroll.ErrExpired)
	long := time.Unix(-1, 0)
	_, _, err = e.Confirm(long, "another", "123456", totp.Standard())
	require.ErrorIs(t, err, totp.ErrTime)
	require.NotErrorIs(t, err, enroll.ErrStale)
	_, err = e.Cancel(long, "another")
	require.ErrorIs(t, err, totp.ErrTime)
	_, err = e.Reset(long)
	require.ErrorIs(t, err, totp.ErrTime)
}

// A secret that is added and removed many times takes one place among the used codes: a
// person who does so twenty times must not push out the used codes of another secret.
func TestComingAndGoingForgetsNobody(t *testing.T) {
	slow, quick := mustKey(keyA.Secret(), totp.Params{Period: 2 * time.Minute}), mustKey(keyB.Secret(), totp.Params{Period: 15 * time.Second})
	e, err := enrolled(t, noon, slow).Reset(noon)
	require.NoError(t, err)
	at := noon
	for range 25 {
		at = at.Add(15 * time.Second)
		e, err = add(t, e, at, quick, "").Reset(at)
		require.NoError(t, err)
	}
	e, c, err := e.Begin(at, slow, "", false)
	require.NoError(t, err)
	_, _, err = e.Confirm(at, c.ID, code(t, slow, noon), totp.Window{Past: 4})
	require.ErrorIs(t, err, totp.ErrAlreadyUsed)
}

// Using a code under a clock that is behind does not shorten the memory of used codes.
func TestBurnByAClockBehindForgetsNothing(t *testing.T) {
	e, err := enrolled(t, noon, keyA).Reset(noon)
	require.NoError(t, err)
	e = e.MarkUsed(noon.Add(-time.Hour), totp.Standard())
	at := noon.Add(30 * time.Second)
	e, c, err := e.Begin(at, keyA, "", false)
	require.NoError(t, err)
	_, _, err = e.Confirm(at, c.ID, code(t, keyA, noon), totp.Standard())
	require.ErrorIs(t, err, totp.ErrAlreadyUsed)
}

// The page that offers a second authenticator shows the name that it will get.
func TestTheOfferedNameIsTheLaterOne(t *testing.T) {
	e := add(t, enroll.Enrollment{}, noon, keyA, "Phone")
	_, c, err := e.Begin(noon, keyB, "Phone", true)
	require.NoError(t, err)
	require.Equal(t, "Phone 2", c.Name)
	_, c, err = e.Begin(noon, keyB, "Phone", false)
	require.NoError(t, err)
	require.Equal(t, "Phone", c.Name, "the other one goes")
}

// A picture paints each dark module once, and has no empty run.
func TestSVGPaintsOnce(t *testing.T) {
	for _, l := range labels {
		painted := map[[2]int]bool{}
		svg := mustOffer(t, keyA, l).SVG()
		for _, m := range run.FindAllStringSubmatch(svg, -1) {
			x, y, n := number(t, m[1]), number(t, m[2]), number(t, m[3])
			require.Positive(t, n)
			for i := range n {
				require.False(t, painted[[2]int{x + i, y}])
				painted[[2]int{x + i, y}] = true
			}
		}
		require.NotEmpty(t, painted)
	}
}

// A drift error is a rejection, and matches none of the other reasons.
func TestDriftIsARejectionOnly(t *testing.T) {
	drift := &enroll.DriftError{Off: time.Minute}
	require.ErrorIs(t, drift, totp.ErrRejected)
	for _, other := range []error{totp.ErrAlreadyUsed, totp.ErrMalformedCode, enroll.ErrStale, enroll.ErrClock} {
		require.NotErrorIs(t, drift, other)
	}
}

func number(t *testing.T, text string) int {
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	return n
}
