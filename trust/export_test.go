package trust

// Redacted is what printing a Token shows.
const Redacted = redacted
