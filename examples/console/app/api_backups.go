package app

import (
	"net/http"
	"time"
)

// A backupItem is a backup as programs see it.
type backupItem struct {
	ID        string    `json:"id"`
	Machine   string    `json:"machine"`
	Taken     time.Time `json:"taken"`
	Gigabytes int       `json:"gigabytes"`
}

func (c *console) apiBackups(w http.ResponseWriter, r *http.Request, v *visitor) error {
	all, err := c.archive.list(r.Context(), v.user)
	if err != nil {
		return err
	}
	items := make([]backupItem, len(all))
	for i, b := range all {
		items[i] = backupItem(b)
	}
	return reply(w, http.StatusOK, struct {
		Backups []backupItem `json:"backups"`
	}{items})
}

// apiDelete deletes a backup, for a proof of just that.
func (c *console) apiDelete(w http.ResponseWriter, r *http.Request, v *visitor) error {
	b, err := c.archive.find(r.Context(), v.user, r.PathValue("id")) // before a proof is spent on it
	if err != nil {
		return err
	}
	if err := v.spend(r, actionDeleteBackup, b.ID); err != nil {
		return err
	}
	if err := c.archive.delete(r.Context(), v.user, b.ID); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// apiKey shows what a backup is encrypted with, for a proof of just that.
func (c *console) apiKey(w http.ResponseWriter, r *http.Request, v *visitor) error {
	b, err := c.archive.find(r.Context(), v.user, r.PathValue("id"))
	if err != nil {
		return err
	}
	if err := v.spend(r, actionShowKey, b.ID); err != nil {
		return err
	}
	key, err := c.archive.key(r.Context(), v.user, b.ID)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, struct {
		Key string `json:"key"`
	}{key})
}
