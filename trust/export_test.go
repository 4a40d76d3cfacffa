package trust

// Redacted is what a Token prints as.
const Redacted = redacted
