package keyring

// Subkeys returns how many subkeys a ring keeps.
func Subkeys(r *Ring) int { return len(r.state().subkeys.m) }
