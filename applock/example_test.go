package applock_test

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/totpflow/totpflow/applock"
)

// A server stands for the product's server: it checks password and code, and keeps the
// value of each device.
type server struct{ values map[string]string }

func (s server) signIn(password, code, device string) string {
	if password != "correct horse" || code != "123456" { // a real one asks package totpflow
		return ""
	}
	if s.values[device] == "" {
		s.values[device] = applock.NewValue().Text()
	}
	return s.values[device]
}

// The first sign-in makes the vault; later the program starts locked.
func Example() {
	backup := server{values: map[string]string{}}
	now := time.Date(2026, time.March, 28, 9, 0, 0, 0, time.UTC)
	options := applock.Options{Of: "acme/ana@acme.example/laptop-7", Idle: 10 * time.Minute}
	file := filepath.Join(os.TempDir(), "example.vault")
	defer os.Remove(file)

	value, _ := applock.ParseValue(backup.signIn("correct horse", "123456", "laptop-7"))
	vault, _ := applock.New(now, options, value, []byte("session token"))
	_ = os.WriteFile(file, vault.Encode(), 0o600)
	fmt.Println("closed and started again")

	data, _ := os.ReadFile(file)
	vault, _ = applock.Decode(data, options)
	_, err := vault.Content(now)
	fmt.Println(err)
	_, err = applock.ParseValue(backup.signIn("correct horse", "999999", "laptop-7"))
	fmt.Println("wrong code:", err != nil)
	value, _ = applock.ParseValue(backup.signIn("correct horse", "123456", "laptop-7"))
	fmt.Println("opened:", vault.Open(now, value))
	content, _ := vault.Content(now)
	fmt.Println(string(content))

	now = now.Add(9 * time.Minute)
	fmt.Println("used:", vault.Touch(now))
	now = vault.LocksAt()
	fmt.Println(now.Format(time.TimeOnly), vault.State(now))
	// Output:
	// closed and started again
	// applock: locked
	// wrong code: true
	// opened: <nil>
	// session token
	// used: <nil>
	// 09:19:00 locked
}
