package command

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/totpflow/totpflow/cmd/totpflow/internal/screen"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/store"
)

func (a *app) keysCheck() *cobra.Command {
	c := &cobra.Command{
		Use:   "check",
		Short: "Open every record, and count them by key",
		Long: `Opens every record with the ring, counts the records by the key that seals them, and says which old keys are no longer
needed. It first checks whether a SQLite file is intact. It changes nothing. The exit code is 5 if a record does not
open.`,
		Example: "  totpflow keys check --keys-file /etc/backup/totpflow.keys",
		Args:    args(),
		RunE:    func(c *cobra.Command, _ []string) error { return a.checkKeys(c.Context()) },
	}
	a.namesFlag(c)
	return c
}

// checked is what --json prints of keys check.
type checked struct {
	Records    int                `json:"records"`
	Epoch      uint32             `json:"epoch"`
	Keys       []keyUse           `json:"keys"` // newest first, then those that the ring does not hold
	Unreadable []unreadableRecord `json:"unreadable"`
}

// keyUse is one key, and how many records it seals.
type keyUse struct {
	ID      string `json:"id"`
	Role    string `json:"role"` // newest, staged, old, missing
	Records int    `json:"records"`
	// Retirable: no record is under it, and it is not the newest.
	Retirable bool `json:"retirable"`
}

type unreadableRecord struct {
	Tenant string `json:"tenant"`
	User   string `json:"user"`
	Key    string `json:"key"`
	Reason string `json:"reason"`
}

const (
	roleNewest  = "newest"
	roleStaged  = "staged"
	roleOld     = "old"
	roleMissing = "missing"
)

func (a *app) checkKeys(ctx context.Context) error {
	ring, err := a.ring()
	if err != nil {
		return err
	}
	s, err := a.open(ctx, a.looker())
	if err != nil {
		return err
	}
	defer s.db.Close()
	if err := s.db.CheckIntegrity(ctx); err != nil { // a damaged index would hide records, and a key that they need
		return err
	}
	c, err := s.check(ctx, ring)
	if err != nil {
		return err
	}
	if staged := a.staged(); staged != "" {
		c.stage(staged)
	}
	if a.asJSON {
		err = a.screen.JSON(c)
	} else {
		err = a.printCheck(c)
	}
	if err == nil && len(c.Unreadable) > 0 {
		return unreadable{fmt.Errorf("%d of %d records do not open, and their owners cannot sign in: restore the missing keys, or the records from a backup",
			len(c.Unreadable), c.Records)}
	}
	return err
}

// check opens every record.
func (s *session) check(ctx context.Context, ring *keyring.Ring) (checked, error) {
	c := checked{Epoch: ring.Epoch(), Keys: []keyUse{}, Unreadable: []unreadableRecord{}}
	under := make(map[string]int)
	for r, err := range s.admin.Check(ctx, s.by) {
		if err != nil {
			return checked{}, err
		}
		c.Records++
		under[r.KeyID]++
		if r.Err != nil {
			c.Unreadable = append(c.Unreadable, unreadableRecord{r.ID.Tenant, r.ID.User, r.KeyID, oneLine(r.Err)})
		}
	}
	for i, id := range ring.IDs() {
		use := keyUse{ID: id, Role: roleOld, Records: under[id], Retirable: i > 0 && under[id] == 0}
		if i == 0 {
			use.Role = roleNewest
		}
		c.Keys = append(c.Keys, use)
		delete(under, id)
	}
	for _, id := range slices.Sorted(maps.Keys(under)) {
		c.Keys = append(c.Keys, keyUse{ID: id, Role: roleMissing, Records: under[id]})
	}
	return c, nil
}

// staged returns the key that will become the newest, if a key file is named.
func (a *app) staged() string {
	if a.keysPath() == "" {
		return ""
	}
	f, err := a.openKeys()
	if err != nil {
		return ""
	}
	if j, ok, err := f.Journal(opRotate); err == nil && ok && j.Staged {
		return j.Key
	}
	return ""
}

// stage marks the key that will become the newest.
func (c *checked) stage(id string) {
	for i, use := range c.Keys {
		if use.ID == id && use.Role == roleOld {
			c.Keys[i].Role, c.Keys[i].Retirable = roleStaged, false
		}
	}
}

func (a *app) printCheck(c checked) error {
	t := screen.NewTable(a.screen.Out, "KEY", "ROLE", "RECORDS")
	for _, use := range c.Keys {
		t.Row(use.ID, use.Role, strconv.Itoa(use.Records))
	}
	if err := t.End(); err != nil {
		return err
	}
	for _, r := range c.Unreadable {
		a.say("does not open: %s: %s", a.label(store.AccountID{Tenant: r.Tenant, User: r.User}), r.Reason)
	}
	a.say("%s, epoch %d", screen.Plural(c.Records, "record"), c.Epoch)
	for _, use := range c.Keys {
		if use.Retirable {
			a.say("No record needs %s any more: run totpflow keys retire %s", use.ID, use.ID)
		}
	}
	return nil
}
