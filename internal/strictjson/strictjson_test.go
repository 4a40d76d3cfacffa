package strictjson_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/internal/strictjson"
)

func TestDecode(t *testing.T) {
	type record struct {
		V int `json:"v"`
	}
	for data, ok := range map[string]bool{
		`{"v":1}`:          true,
		" {\"v\":1}\n":     true,
		`{"v":1,"more":2}`: false,
		`{"v":1}{}`:        false,
		`{"v":1} x`:        false,
		`{"v":"1"}`:        false,
		`{"v":1`:           false,
		``:                 false,
	} {
		var r record
		err := strictjson.Decode([]byte(data), &r)
		require.Equal(t, ok, err == nil, "%q: %v", data, err)
	}
}

func Example() {
	var record struct{ Frozen bool }
	fmt.Println(strictjson.Decode([]byte(`{"Frozen":true,"Until":"2027"}`), &record))
	// Output: strictjson: json: unknown field "Until"
}

// Decoding accepts one value of known fields, so that writing it again loses nothing.
func FuzzDecode(f *testing.F) {
	type record struct {
		V     int               `json:"v"`
		Text  string            `json:"text,omitempty"`
		Inner *record           `json:"inner,omitempty"`
		Map   map[string]string `json:"map,omitempty"`
	}
	f.Add([]byte(`{"v":1,"inner":{"v":2,"text":"x"},"map":{"a":"b"}}`))
	f.Add([]byte(`{"v":1}{"v":2}`))
	f.Add([]byte(`{"v":1,"inner":{"more":2}}`))
	f.Add([]byte(`{"V":1,"v":2}`))
	f.Add([]byte("{}\x00"))
	f.Add([]byte(strings.Repeat(`{"inner":`, 11000)))
	f.Fuzz(func(t *testing.T, data []byte) {
		var r record
		if strictjson.Decode(data, &r) != nil {
			return
		}
		require.True(t, json.Valid(data), "one value and nothing behind it")
		var all map[string]any
		require.NoError(t, json.Unmarshal(data, &all))
		for name := range all {
			require.Contains(t, []string{"v", "text", "inner", "map"}, strings.ToLower(name))
		}
		text, err := json.Marshal(r)
		require.NoError(t, err)
		var back record
		require.NoError(t, strictjson.Decode(text, &back))
		again, err := json.Marshal(back)
		require.NoError(t, err)
		require.Equal(t, string(text), string(again))
	})
}
