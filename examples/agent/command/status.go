package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// A standing is the agent's state, for scripts. Its fields do not change.
type standing struct {
	State        string     `json:"state"` // signed-out, locked, unlocked
	Server       string     `json:"server"`
	Email        string     `json:"email,omitempty"`
	Organisation string     `json:"organisation,omitempty"`
	KeptIn       string     `json:"kept_in,omitempty"` // keyring, file
	LocksAt      *time.Time `json:"locks_at,omitempty"`
	Machine      string     `json:"machine,omitempty"` // the account of the unattended job

	// Known only while the agent is unlocked.
	SecondFactor      string `json:"second_factor,omitempty"`
	RecoveryCodesLeft *int   `json:"recovery_codes_left,omitempty"`
}

// status asks the person nothing, and does not count as use.
func (a *agent) status(ctx context.Context, args []string) error {
	if len(args) > 0 && args[0] != "--json" && args[0] != "-json" {
		return usageError(a.textUsageOf("status", "[--json]"))
	}
	s, err := a.stand(ctx)
	if err != nil {
		return err
	}
	if len(args) == 0 {
		a.say(a.textStatus(s))
		return nil
	}
	text, err := json.MarshalIndent(s, "", "  ")
	if err == nil {
		fmt.Fprintln(a.Out, plain(text)) // line breaks stay
	}
	return err
}

func (a *agent) stand(ctx context.Context) (standing, error) {
	s := standing{State: "signed-out", Server: a.address()}
	var m machine
	switch err := a.files.readJSON(machineFile, &m); {
	case err == nil:
		s.Machine = m.Name
	case !errors.Is(err, errNone):
		return s, err
	}
	open := a.state(ctx) == nil
	switch err := a.who(); {
	case absent(err):
		s.Server = a.address()
		return s, nil
	case err != nil:
		return s, err
	}
	s.State, s.Server, s.Email, s.Organisation, s.KeptIn = "locked", a.account.Server, a.account.Email, a.account.Of, "file"
	if a.account.Keyring {
		s.KeptIn = "keyring"
	}
	if !open {
		return s, nil
	}
	at := a.vault.LocksAt().UTC()
	s.State, s.LocksAt = "unlocked", &at
	key, err := a.vault.Content(a.Now())
	if err != nil {
		return s, err
	}
	c, err := a.client(a.account.Server)
	if err != nil {
		return s, err
	}
	var me struct {
		SecondFactor      string `json:"second_factor"`
		RecoveryCodesLeft *int   `json:"recovery_codes_left"`
	}
	err = c.as(string(key)).get(ctx, factor+"/account", &me)
	s.SecondFactor, s.RecoveryCodesLeft = me.SecondFactor, me.RecoveryCodesLeft
	return s, a.over(err)
}
