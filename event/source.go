package event

import "context"

// A Source is where a request came from, as the host reports it. No decision depends on
// it: addresses change and user agents lie. It is for the person who reads the list of
// events.
type Source struct {
	Address   string `json:"address,omitempty"`    // at most 64 bytes are kept
	UserAgent string `json:"user_agent,omitempty"` // at most 192 bytes are kept
}

// Clean returns s bounded, with every unprintable character replaced by U+FFFD.
func (s Source) Clean() Source {
	return Source{Address: clean(s.Address, maxAddress), UserAgent: clean(s.UserAgent, maxAgent)}
}

type sourceKey struct{}

// WithSource returns a context that carries s, cleaned, to the events of the
// flows that are called with it. A host calls it once for each request, in its
// middleware.
func WithSource(ctx context.Context, s Source) context.Context {
	return context.WithValue(ctx, sourceKey{}, s.Clean())
}

// SourceOf returns the source that [WithSource] put into ctx, or the zero
// Source.
func SourceOf(ctx context.Context) Source {
	s, _ := ctx.Value(sourceKey{}).(Source)
	return s
}
