// Package twilio sends codes by SMS and by calls through Twilio's REST API. Begin with
// [New], which makes a phone.Sender. It stores nothing. It defends against codes in
// addresses, which every proxy logs. The texts that Twilio keeps and the countries that it
// sends to are left to you.
//
// It speaks the API of 2010-04-01
// (https://www.twilio.com/docs/messaging/api/message-resource and
// …/docs/voice/api/call-resource), with no more than the standard library.
//
// [New] makes a [Sender], which is a phone.Sender. It is safe for concurrent use
// and starts nothing.
//
// The code stands in the body of POST requests and in no URL: a call brings its
// words along as TwiML, where a callback URL would have to carry the code past
// every proxy. Twilio keeps the text of messages; see [Config].DiscardContent.
// Twilio is asked to drop a message that it cannot deliver while the code lives.
//
// Restrict the countries in Twilio's console too (geographic permissions): it is
// the last line against messages pumped to expensive numbers.
//
// The tests run against a server that is shaped as the public documentation says,
// not against Twilio.
package twilio
