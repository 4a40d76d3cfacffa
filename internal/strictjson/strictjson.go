// Package strictjson decodes what this library has stored, and nothing else. A
// field that a version does not know may be a restriction that it would not
// enforce, so it is an error, as is anything after the value.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Decode decodes data, which must be one JSON value without unknown fields,
// into v.
func Decode(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("strictjson: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("strictjson: more than one value")
	}
	return nil
}
