package totpflow

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/totpflow/totpflow/enroll"
	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/internal/engine"
	"github.com/totpflow/totpflow/totp"
)

// An EnrollmentGrant is what an enrollment starts from: the [Challenge] of a decision
// that said Enroll, or a [Proof]. It is never a bare user: otherwise anyone who finds an
// open session could bind an authenticator of their own.
type EnrollmentGrant interface {
	grant(*Service) (engine.Ticket, error)
}

func (c Challenge) grant(s *Service) (engine.Ticket, error) {
	t, err := s.engine.UnsealTicket(challengeKind, string(c))
	if err != nil || t.Action != string(ActionEnroll) {
		return engine.Ticket{}, ErrChallenge
	}
	return t, nil
}

func (p Proof) grant(s *Service) (engine.Ticket, error) {
	t, err := s.engine.UnsealTicket(proofKind, string(p))
	if err != nil || t.Target != "" {
		return engine.Ticket{}, ErrProof
	}
	switch Action(t.Action) {
	case ActionEnroll, ActionReplaceAuthenticator, ActionAddAuthenticator, ActionAddPhone:
		return t, nil
	default:
		return engine.Ticket{}, ErrProof
	}
}

// A PendingEnrollment is what an enrollment page shows.
type PendingEnrollment struct {
	// Token leads back to this page and to its confirmation. Keep it in a
	// cookie of its own (totphttp.SetEnrollment) or in the session.
	Token EnrollmentToken

	// ID and Name name the account. Show the name: in a browser that several
	// people use, one person could otherwise set up another's account.
	ID   AccountID
	Name string

	// Offer is the new authenticator's secret, as a QR code and as text.
	Offer enroll.Offer

	// Expires is when the enrollment has to be started again: [enroll.CandidateLifetime]
	// after the password or the code that started it, not after the page was opened:
	// anybody can scan a page that is left open.
	Expires time.Time

	// Clears names the authenticators that stop working at confirmation, and not earlier:
	// say so on the page.
	Clears []string

	// Adds reports whether some of the account's authenticators stay.
	Adds bool
}

// BeginEnrollment offers a new authenticator. The old one keeps working until the new one
// has shown a code. A later call replaces the offer of an earlier one. Errors:
// [ErrChallenge], [ErrProof], [enroll.ErrTooManyAuthenticators], [enroll.ErrUnknown].
//
// Unless it is an additional one, a new authenticator replaces all others, or those whose
// IDs are in goes. If it replaces a single one, it takes over the name. While others are
// in use, the label ends with the day: some apps overwrite an entry with the same label,
// and an enrollment that is then abandoned would destroy the one in use.
//
// An enrollment can start in five ways:
//
//   - the challenge of a sign-in whose step is [Enroll];
//   - [Account.VerifyCode] for [ActionReplaceAuthenticator] or [ActionAddAuthenticator];
//   - the proof of a sign-in after [Service.ReplaceAtSignIn];
//   - the proof of a sign-in by recovery code;
//   - for a person who is signed in and has nothing set up: ask for the
//     password again, call [Service.SignIn], and use the proof of its decision.
//     Never call SignIn for the user of a session without the password: anyone who
//     finds the session open could bind a phone of their own.
func (s *Service) BeginEnrollment(ctx context.Context, by EnrollmentGrant, goes ...string) (_ PendingEnrollment, err error) {
	ctx, flow := s.engine.Begin(ctx, "begin_enrollment")
	defer flow.End(&err)
	if by == nil {
		return PendingEnrollment{}, ErrProof
	}
	t, err := by.grant(s)
	if err != nil {
		return PendingEnrollment{}, err
	}
	var page PendingEnrollment
	err = s.engine.Change(ctx, t.Account(), func(tx *engine.Tx) error {
		if err := checkGrant(tx, t, by, ActionReplaceAuthenticator, ActionAddAuthenticator); err != nil {
			return err
		}
		adds := t.Action == string(ActionAddAuthenticator)
		_, challenge := by.(Challenge)
		weak := t.Reason == string(reasonWeakCode) || challenge && len(tx.Enrollment.Authenticators()) > 0
		goes, err := chooseGoes(tx, goes, adds, weak)
		if err != nil {
			return err
		}
		consumeGrant(tx, t)
		key, err := totp.NewKey(s.engine.Params)
		if err != nil {
			return err
		}
		e, candidate, err := tx.Enrollment.Begin(tx.Now, key, "", adds || len(goes) > 0, goes...)
		if err != nil {
			return err
		}
		tx.Enrollment = e
		tx.Log(event.Event{Kind: event.EnrollmentBegan})
		tx.Save()
		token := engine.Ticket{Tenant: t.Tenant, User: t.User, Name: t.Name, Action: t.Action, Candidate: candidate.ID, Target: strings.Join(goes, " "), Issued: t.Issued}
		if page, err = s.setUpPage(tx, token, candidate); err != nil {
			return err
		}
		page.Token = EnrollmentToken(s.engine.SealFollower(enrollmentKind, tx, token, t))
		return nil
	})
	return engine.Acknowledged(page, err)
}

// chooseGoes returns the authenticators that the new one replaces, if not all of them. It
// is called before the grant is used. The code of a weak key replaces weak ones only:
// otherwise anybody who has guessed that key could take the owner's strong one away.
func chooseGoes(tx *engine.Tx, goes []string, adds, weak bool) ([]string, error) {
	live := tx.Enrollment.Authenticators()
	if weak && len(goes) == 0 {
		for _, a := range live {
			if !a.Until.IsZero() {
				goes = append(goes, a.ID)
			}
		}
	}
	for i, id := range goes {
		known := slices.ContainsFunc(live, func(a enroll.Authenticator) bool { return a.ID == id && !(weak && a.Until.IsZero()) })
		if adds || !known || slices.Contains(goes[:i], id) {
			return nil, enroll.ErrUnknown
		}
	}
	if len(goes) == len(live) {
		return nil, nil
	}
	return goes, nil
}

