// Package sms checks the senders of codes against real gateways: package
// phone/provider/kannel against a Kannel of our own (bearerbox and smsbox on loopback),
// behind which an SMS centre of the test receives what a phone would.
//
// The programs are Debian's kannel. A missing one fails the test, which names the package. No test needs the network, root
// or files outside of its temporary folder. Package phone/provider/twilio has no such peer: its own tests run against a mock.
package sms
