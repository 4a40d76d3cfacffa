package app_test

import (
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/examples/console/app"
)

// A sign-out ends the session also where somebody has copied its cookie and has a
// request under way, which keeps something in the session.
func TestSignOutWhileARequestIsUnderWay(t *testing.T) {
	var meanwhile atomic.Pointer[func()] // is called once, by the next request that asks for the time
	s := newSite(t, func(o *app.Options) {
		now := o.Now
		o.Now = func() time.Time {
			if f := meanwhile.Swap(nil); f != nil {
				(*f)()
			}
			return now()
		}
	})
	owner, thief := s.browser(), s.browser()
	owner.password(ana).redirects("/")
	u, err := url.Parse(s.url)
	require.NoError(t, err)
	thief.jar.SetCookies(u, owner.jar.Cookies(u))
	thief.get("/").says("Good to see you")

	signOut := func() { owner.post("/signout").redirects("/signin") }
	meanwhile.Store(&signOut)
	thief.post("/setup/password", "password", ana.Password).redirects("/setup") // which the session keeps a proof for
	require.Nil(t, meanwhile.Load(), "signed out meanwhile")
	thief.get("/").redirects("/signin")

	owner.password(ana).redirects("/")
	owner.get("/").says("Good to see you")
	thief.get("/").redirects("/signin")
}
