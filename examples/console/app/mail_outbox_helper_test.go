package app_test

import (
	"context"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/totpflow/totpflow/examples/console/app"
	"github.com/totpflow/totpflow/phone"
)

const (
	mobile = "+43 664 9876567"
	masked = "+43 ••• ••67"
)

// A pigeon is a provider that keeps what it was given.
type pigeon struct {
	mu   sync.Mutex
	sent []phone.Message
}

func (p *pigeon) Send(_ context.Context, m phone.Message) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent = append(p.sent, m)
	return nil
}

func (p *pigeon) last() phone.Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sent[len(p.sent)-1]
}

func (p *pigeon) code() string { return p.last().Code.Digits() }

func withPigeon(p *pigeon) func(*app.Options) { return func(o *app.Options) { o.Phones = p } }

// phoneSite returns a site whose administrator has set the policy: the mode, and who
// chooses the numbers.
func phoneSite(t *testing.T, mode, phones string, change ...func(*app.Options)) (*site, *pigeon) {
	t.Helper()
	p := &pigeon{}
	s := newSite(t, append(change, withPigeon(p))...)
	b, boss := s.administrator(admin)
	b.setPolicy(boss, "acme", "mode", mode, "phones", phones)
	return s, p
}

// addPhone sets ana up with a phone alone, where the policy requires a factor.
func (s *site) addPhone(p *pigeon) *browser {
	s.t.Helper()
	b := s.browser()
	b.password(ana).redirects("/2fa/setup")
	b.post("/2fa/phone", "number", mobile, "via", "sms").redirects("/2fa/phone")
	b.post("/2fa/phone/confirm", "phone_code", p.code()).redirects("/")
	s.clock.Advance(time.Minute)
	return b
}

var phoneForm = regexp.MustCompile(`action="(/2fa/security/remove-phone/[^"]+)"`)
