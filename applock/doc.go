// Package applock locks a desktop or command-line program that has a session with a
// server. Begin with [NewValue] on the server and [New] in the program. It stores nothing:
// the program keeps a sealed [Vault], the server its [Value]. It defends against people at
// the keyboard, or with the disk, of a program that is locked. Checking password and code,
// and counting guesses, is left to you.
//
// A program locks when it is closed, when nobody uses it, or when the person presses a
// button. It opens again with the password and a code, which the server checks.
//
// The lock is neither a boolean, which anybody could flip in the program's memory or
// settings, nor the authenticator's secret, which does not belong on this machine. It is
// encryption: the program keeps its session data, such as its token, in a [Vault], and
// the server keeps the 256-bit [Value] that opens the vault. The server hands it out only
// after password and code.
//
// # First call
//
// The server makes a value for each device with [NewValue] and keeps it, sealed, like any
// secret of the account. The program makes its vault with [New] after its first sign-in
// and writes [Vault.Encode] to a file with mode 0600; from then on it starts with
// [Decode], locked:
//
//	vault, err := applock.Decode(file, applock.Options{Of: "acme/ana@acme.example/laptop-7"})
//	// The person types password and code; the server checks both, for example with
//	// Account.VerifyCode of package totpflow for an action of its own, and
//	// answers with the value's text.
//	value, err := applock.ParseValue(answer)
//	err = vault.Open(now, value)
//	session, err := vault.Content(now)
//
// [Vault.Touch] reports that somebody uses the program; background work does not count.
// The package has no clock and starts no timer: call [Vault.State] at [Vault.LocksAt] to
// lock in time. [Vault.Lock] is the button.
//
// # States
//
//	            Open, right  Open, wrong  Touch        Content, Update  Lock     idle
//	Locked      Unlocked     Locked, err  Locked, err  Locked, err      Locked   Locked
//	Unlocked    Unlocked     Locked, err  Unlocked     Unlocked         Locked   Locked
//
// # Threats
//
// Protected: the session of a program that is locked or closed, from somebody at
// the keyboard, and from somebody with the disk or its backup, who has only ciphertext
// and cannot guess a 256-bit value; the server must count guesses of password and code.
// When the machine is lost, deleting its value on the server makes the vault unreadable
// for ever. A vault that was altered, or belongs to another account, is refused.
//
// Not protected: anything on the machine while the program is open, to malware, a
// debugger, or programs that may read the process's memory. Locking drops the only
// reference to the value, but Go overwrites memory only when it needs it, and a copy may
// be in swap, in a core dump or in a hibernation image: if that matters, let locking end
// the process. An older vault that is put back opens with the same value: the server must
// check its content, as it checks session tokens, and can replace the value at each
// opening (see below). Without the server nothing opens: that is the purpose.
//
// # On the server
//
// A lock that the server does not know about has no effect on a session key that somebody
// copied while the program was open. Tell the server, and have it refuse the key until
// the next time that it hands out the value. At that time it can hand out a second value
// with the first: the program opens the vault, seals the content with [New] and the
// second value, writes the file, and only then tells the server to forget the first.
// Copies of the file from before then stay shut. The console and the agent of the
// examples do both (docs/api.md).
//
// # Storage
//
// A file is one line of text with its version, and readable by every later
// version of this package:
//
//	totpflow-vault-1:<base64url of keyring.Ring.Seal>
package applock
