// Package kannel sends codes by SMS through a Kannel gateway (https://www.kannel.org).
// Begin with [New], which makes a phone.Sender. It stores nothing. It defends against
// codes and passwords in addresses, which every proxy logs. The logs and the routes of the
// gateway are left to you.
//
// Kannel is a free bridge to SMS centres by SMPP, modems and others. The package speaks to
// the sendsms interface of Kannel's smsbox, and to services that have the same.
//
// [New] makes a [Sender], which is a phone.Sender. It is safe for concurrent use
// and starts nothing.
//
// The message goes in the body of a POST and the credentials in its headers
// (X-Kannel-…), where the GET requests of most examples have them in the URL, for
// every proxy to log. Kannel itself writes the text into its own logs: give smsbox
// and bearerbox log-level 2 or more, and leave %b out of access-log-format.
// Towards the SMS centre Kannel does what its configuration says.
//
// A text beyond the GSM 03.38 alphabet is sent as UCS-2, 70 characters to a
// message; longer ones need concatenation and max-messages in Kannel's
// sendsms-user group. Kannel is asked to drop what it cannot deliver while the
// code lives. It makes no calls: phone.ErrVia.
//
// It is tested with Kannel 1.4.5, where white-list-regex and black-list-regex of
// a sendsms-user group refuse numbers, and allowed-prefix and denied-prefix were
// seen not to: use phone.Destinations to limit where messages go.
package kannel
