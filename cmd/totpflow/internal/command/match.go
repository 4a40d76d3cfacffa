package command

import (
	"context"
	"fmt"

	"github.com/totpflow/totpflow/cmd/totpflow/internal/screen"
	"github.com/totpflow/totpflow/store"
)

// match refuses a ring that does not open any of the existing records. Commands that can
// make a record call it first: sealed with the ring of another installation, the record
// would keep its owner out, and would open for anyone who has that ring. One page is
// enough: a single record that does not open is not a reason to refuse, and is reported
// separately.
func (s *session) match(ctx context.Context) error {
	records, looked := 0, "the "
	for r, err := range s.admin.Check(ctx, s.by) {
		if err != nil || r.Err == nil {
			return err
		}
		if records == store.MaxLimit {
			looked = "the first "
			break
		}
		records++
	}
	if records == 0 {
		return nil
	}
	return unreadable{fmt.Errorf("none of %s%s of %s opens with these keys: the keys or the database belong to another installation; nothing was changed",
		looked, screen.Plural(records, "record"), s.db.URL())}
}