// checkGrant refuses anything but a grant for an enrollment of this account in its
// present state. Where an authenticator is active, the grant must have been earned for
// one of the actions, or be the challenge of a weak code, which leads to its replacement:
// the import has ended challenges from the time when nothing was set up.
func checkGrant(tx *engine.Tx, t engine.Ticket, by EnrollmentGrant, earned ...Action) error {
	action := Action(t.Action)
	_, challenge := by.(Challenge)
	active := len(tx.Enrollment.Authenticators()) > 0
	hasWeak := slices.ContainsFunc(tx.Enrollment.Authenticators(), func(x enroll.Authenticator) bool { return !x.Until.IsZero() })
	weak := challenge && hasWeak && slices.Contains(earned, ActionReplaceAuthenticator)
	ok := slices.Contains(earned, action) || action == ActionEnroll && (!active || weak)
	if ok && t.Valid(tx) {
		return nil
	}
	if challenge {
		return refusal(tx, t, ErrChallenge)
	}
	return refusal(tx, t, ErrProof)
}

// consumeGrant consumes a grant that was earned by an active authenticator. Any other
// grant stays valid until the enrollment is confirmed, which ends every ticket: the
// person may start again, and repeated beginnings leave nothing behind in the record.
func consumeGrant(tx *engine.Tx, t engine.Ticket) {
	if len(tx.Enrollment.Authenticators()) > 0 && t.Action != string(ActionEnroll) {
		t.Consume(tx)
	}
}

func (s *Service) setUpPage(tx *engine.Tx, t engine.Ticket, c enroll.Candidate) (PendingEnrollment, error) {
	live := tx.Enrollment.Authenticators()
	offer, err := enroll.NewOffer(c.Key, totp.Label{Issuer: s.engine.Issuer, Account: labelOf(t.Name, c, live)})
	if err != nil {
		return PendingEnrollment{}, err // unreachable: New has checked the issuer, and the name is clean
	}
	page := PendingEnrollment{ID: tx.ID(), Name: t.Name, Offer: offer, Expires: t.Issued.Add(enroll.CandidateLifetime), Adds: c.Adds}
	goes := strings.Fields(t.Target)
	for _, a := range live {
		if !c.Adds || slices.Contains(goes, a.ID) {
			page.Clears = append(page.Clears, a.Name)
		}
	}
	return page, nil
}

// labelOf returns the label that the app shows for the account. While another
// authenticator is in use, the label ends with the day, and with the time in UTC if one was
// added within a day.
func labelOf(name string, c enroll.Candidate, live []enroll.Authenticator) string {
	if len(live) == 0 {
		return name
	}
	const precise = "2006-01-02 15.04.05 UTC" // a label may not contain a colon
	layout := time.DateOnly
	if slices.ContainsFunc(live, func(a enroll.Authenticator) bool { return c.Began.Sub(a.Added) < 24*time.Hour }) {
		layout = precise
	}
	const longest = 256 - len(" "+precise) // bytes of a label
	if len(name) > longest {
		name = strings.ToValidUTF8(name[:longest], "")
	}
	return name + " " + c.Began.UTC().Format(layout)
}

// ContinueEnrollment shows the same offer again to the holder of the token,
// for an enrollment page that is reloaded. It changes nothing. After the confirmation it
// returns [ErrEnrollmentExpired]; then, or before the first page, call
// [Service.BeginEnrollment] with the same authority.
//
// The authority names the person whose page it should be; it may be used or expired by
// now. Another person's token, left behind in a browser that two people share, is refused
// with ErrEnrollmentExpired: otherwise the second person would set up the first one's
// account, and be signed in to it.
func (s *Service) ContinueEnrollment(ctx context.Context, token EnrollmentToken, by EnrollmentGrant) (_ PendingEnrollment, err error) {
	ctx, flow := s.engine.Begin(ctx, "continue_enrollment")
	defer flow.End(&err)
	t, err := s.engine.UnsealTicket(enrollmentKind, string(token))
	if err != nil || by == nil {
		return PendingEnrollment{}, ErrEnrollmentExpired
	}
	if who, err := by.grant(s); err != nil || who.Account() != t.Account() {
		return PendingEnrollment{}, ErrEnrollmentExpired
	}
	var page PendingEnrollment
	err = s.engine.Change(ctx, t.Account(), func(tx *engine.Tx) error {
		c, err := candidate(tx, t)
		if err != nil {
			return err
		}
		page, err = s.setUpPage(tx, t, c)
		page.Token = token
		return err
	})
	return engine.Acknowledged(page, err)
}

// candidate returns the enrollment that the token names, if it is still pending.
func candidate(tx *engine.Tx, t engine.Ticket) (enroll.Candidate, error) {
	c, ok := tx.Enrollment.Candidate(tx.Now)
	if !ok || c.ID != t.Candidate || !t.Valid(tx) {
		bound := func(a enroll.Authenticator) bool { return a.ID == t.Candidate }
		if !tx.Frozen() && slices.ContainsFunc(tx.Enrollment.Authenticators(), bound) {
			return enroll.Candidate{}, usedError{ErrEnrollmentExpired}
		}
		return enroll.Candidate{}, ErrEnrollmentExpired
	}
	return c, nil
}
