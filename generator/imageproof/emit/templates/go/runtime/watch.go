
import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"
)

var errSilent = errors.New("nothing came in time")

// watch ends a call when nothing happens for a while.
type watch struct {
	ctx     context.Context
	cancel  context.CancelCauseFunc
	timer   *time.Timer
	timeout time.Duration
	touched atomic.Int64
}

func newWatch(ctx context.Context, timeout time.Duration) *watch {
	made := &watch{timeout: timeout}
	made.ctx, made.cancel = context.WithCancelCause(ctx)
	if timeout > 0 {
		made.timer = time.AfterFunc(timeout, func() { made.cancel(errSilent) })
	}
	return made
}

// touch says that something happened. The timer is set anew a few times in its span, not for each piece.
func (w *watch) touch() {
	if w.timer == nil {
		return
	}
	now := time.Now().UnixNano()
	if last := w.touched.Load(); now-last > int64(w.timeout)/16 && w.touched.CompareAndSwap(last, now) {
		w.timer.Reset(w.timeout)
	}
}

func (w *watch) stop() {
	if w.timer != nil {
		w.timer.Stop()
	}
	w.cancel(nil)
}

// watchedBody is the body of an answer, whose every piece sets the watch anew, and which stops it at its end.
type watchedBody struct {
	io.ReadCloser
	watch *watch
}

func (b *watchedBody) Read(into []byte) (int, error) {
	count, err := b.ReadCloser.Read(into)
	if count > 0 {
		b.watch.touch()
	}
	if err != nil && !errors.Is(err, io.EOF) {
		if b.watch.ctx.Err() != nil {
			err = endOf(b.watch.ctx)
		}
	}
	return count, err
}

// Close lets go of the body.
func (b *watchedBody) Close() error {
	err := b.ReadCloser.Close()
	b.watch.stop()
	return err
}

// unzipped is a body in gzip as what is in it: net/http unpacks only what it asked for itself.
type unzipped struct {
	io.ReadCloser
	inner *gzip.Reader
}

func (u *unzipped) Read(into []byte) (int, error) {
	if u.inner == nil {
		inner, err := gzip.NewReader(u.ReadCloser)
		if err != nil {
			return 0, err
		}
		u.inner = inner
	}
	return u.inner.Read(into)
}
