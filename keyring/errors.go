package keyring

import "errors"

var (
	// ErrMalformed is returned for a ring string that is not in its one
	// canonical form, or whose keys cannot be used. Its text never quotes the
	// string.
	ErrMalformed = errors.New("keyring: malformed ring")

	// ErrOpen matches, with [errors.Is], each error of [Ring.Open] and
	// [Ring.VerifyMAC]: whatever the reason, the content must not be used.
	ErrOpen = errors.New("keyring: seal or tag refused")

	// ErrUnknownKey means that the ring has no key with this id: it was retired, or this
	// process has an older ring than the writer. Operators should hear of it; it is not a
	// sign of an attack by itself.
	ErrUnknownKey error = refusal("keyring: no key with this id in the ring")

	// ErrUnknownSuite means that this version cannot open the envelope's version or
	// suite, or that FIPS 140-3 enforcement forbids it.
	ErrUnknownSuite error = refusal("keyring: unknown envelope version or suite")

	// ErrBroken means that this ring did not seal or sign this content for this purpose
	// and these fields. It is not possible to find out what differs.
	ErrBroken error = refusal("keyring: broken seal or tag")

	// ErrNewest is returned by [Retire] for the newest key: [Rotate] first.
	ErrNewest = errors.New("keyring: the newest key cannot be retired")

	// ErrLimit is returned by [Rotate] for a ring that is full and by
	// [RaiseEpoch] at the last epoch.
	ErrLimit = errors.New("keyring: limit reached")
)

// refusal is an error that is also [ErrOpen].
type refusal string

func (e refusal) Error() string { return string(e) }

func (e refusal) Is(target error) bool { return target == ErrOpen }
