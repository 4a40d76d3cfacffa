package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A package that passes is shown by its last line; one that fails, by the output of the
// tests that did not pass, and its own lines. All other lines are shown unchanged.
func TestReport(t *testing.T) {
	in := `{"Action":"start","Package":"a"}
{"Action":"run","Package":"a","Test":"TestOne"}
{"Action":"output","Package":"a","Test":"TestOne","Output":"one\n"}
{"Action":"pass","Package":"a","Test":"TestOne","Elapsed":2.5}
{"Action":"output","Package":"a","Output":"PASS\n"}
{"Action":"output","Package":"a","Output":"ok  \ta\t1.0s\n"}
{"Action":"pass","Package":"a","Elapsed":1}
{"Action":"start","Package":"b"}
{"Action":"output","Package":"b","Test":"TestGood","Output":"good\n"}
{"Action":"pass","Package":"b","Test":"TestGood","Elapsed":0.5}
{"Action":"output","Package":"b","Test":"TestBad","Output":"bad\n"}
{"Action":"fail","Package":"b","Test":"TestBad","Elapsed":3}
{"Action":"output","Package":"b","Test":"TestHung","Output":"stacks\n"}
{"Action":"output","Package":"b","Output":"FAIL\tb\t1.0s\n"}
{"Action":"fail","Package":"b","Elapsed":1}
{"ImportPath":"c","Action":"build-output","Output":"c.go:1: wrong\n"}
what is no entry
`
	var out strings.Builder
	r := newReport(&out)
	require.NoError(t, r.follow(strings.NewReader(in), nil))
	require.Equal(t, "ok  \ta\t1.0s\nbad\nstacks\nFAIL\tb\t1.0s\nc.go:1: wrong\nwhat is no entry\n", out.String())

	out.Reset()
	r.slowest(2)
	require.Equal(t, "     3.0 s  b TestBad\n     2.5 s  a TestOne\n", out.String())
}

// Every minute it names the packages that have been running for a while.
func TestUnderWay(t *testing.T) {
	var out strings.Builder
	r := newReport(&out)
	r.line(`{"Action":"start","Package":"a"}`)
	r.underWay(r.began["a"].Add(time.Second))
	require.Empty(t, out.String())
	r.underWay(r.began["a"].Add(62 * time.Second))
	require.Equal(t, "...\trunning: a (1m2s)\n", out.String())
}
