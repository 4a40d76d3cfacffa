package sqlstore

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/totpflow/totpflow/store"
)

var errBusy = errors.New("database is locked")

func isBusy(err error) bool { return errors.Is(err, errBusy) }

// Writers write one at a time, in the order in which they came.
func TestLineIsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine()
		var order []int
		writing := 0
		for i := range 50 {
			go func() {
				n, err := l.write(t.Context(), time.Second, isBusy, func() (int64, error) {
					writing++
					require.Equal(t, 1, writing)
					time.Sleep(time.Millisecond)
					writing--
					order = append(order, i)
					return int64(i), nil
				})
				require.NoError(t, err)
				require.Equal(t, int64(i), n)
			}()
			synctest.Wait() // it stands in line
		}
		time.Sleep(time.Second)
		synctest.Wait() // the last one has written
		require.Len(t, order, 50)
		require.True(t, slices.IsSorted(order), order)
	})
}

// A caller that gives up leaves the line, has not written, and holds up nobody. The next
// writer waits for a statement whose caller has left.
func TestLineIsLeftByContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine()
		done := make(chan struct{})
		go func() {
			_, err := l.write(t.Context(), 0, isBusy, func() (int64, error) { <-done; return 1, nil })
			require.NoError(t, err)
		}()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		_, err := l.write(ctx, 0, isBusy, func() (int64, error) { t.Error("written"); return 1, nil })
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, store.ErrNotWritten)
		require.Equal(t, time.Second, time.Since(began))
		close(done)
		n, err := l.write(t.Context(), 0, isBusy, func() (int64, error) { return 2, nil })
		require.NoError(t, err)
		require.Equal(t, int64(2), n)
	})
}

// A panic, or the end of a goroutine, gives the turn back.
func TestLineGoesOnAfterAPanic(t *testing.T) {
	l := newLine()
	require.Panics(t, func() {
		_, _ = l.write(t.Context(), 0, isBusy, func() (int64, error) { panic("oops") })
	})
	_, err := l.write(t.Context(), 0, isBusy, func() (int64, error) { return 1, nil })
	require.NoError(t, err)
}

// While another process has locked the file, nobody waits longer than twice the busy
// timeout, however many wait: writers that stood in line while somebody waited for the
// file get the same error. Later ones try.
func TestLineWaitsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const patience = 5 * time.Second
		l := newLine()
		asked := 0
		locked := func() (int64, error) { asked++; time.Sleep(patience); return 0, errBusy }
		for range 20 {
			began := time.Now()
			go func() {
				_, err := l.write(t.Context(), patience, isBusy, locked)
				require.ErrorIs(t, err, errBusy)
				require.LessOrEqual(t, time.Since(began), 2*patience)
			}()
			synctest.Wait()
		}
		time.Sleep(patience + time.Second)
		synctest.Wait() // all have their answers
		require.Equal(t, 2, asked)
		_, err := l.write(t.Context(), patience, isBusy, func() (int64, error) { asked++; return 1, nil })
		require.NoError(t, err, "came later, and tries")
		require.Equal(t, 3, asked)

		// A file that is busy at once proves nothing about the writers that wait.
		go func() {
			_, err := l.write(t.Context(), patience, isBusy, func() (int64, error) { time.Sleep(time.Second); return 0, errBusy })
			require.ErrorIs(t, err, errBusy)
		}()
		synctest.Wait()
		_, err = l.write(t.Context(), patience, isBusy, func() (int64, error) { return 1, nil })
		require.NoError(t, err)
	})
}
