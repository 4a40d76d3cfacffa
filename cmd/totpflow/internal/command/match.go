package command

import (
	"context"
	"fmt"
	"time"

	"github.com/totpflow/totpflow/cmd/totpflow/internal/screen"
	"github.com/totpflow/totpflow/internal/account"
	"github.com/totpflow/totpflow/store"
)

// match refuses a ring that opens none of the records that are there. Commands
// that can make a record ask it first: sealed with the ring of another
// installation, the record would keep its owner out and open for whoever has
// that ring. One page is enough to tell: a single record that does not open is
// no reason, and is told by itself.
func (s *session) match(ctx context.Context) error {
	page, err := account.NewBook(s.db, s.ring, nil, time.Now).List(ctx, store.Query{AllTenants: true, Limit: store.MaxLimit})
	if err != nil || len(page.Entries) == 0 {
		return err
	}
	for _, e := range page.Entries {
		if e.Err == nil {
			return nil
		}
	}
	looked := "the "
	if page.Next != "" {
		looked = "the first "
	}
	return unreadable{fmt.Errorf("none of %s%s of %s opens with these keys: one of the two is another installation's; nothing was changed",
		looked, screen.Plural(len(page.Entries), "record"), s.db.URL())}
}
