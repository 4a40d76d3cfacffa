package phone

// For tests that need many codes, or the reading of one without an account.
var (
	NewCode   = newCode
	Normalize = normalize
)
