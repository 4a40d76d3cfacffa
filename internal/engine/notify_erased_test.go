package engine

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/event"
	"github.com/totpflow/totpflow/store"
)

// The request that erases an account ends with its answer, and the person is notified
// nevertheless.
func TestErasureIsToldAfterTheRequest(t *testing.T) {
	inOffice(t, func(o *office) {
		o.flow(o.e, "ana", event.SignedIn)
		o.post.set(func(ctx context.Context, _ event.Notification) error { time.Sleep(time.Second); return ctx.Err() })
		ctx, cancel := context.WithCancel(o.t.Context())
		require.NoError(t, o.e.Erase(ctx, ana(), forget))
		cancel()
		require.NoError(t, o.e.Drain(o.t.Context()))
		require.Equal(t, []string{"ana2"}, o.post.told())
	})
}

// Erasures give their places back: whatever their number, flows notify at once afterwards.
func TestErasuresTakeNoPlaceForGood(t *testing.T) {
	inOffice(t, func(o *office) {
		for i := range maxPlaces + 1 {
			user := fmt.Sprint("user", i, "-")
			o.flow(o.e, user, event.SignedIn)
			require.NoError(t, o.e.Erase(o.t.Context(), store.AccountID{User: user}, forget))
			synctest.Wait()
		}
		require.Len(t, o.post.told(), maxPlaces+1)
		o.flow(o.e, "ana", event.Reset)
		synctest.Wait()
		require.Equal(t, []string{"ana1"}, o.post.told())
	})
}
