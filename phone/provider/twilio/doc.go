// Package twilio sends codes by SMS and by calls through Twilio's REST API. Begin with
// [New], which makes a phone.Sender. It stores nothing. It defends against codes in
// addresses, which every proxy logs. The texts that Twilio keeps and the countries that it
// sends to are left to you.
//
// It speaks the API of 2010-04-01
// (https://www.twilio.com/docs/messaging/api/message-resource and
// …/docs/voice/api/call-resource), with the standard library only.
//
// [New] makes a [Sender], which is a phone.Sender. It is safe for concurrent use
// and starts nothing.
//
// The code is in the body of POST requests and never in a URL: the words of a call are
// sent along as TwiML, since a callback URL would carry the code past every proxy. Twilio
// keeps the text of messages; see [Config].DiscardContent. Twilio is asked to drop a
// message that it cannot deliver while the code lives.
//
// Restrict the countries in Twilio's console too (geographic permissions): it is
// the last line against messages pumped to expensive numbers.
//
// The tests run against a server that follows the public documentation, not against
// Twilio.
package twilio
