package keyfile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/totpflow/totpflow/keyring"
)

// Stage returns the ring string with a new key in second place: it opens what
// it has sealed, but seals nothing yet. Once every process knows it, [Promote]
// makes it the newest without anybody being refused meanwhile. A key in front
// from the start seals records that processes with the older ring do not open.
// The error is that of [keyring.Rotate].
func Stage(ring string) (next, id string, err error) {
	next, err = keyring.Rotate(ring)
	if err != nil {
		return "", "", err
	}
	head, keys := split(next)
	keys[0], keys[1] = keys[1], keys[0]
	id, _, _ = strings.Cut(keys[1], ".")
	return join(head, keys), id, nil
}

// Promote returns the ring string with the key of this id in front. The error
// wraps [keyring.ErrMalformed], or [keyring.ErrUnknownKey] for a key that the
// ring does not hold.
func Promote(ring, id string) (string, error) {
	if _, err := keyring.Parse(ring); err != nil {
		return "", err
	}
	head, keys := split(ring)
	i := slices.IndexFunc(keys, func(key string) bool { return strings.HasPrefix(key, id+".") })
	if i < 0 {
		return "", fmt.Errorf("%w: %s", keyring.ErrUnknownKey, id)
	}
	key := keys[i]
	return join(head, slices.Insert(slices.Delete(keys, i, i+1), 0, key)), nil
}

// split cuts a ring string, which has been parsed, into the part before the keys, and the
// keys. The form is documented by package keyring, and frozen.
func split(ring string) (head string, keys []string) {
	ring = strings.TrimRight(ring, "\r\n")
	i := strings.LastIndexByte(ring, ':') + 1
	return ring[:i], strings.Split(ring[i:], ",")
}

func join(head string, keys []string) string { return head + strings.Join(keys, ",") }
