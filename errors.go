package totpflow

import (
	"errors"

	"github.com/totpflow/totpflow/internal/account"
	"github.com/totpflow/totpflow/internal/engine"
	"github.com/totpflow/totpflow/totp"
)

// The errors that a host distinguishes with errors.Is. Whatever the error, nobody is let
// in. Besides these, flows return
//
//   - [*throttle.Error]: too many wrong codes; it reports until when, and whether
//     two consecutive codes are accepted meanwhile;
//   - [*enroll.DriftError], at confirmation only: the code is right for another
//     time; it reports how far the device's clock is off;
//   - errors that wrap [store.ErrUnavailable]: the store did not answer. Nothing
//     is known about the code; the same code may be typed again, and counts
//     at most once;
//   - anything else, such as a record that does not open ([keyring.ErrOpen]):
//     a fault of the installation, for the operator.
var (
	// ErrRejected is the one answer to a wrong code of any kind: app, recovery or the
	// host's own factor. For a code that is malformed it also matches
	// [totp.ErrMalformedCode] or [recovery.ErrMalformed], and is not counted.
	ErrRejected = totp.ErrRejected

	// ErrUndecided is for the host: its check of a factor of its own could not decide, since
	// its database or its provider did not answer. See [Service.CompleteExternal].
	ErrUndecided = errors.New("totpflow: the check could not decide")

	// ErrAlreadyUsed means that the app's code was right but has been used. The person
	// must wait for the next one. It is not counted as a guess.
	ErrAlreadyUsed = totp.ErrAlreadyUsed

	// ErrChallenge means that the sign-in under way has expired, has been
	// completed, was ended by a change of factors or password, is not one of
	// this service, or never arrived: over plain http, browsers drop its cookie from
	// hosts other than localhost, and Safari even from localhost. The person
	// starts again with the password.
	ErrChallenge = errors.New("totpflow: the sign-in has expired, or its cookie is missing; start again with the password")

	// ErrProof means that a proof is missing, expired, used, or was made for
	// another action or account. The person proves the factor again.
	ErrProof = errors.New("totpflow: a fresh proof of the second factor is required")

	// ErrPurpose means that the action and the target of a [Purpose] have more than 2,000
	// bytes together. It is the host's mistake: name the target by its id, or by a hash.
	ErrPurpose = errors.New("totpflow: the purpose of a proof is too long; name the target by an id or a hash")

	// ErrUsed means that a challenge, a proof or an enrollment has been used already, if
	// the record still shows it: a form was sent twice, or its answer was lost. Nothing
	// is answered twice, and the code that came with it was not looked at. The error also
	// matches the one for the ticket that was used ([ErrChallenge], [ErrProof],
	// [ErrEnrollmentExpired]), so that a program that does not check for ErrUsed asks for
	// another one. A program that does can continue with the request's session, if it
	// belongs to the account, or say that the action may be done already.
	ErrUsed = errors.New("totpflow: this has been used already; check whether the action was done")

	// ErrEnrollmentExpired means that the enrollment under way has expired, was replaced
	// by another one or is already confirmed. The person must start it again.
	ErrEnrollmentExpired = errors.New("totpflow: the enrollment has expired; start it again")

	// ErrNotEnrolled means that the account has no authenticator. It may have a phone.
	ErrNotEnrolled = errors.New("totpflow: no authenticator is set up")

	// ErrFrozen means that the person answered "it was not me" to a change: nobody gets
	// in until an administrator acts.
	ErrFrozen = errors.New("totpflow: this account is frozen until an administrator acts")

	// ErrExempt means that this is a machine account, which signs in where
	// machines do ([Service.SignInMachine]) and not where people do.
	ErrExempt = errors.New("totpflow: a machine account cannot sign in here")

	// ErrNotExempt means that [Service.SignInMachine] was called for a person's account.
	ErrNotExempt = errors.New("totpflow: not a machine account")

	// ErrKeyEnded means that a machine's credential was made before the account's
	// sessions were last ended ([Account.SessionValid] lists the causes). An
	// administrator must make another one.
	ErrKeyEnded = errors.New("totpflow: this machine key has ended; make another one")

	// ErrWeakAuthenticator means that the code was right, but of a weak key of an import
	// (totp.Key.Weak), which proves nothing in a session but
	// [ActionReplaceAuthenticator]. The code is used.
	ErrWeakAuthenticator = errors.New("totpflow: the authenticator's key is too weak for this; replace the authenticator first")

	// ErrMethodNotAllowed means that policy does not allow this way of passing.
	ErrMethodNotAllowed = errors.New("totpflow: this method is not allowed for this account")

	// ErrFactorRequired means that policy does not allow removing the last authenticator.
	ErrFactorRequired = errors.New("totpflow: two-factor authentication is required for this account")

	// ErrTrustNotOffered means that policy does not allow trusted browsers.
	ErrTrustNotOffered = errors.New("totpflow: trusted browsers are not allowed for this account")

	// ErrPolicy means that the policy could not be read. This does not mean "off".
	ErrPolicy = engine.ErrPolicy

	// ErrRecordLost means that the host remembers a change of factors
	// ([User].Generation) that the store does not: the record was deleted, or replaced by
	// one from before it. The account stays closed until an operator acts: restoring the
	// record from a backup opens it again. If the host sets the generation to zero, after
	// checking who the person is, the account starts again.
	ErrRecordLost = errors.New("totpflow: the account's record is missing or older than the host remembers")

	// ErrRecordFormat means that this version cannot read the account's record: a
	// newer version wrote it. It is a fault of the installation, for the operator,
	// like [keyring.ErrOpen].
	ErrRecordFormat = account.ErrFormat

	// ErrDisownToken means that a [DisownToken] is invalid, too old, or for an event
	// before the last freeze that an administrator ended.
	ErrDisownToken = errors.New("totpflow: this link is no longer valid")

	// ErrPasswordRecent means that the password was changed or reset within the last
	// 24 hours, so that an issued code, which is sent by mail, proves nothing in addition.
	ErrPasswordRecent = errors.New("totpflow: the password was changed too recently for an issued code")

	// ErrNoBrowser means that no trusted browser has this id, or that its trust has
	// ended.
	ErrNoBrowser = errors.New("totpflow: no such trusted browser")

	// ErrNumberAssigned means that policy lets only administrators choose numbers.
	ErrNumberAssigned = errors.New("totpflow: an administrator chooses the number")

	// ErrNoPhone means that the account has no phone of this id, or that the
	// service sends no codes ([Config].Phones).
	ErrNoPhone = errors.New("totpflow: no such phone")

	// ErrPhoneCode means that no code is live for this sign-in: none was sent,
	// it was used or replaced, or five minutes have passed. Send another one.
	ErrPhoneCode = errors.New("totpflow: no sent code is valid now; send another one")

	// ErrPhoneLimit means that too many codes went to this number, or to numbers
	// like it, over all accounts. Offer another method.
	ErrPhoneLimit = errors.New("totpflow: no code can be sent to this number now")

	// ErrConfig is wrapped by the errors of [New].
	ErrConfig = errors.New("totpflow: invalid configuration")
)

// A usedError is [ErrUsed] for one kind of ticket.
type usedError struct{ of error }

func (e usedError) Error() string { return ErrUsed.Error() }

// Is makes a usedError match [ErrUsed] and the error for its kind of ticket.
func (e usedError) Is(target error) bool { return target == ErrUsed || target == e.of }

// refusal returns err for a ticket that is not valid; it also matches [ErrUsed] if the
// record still shows that the ticket was used.
func refusal(tx *engine.Tx, t engine.Ticket, err error) error {
	if t.Used(tx) {
		return usedError{err}
	}
	return err
}
