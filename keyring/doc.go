// Package keyring seals the secrets of a second factor and signs the tokens that it hands
// out. Begin with [Generate], once, and [Parse] when the program starts. It stores
// nothing: the string of the ring is a secret that you keep. It defends against a
// database that is stolen, altered or mixed up. Keeping ring and database apart, with a
// copy of each, is left to you.
//
// [Generate] is called once, by hand or in a script that sets the product up. It returns
// a ring in its string form, which is a secret like a database password: keep it in a
// secret manager, an environment variable or a file with mode 0600, never in the
// repository. [Parse] reads it when the program starts:
//
//	ring, err := keyring.Parse(os.Getenv("TOTPFLOW_KEYS"))
//	sealed := ring.Seal("account record", plaintext, tenant, user)
//	plaintext, err = ring.Open("account record", sealed, tenant, user)
//
// [Ring.Seal] and [Ring.Open] keep bytes confidential and untouched;
// [Ring.MAC] and [Ring.VerifyMAC] only prove that this ring signed some
// fields. Every call names a purpose, a constant of the program, and the data that it
// belongs to: an envelope sealed for one purpose, tenant or user does not open for
// another.
//
// # The ring string
//
// It is one line, easy to grep for in places where it must not be:
//
//	totpflow-keys-1:xchacha20-poly1305:1:5d2c8f07.q83v…,9b01aa3e.ZmFr…
//	│               │                  │ │        │     └ an older key
//	│               │                  │ │        └ 32 bytes, base64url without padding
//	│               │                  │ └ the newest key: id, 4 random bytes, lower-case hex
//	│               │                  └ epoch, decimal, from 1
//	│               └ suite of new seals: xchacha20-poly1305 or aes-256-gcm
//	└ format and its version
//
// There is one spelling for each ring. The suite word may be exchanged for the other one
// at any time: both suites always open, and they never share a key, because each has its
// own subkey.
//
// # Rotation
//
// [Rotate] puts a new key in front; the old ones still open. In a fleet, roll
// out in two steps or at once with a restart: a process that does not know the new key
// yet refuses everything sealed with it ([ErrUnknownKey]). Records move to the new key
// when they are next written, and [Ring.Stale] finds those that have not. When none is
// left, [Retire] removes the old key; everything that it signed or sealed is refused from
// then on.
//
// [RaiseEpoch] is for the day after a database restore. The epoch encrypts
// nothing; signers such as package trust put it under their MAC, so that raising it ends
// every token they have handed out, including those that the restored database considers
// valid again.
//
// # Keys held by a KMS
//
// [Wrap] and [ParseWrapped] keep the ring string itself under a key that a KMS, an HSM or
// a Tink keyset holds. That service is called once, when the program starts.
//
// # Threats
//
// Protected: the content of a stolen dump or backup; records and tokens that
// were altered, cut, extended, exchanged between users, tenants or purposes, or
// invented. Not protected: a thief of both the ring and the database has everything; the
// length of a plaintext is visible; an old envelope that is put back opens again, so put
// a version into the associated data or the plaintext. An error always refuses:
// [ErrUnknownKey] on a record means that the ring is incomplete, never that a user has no
// second factor.
//
// # Algorithms and FIPS 140-3
//
// XChaCha20-Poly1305 is the default: its 192-bit random nonces do not collide.
// AES-256-GCM is what [Generate] chooses when the process runs in FIPS 140-3
// mode; its 96-bit nonces are drawn by [cipher.NewGCMWithRandomNonce], and NIST
// SP 800-38D, section 8.3, allows 2³² seals for each key and purpose: more than
// eleven years at a million a day. Rotate before that. Subkeys come from HKDF-SHA-256
// (RFC 5869, NIST SP 800-56C) and tags are HMAC-SHA-256 (RFC 2104, FIPS 198-1).
// Under GODEBUG=fips140=only, XChaCha20-Poly1305 is refused with an error.
//
// # Compatibility
//
// The string, the envelope of [Ring.Seal] and the tag of [Ring.MAC] are stored
// formats. Later versions read everything that a released version wrote; the test
// data of this package pins the formats byte by byte.
package keyring
