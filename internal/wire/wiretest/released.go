package wiretest

// The formats of the last release; 0 as long as there is none. scripts/release sets both
// from internal/wire/format.go in the commit that it tags: never change them by hand. It
// refuses a release that breaks the rule of TestFormatsFollowTheLastRelease in package
// wire: a release writes nothing that the last one cannot read, and reads everything that
// the last one writes.
//
// Golden files of a format up to ReleasedNewest stay as they are.
const (
	ReleasedNewest  = 0 // the newest format that the last release reads
	ReleasedWritten = 0 // the format that it writes
)
