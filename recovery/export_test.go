package recovery

// NewCode returns one fresh code, without the work of hashing it.
var NewCode = newCode

// WatchKDF calls before ahead of every Argon2id, until the returned function is
// called.
func WatchKDF(before func(time, memory uint32, threads uint8)) (stop func()) {
	was := idKey
	idKey = func(password, salt []byte, time, memory uint32, threads uint8, length uint32) []byte {
		before(time, memory, threads)
		return was(password, salt, time, memory, threads, length)
	}
	return func() { idKey = was }
}
