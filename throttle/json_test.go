package throttle_test

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/throttle"
)

// The stored format. A change of this file is a change of every stored account:
// raise the version instead.
func TestGolden(t *testing.T) {
	p := throttle.Default()
	at := time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC)
	b := throttle.Budget{}.
		Fail(at, p, "first", 3).
		Fail(at.Add(3*time.Hour), p, "second", 15).
		Fail(at.Add(3*time.Hour+time.Minute), p, "third", 3).
		Fail(at.Add(9*time.Hour), p, "fourth", 1).
		Fail(at.Add(9*time.Hour+30*time.Second), p, "fourth", 1)
	b, err := b.Pair(at.Add(9*time.Hour+40*time.Second), p)
	require.NoError(t, err)
	r, err := throttle.Rate{}.Take(at, 10, time.Hour)
	require.NoError(t, err)
	r, err = r.Take(at.Add(time.Minute), 10, time.Hour)
	require.NoError(t, err)

	type record struct {
		Budget throttle.Budget `json:"budget,omitzero"`
		Rate   throttle.Rate   `json:"rate,omitzero"`
		Fresh  throttle.Budget `json:"fresh,omitzero"`
		Unused throttle.Rate   `json:"unused,omitzero"`
	}
	was := record{Budget: b, Rate: r}
	got, err := json.Marshal(was)
	require.NoError(t, err)
	want, err := os.ReadFile("testdata/budget.json")
	require.NoError(t, err)
	require.Equal(t, string(bytes.TrimSpace(want)), string(got))

	var read record
	require.NoError(t, json.Unmarshal(want, &read))
	require.Equal(t, was, read)
}

func TestDecodingRefuses(t *testing.T) {
	var b throttle.Budget
	var r throttle.Rate
	fresh := []string{`{"v":1}`, `{"v":1,"hours":[],"recent":[]}`}
	for _, data := range fresh {
		require.NoError(t, json.Unmarshal([]byte(data), &b))
		require.Equal(t, throttle.Budget{}, b)
	}
	bad := map[string]string{
		"nothing":             `null`,
		"no version":          `{}`,
		"another version":     `{"v":2}`,
		"an unknown field":    `{"v":1,"free":9}`,
		"no object":           `[]`,
		"a text":              `"1"`,
		"a negative run":      `{"v":1,"run":-1}`,
		"a run over the row":  `{"v":1,"run":2,"row":1}`,
		"an endless row":      `{"v":1,"row":1000001}`,
		"negative pairs":      `{"v":1,"pairs":-1}`,
		"a strange time":      `{"v":1,"last":9223372036854775807}`,
		"a strange refill":    `{"v":1,"since":-9223372036854775808}`,
		"half an hour":        `{"v":1,"hours":[1]}`,
		"an hour twice":       `{"v":1,"hours":[5,1,0,1]}`,
		"hours backwards":     `{"v":1,"hours":[5,1,-1,1]}`,
		"an empty hour":       `{"v":1,"hours":[5,0]}`,
		"a negative charge":   `{"v":1,"hours":[5,-3]}`,
		"a strange hour":      `{"v":1,"hours":[9223372036854775807,3]}`,
		"overflowing hours":   `{"v":1,"hours":[300000000,3,300000000,3]}`,
		"hours as text":       `{"v":1,"hours":"5,3"}`,
		"a charge of nothing": `{"v":1,"recent":[{"at":1,"chances":0,"challenge":"0123456789abcdef"}]}`,
		"a long challenge":    `{"v":1,"recent":[{"at":1,"chances":1,"challenge":"0123456789abcdefg"}]}`,
		"a field in a charge": `{"v":1,"recent":[{"at":1,"chances":1,"challenge":"0123456789abcdef","x":1}]}`,
	}
	for name, data := range bad {
		b := throttle.Budget{}.Fail(start, throttle.Default(), "", 3)
		before := encode(t, b)
		require.ErrorIs(t, json.Unmarshal([]byte(data), &b), throttle.ErrFormat, name)
		require.Equal(t, before, encode(t, b), "%s: no half-read budget", name)
	}
	require.ErrorIs(t, b.UnmarshalJSON([]byte(`{"v":1}{"v":1}`)), throttle.ErrFormat)
	for _, data := range []string{`null`, `{}`, `{"v":2}`, `{"v":1,"n":1}`, `{"v":1,"taken":[2,1]}`, `{"v":1,"taken":[9223372036854775807]}`} {
		require.ErrorIs(t, json.Unmarshal([]byte(data), &r), throttle.ErrFormat, data)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"v":1,"run":5,"row":5,"last":1767355475,"hours":[490923,3,3,18],"recent":[{"at":1767355475,"chances":1,"challenge":"ZtOz7hAWt8S1_fWk"}],"pairs":1,"since":1767355485}`))
	f.Add([]byte(`{"v":1,"hours":[-5,1,300,2]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var b throttle.Budget
		if json.Unmarshal(data, &b) != nil {
			require.True(t, b.IsZero(), "a refused budget must leave nothing")
			return
		}
		b = reread(t, b)
		p := throttle.Default()
		_ = refusal(t, b, start, p, guess)
		_, _ = b.Pair(start, p)
		reread(t, b.Fail(start, p, "x", guess))
		reread(t, b.Succeed(start, "x"))
	})
}

func FuzzDecodeRate(f *testing.F) {
	f.Add([]byte(`{"v":1,"taken":[1767323045,1767323105]}`))
	f.Add([]byte(`{"v":1,"taken":[-1099511627776,1099511631376]}`))
	f.Add([]byte(`{"v":1,"taken":[2,1]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var r throttle.Rate
		if err := json.Unmarshal(data, &r); err != nil {
			require.True(t, r.IsZero(), "a refused rate must leave nothing")
			return
		}
		text, err := json.Marshal(r)
		require.NoError(t, err)
		var back throttle.Rate
		require.NoError(t, json.Unmarshal(text, &back))
		require.Equal(t, r, back)
		for range 10 { // whatever was read, so many more are let through at most
			if r, err = r.Take(start, 10, time.Hour); err != nil {
				break
			}
		}
		_, err = r.Take(start, 10, time.Hour)
		var refused *throttle.Error
		require.ErrorAs(t, err, &refused)
		require.True(t, refused.Until.After(start))
		_, err = r.Take(refused.Until.Add(-1), 10, time.Hour)
		require.Error(t, err, "not earlier than it says")
		if refused.Until.Year() < 9999 {
			next, err := r.Take(refused.Until, 10, time.Hour)
			require.NoError(t, err, "and not later")
			text, err = json.Marshal(next)
			require.NoError(t, err)
			require.LessOrEqual(t, len(text), 2<<10)
		}
	})
}
