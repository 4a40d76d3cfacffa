// Package totptest helps programs test their two-factor sign-in. Begin with [NewClock] and
// [ScanURI]. It stores nothing outside of the test. It defends against tests that wait for
// real time, and against handlers that let somebody in while the store fails. The
// assertions are left to you.
//
// It has a clock that moves only when a test moves it, an authenticator that behaves like
// a person's phone, and a store that counts, waits, fails and loses acknowledgements.
// Package totptest/kit is a service with all of them in one call.
//
//	clock := totptest.NewClock(time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC))
//	mfa, err := totpflow.New(totpflow.Config{…, Now: clock.Now})
//	…
//	phone, err := totptest.ScanURI(page.Offer.URI(), clock)
//	next, err = mfa.VerifyCode(ctx, next.Challenge, phone.Code())
//
// A phone never gives a code twice: if Code is called again within the same time step, it
// waits for the next code like a person, by moving the clock. To test from the picture of
// a QR code, decode it with the module totptest/qrscan first.
//
// It needs no testing.T and imports no assertion library. Its types are safe
// for concurrent use.
package totptest
