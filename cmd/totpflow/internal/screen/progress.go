package screen

import (
	"time"

	"github.com/schollz/progressbar/v3"
)

// A Progress shows how far a sweep has come: as a bar on a terminal, otherwise as
// a plain line now and then, as suits a log.
type Progress struct {
	s     Streams
	what  string
	total int
	bar   *progressbar.ProgressBar // nil without a terminal
	said  int
}

// every is how many records pass between two plain lines.
const every = 10_000

// NewProgress begins at from of total.
func (s Streams) NewProgress(what string, from, total int) *Progress {
	p := &Progress{s: s, what: what, total: total, said: from}
	if s.ErrTerminal {
		p.bar = progressbar.NewOptions(total,
			progressbar.OptionSetWriter(s.Err),
			progressbar.OptionSetDescription(what),
			progressbar.OptionSetWidth(30),
			progressbar.OptionShowCount(),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish(),
		)
		p.At(from)
	}
	return p
}

// At shows that n records are done.
func (p *Progress) At(n int) {
	if p.bar != nil {
		// Records may have come since they were counted: a full bar would be gone.
		_ = p.bar.Set(max(0, min(n, p.total-1)))
		return
	}
	if n-p.said >= every {
		p.said = n
		p.s.Note("%s: %d of %d records", p.what, n, p.total)
	}
}

// End removes the bar.
func (p *Progress) End() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}
