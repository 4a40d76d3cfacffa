package strictjson_test

import (
	"fmt"
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
