package history_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/tests/rigs/history"
)

// Histories of a few operations, judged by the contract of package store for answers, and
// by that of package totpflow for codes. Operations in one line follow each other if
// their times do not overlap.
func TestCheck(t *testing.T) {
	type op = history.Op
	for name, c := range map[string]struct {
		right bool
		ops   []op
	}{
		"a read sees the write before it": {true, []op{
			{Do: "put", New: "1", Call: 1, Return: 2, Answer: "done"}, {Do: "get", Call: 3, Return: 4, Answer: "done", Saw: "1"}}},
		"a read does not": {false, []op{
			{Do: "put", New: "1", Call: 1, Return: 2, Answer: "done"}, {Do: "get", Call: 3, Return: 4, Answer: "absent"}}},
		"a read beside the write may see either": {true, []op{
			{Do: "put", New: "1", Call: 1, Return: 9, Answer: "done"}, {Do: "get", Call: 3, Return: 4, Answer: "absent"},
			{Do: "get", Call: 5, Return: 6, Answer: "done", Saw: "1"}}},
		"but not the new and then the old": {false, []op{
			{Do: "put", New: "1", Call: 1, Return: 9, Answer: "done"}, {Do: "get", Call: 3, Return: 4, Answer: "done", Saw: "1"},
			{Do: "get", Call: 5, Return: 6, Answer: "absent"}}},
		"two writers over one version": {false, []op{
			{Do: "put", New: "1", Call: 1, Return: 9, Answer: "done"}, {Do: "put", New: "2", Call: 1, Return: 9, Answer: "done"}}},
		"a conflict with the other": {true, []op{
			{Do: "put", New: "1", Call: 1, Return: 9, Answer: "done"}, {Do: "put", New: "2", Call: 1, Return: 9, Answer: "conflict"}}},
		"a conflict with nobody": {false, []op{{Do: "put", New: "1", Call: 1, Return: 2, Answer: "conflict"}}},
		"a conflict that wrote": {false, []op{
			{Do: "put", New: "1", Call: 1, Return: 9, Answer: "done"}, {Do: "put", New: "2", Call: 1, Return: 9, Answer: "conflict"},
			{Do: "get", Call: 10, Return: 11, Answer: "done", Saw: "2"}}},
		"a write without an answer that comes late": {true, []op{
			{Do: "put", New: "1", Call: 1}, {Do: "get", Call: 3, Return: 4, Answer: "absent"},
			{Do: "get", Call: 5, Return: 6, Answer: "done", Saw: "1"}}},
		"and never": {true, []op{{Do: "put", New: "1", Call: 1}, {Do: "get", Call: 3, Return: 4, Answer: "absent"}}},
		"but not before it was asked for": {false, []op{
			{Do: "get", Call: 1, Return: 2, Answer: "done", Saw: "1"}, {Do: "put", New: "1", Call: 3}}},
		"and not twice": {false, []op{
			{Do: "put", New: "1", Call: 1}, {Do: "get", Call: 3, Return: 4, Answer: "done", Saw: "1"},
			{Do: "delete", Was: "1", Call: 5, Return: 6, Answer: "done"}, {Do: "get", Call: 7, Return: 8, Answer: "done", Saw: "1"}}},
		"what is not there is not deleted": {false, []op{{Do: "delete", Call: 1, Return: 2, Answer: "done"}}},

		"a code is valid once": {true, []op{
			{Do: "verify", Step: 7, Call: 1, Return: 9, Answer: "done"}, {Do: "verify", Step: 7, Call: 1, Return: 9, Answer: "used"}}},
		"not twice": {false, []op{
			{Do: "verify", Step: 7, Call: 1, Return: 9, Answer: "done"}, {Do: "verify", Step: 7, Call: 1, Return: 9, Answer: "done"}}},
		"nor after a newer one": {false, []op{
			{Do: "verify", Step: 8, Call: 1, Return: 2, Answer: "done"}, {Do: "verify", Step: 7, Call: 3, Return: 4, Answer: "done"}}},
		"used by nobody": {false, []op{{Do: "verify", Step: 7, Call: 1, Return: 2, Answer: "used"}}},
		"used by who got no answer": {true, []op{
			{Do: "verify", Step: 7, Call: 1}, {Do: "verify", Step: 7, Call: 3, Return: 4, Answer: "used"}}},
		"not used by who got no answer": {true, []op{
			{Do: "verify", Step: 7, Call: 1}, {Do: "verify", Step: 7, Call: 3, Return: 4, Answer: "done"}}},
	} {
		_, err := history.Check(c.ops)
		if c.right {
			require.NoError(t, err, name)
		} else {
			require.ErrorIs(t, err, history.ErrHistory, name)
		}
	}
}

// Histories of several records are kept apart, and the answers are counted.
func TestCheckCounts(t *testing.T) {
	saw, err := history.Check([]history.Op{
		{Of: "a", Do: "put", New: "1", Call: 1, Return: 2, Answer: "done"},
		{Of: "b", Do: "get", Call: 3, Return: 4, Answer: "absent"},
		{Of: "b", Do: "put", Was: "7", New: "8", Call: 3, Return: 4, Answer: "conflict"},
		{Of: "b", Do: "get", Call: 5},
	})
	require.NoError(t, err)
	require.Equal(t, "0 rounds, 4 attempts, 2 successes, 1 refused, 1 unavailable", saw.String())
}
