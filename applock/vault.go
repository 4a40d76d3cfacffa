package applock

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/totpflow/totpflow/internal/skew"
	"github.com/totpflow/totpflow/keyring"
)

const (
	vaultPrefix = "totpflow-vault-1:"
	purpose     = "app lock vault"

	// MaxContent is the capacity of a vault in bytes: enough for a session, not for a
	// backup.
	MaxContent = 1 << 20

	// DefaultIdle is how long an unused vault stays unlocked. NIST SP 800-63B-4 §2.2.3
	// and §2.3.3 allow an hour at AAL2 and 15 minutes at AAL3.
	DefaultIdle = 15 * time.Minute
)

var (
	// ErrLocked means that the vault is locked: open it first.
	ErrLocked = errors.New("applock: locked")
	// ErrVault means that a file is not a vault of this version, was altered, or belongs
	// to another account.
	ErrVault = errors.New("applock: not a vault, or altered")
	// ErrOptions means that options contradict each other, or that the content is
	// longer than [MaxContent].
	ErrOptions = errors.New("applock: invalid options or content")
)

// State is the state of a vault.
type State string

// The states. The zero State, and the zero Vault, is locked.
const (
	Locked   State = ""         // only ciphertext is there
	Unlocked State = "unlocked" // the content can be read
)

// String returns "locked" or "unlocked".
func (s State) String() string {
	if s == Locked {
		return "locked"
	}
	return string(s)
}

// Options belong to a program and its user; pass the same each time.
type Options struct {
	// Of names the vault's owner: product, account, device. A vault of another
	// owner does not open. It is not kept in the file.
	Of string
	// Idle is the time without [Vault.Touch] after which the vault locks; zero:
	// [DefaultIdle]. Take it from the server's policy if there is one.
	Idle time.Duration
}

func (o Options) complete() (Options, error) {
	switch {
	case o.Idle < 0:
		return o, fmt.Errorf("%w: idle after %v", ErrOptions, o.Idle)
	case o.Idle == 0:
		o.Idle = DefaultIdle
	}
	return o, nil
}

// A Vault contains a program's session data. It must not be copied: after a lock the copy
// would still be open. It is safe for concurrent use.
type Vault struct {
	mu      sync.Mutex
	options Options
	sealed  []byte    // never changed in place
	value   Value     // zero: locked
	touched time.Time // by the wall clock
}

// New makes an unlocked vault with this content, for the value that the server issued at
// the sign-in. First write [Vault.Encode] to its file: the program may be closed at any
// time. The vault copies the content; clear it when it is not needed. Errors:
// [ErrOptions], [ErrValue] for the zero Value.
func New(at time.Time, o Options, v Value, content []byte) (*Vault, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	if v.IsZero() {
		return nil, ErrValue
	}
	vault := &Vault{options: o, value: v, touched: wall(at)}
	if err := vault.seal(content); err != nil {
		return nil, err
	}
	return vault, nil
}

// Decode reads what [Vault.Encode] wrote; the vault is locked. Errors: [ErrVault]
// for anything else and for an unknown version; [ErrOptions].
func Decode(file []byte, o Options) (*Vault, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	if len(file) > base64.RawURLEncoding.EncodedLen(MaxContent)+1024 {
		return nil, fmt.Errorf("%w: too long", ErrVault)
	}
	line, ends := strings.CutSuffix(string(file), "\n")
	body, ours := strings.CutPrefix(line, vaultPrefix)
	if !ends || !ours {
		return nil, fmt.Errorf("%w: it is not one line that begins with %s", ErrVault, vaultPrefix)
	}
	sealed, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil || base64.RawURLEncoding.EncodeToString(sealed) != body {
		return nil, fmt.Errorf("%w: not base64url", ErrVault)
	}
	return &Vault{options: o, sealed: sealed}, nil
}

// Encode returns the vault for a file. It is ciphertext, locked or not. Keep it with mode
// 0600 nevertheless, and replace the file in one step (write another, sync, rename): half
// a vault does not open.
func (v *Vault) Encode() []byte {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.encode()
}

