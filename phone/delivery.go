package phone

import "context"

// A Delivery configures how codes are sent by SMS and by voice. Read the package comment
// on how far to trust them.
type Delivery struct {
	// Sender hands messages to a provider: packages kannel and twilio of the
	// module phone/provider, or the host's own. Required.
	Sender Sender

	// Limits of messages. The zero value is [DefaultLimits].
	Limits Limits

	// Destinations lists where messages may go. Name the countries that you serve.
	Destinations Destinations

	// Compose may set the language, the sentence and the domain of a message, from values
	// that the host has put into the context. It must not change the rest. Nil
	// sends the default sentence, in English.
	Compose func(context.Context, Message) Message
}