func (v *Vault) encode() []byte {
	return []byte(vaultPrefix + base64.RawURLEncoding.EncodeToString(v.sealed) + "\n")
}

// Open unlocks the vault with the value that the server handed out after
// password and code, and counts as a touch. A refused value also locks a vault
// that was open. Errors: [ErrValue], [ErrVault].
func (v *Vault) Open(at time.Time, value Value) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.value = Value{}
	content, err := v.unseal(value)
	clear(content)
	if err != nil {
		return err
	}
	v.value, v.touched = value, wall(at)
	return nil
}

// Lock locks the vault: by a button, when the screen locks, when the program is
// about to be closed.
func (v *Vault) Lock() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.value = Value{}
}

// State returns whether the vault is locked, and locks it when nobody has used
// it for too long.
func (v *Vault) State(at time.Time) State {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.settle(at)
}

// LocksAt returns when the vault locks if it is not touched before; the zero time
// when it is locked.
func (v *Vault) LocksAt() time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.value.IsZero() {
		return time.Time{}
	}
	return v.touched.Add(v.options.Idle)
}

// Touch reports that the person used the program: a key, a click, a command. If the idle
// time has passed, it is too late: [ErrLocked].
func (v *Vault) Touch(at time.Time) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.settle(at) == Locked {
		return ErrLocked
	}
	if at = wall(at); at.After(v.touched) {
		v.touched = at
	}
	return nil
}

// Content returns the content. Clear it, with the builtin clear, when it is no longer
// needed and when the vault locks. It does not count as a touch. Errors: [ErrLocked],
// [ErrVault].
func (v *Vault) Content(at time.Time) ([]byte, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.settle(at) == Locked {
		return nil, ErrLocked
	}
	return v.unseal(v.value)
}

// Update replaces the content, as when the server has renewed a token, and
// returns the vault for the file, as [Vault.Encode] does. It does not count as a
// touch. Errors: [ErrLocked], [ErrOptions] for too much content. With an error the
// content stays as it was, and so does the returned file: a program that writes it
// nevertheless loses nothing.
func (v *Vault) Update(at time.Time, content []byte) (file []byte, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.settle(at) == Locked {
		return v.encode(), ErrLocked
	}
	err = v.seal(content)
	return v.encode(), err
}

// settle locks a vault whose idle time has passed. A clock that was put back also locks
// it: otherwise anyone who finds it open could keep it open.
func (v *Vault) settle(at time.Time) State {
	if v.value.IsZero() {
		return Locked
	}
	if idle := wall(at).Sub(v.touched); idle >= v.options.Idle || idle < -skew.Tolerance {
		v.value = Value{}
		return Locked
	}
	return Unlocked
}

func (v *Vault) seal(content []byte) error {
	if len(content) > MaxContent {
		return fmt.Errorf("%w: %d bytes", ErrOptions, len(content))
	}
	v.sealed = v.value.ring().Seal(purpose, content, v.options.Of)
	return nil
}

func (v *Vault) unseal(value Value) ([]byte, error) {
	content, err := value.ring().Open(purpose, v.sealed, v.options.Of)
	switch {
	case errors.Is(err, keyring.ErrUnknownKey):
		return nil, ErrValue // no cause: the id of a key means nothing to the person
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrVault, err)
	}
	return content, nil
}

// wall strips the monotonic clock, which stops while a machine sleeps: otherwise a laptop
// opened in the morning would count as in use since the night before.
func wall(at time.Time) time.Time { return at.Round(0) }

// String returns the state, as far as it is known without the time.
func (v *Vault) String() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.value.IsZero() {
		return "applock.Vault(locked)"
	}
	return "applock.Vault(unlocked)"
}

// Format prints [Vault.String] for every verb and flag.
func (v *Vault) Format(f fmt.State, _ rune) { io.WriteString(f, v.String()) }

// LogValue returns [Vault.String].
func (v *Vault) LogValue() slog.Value { return slog.StringValue(v.String()) }
