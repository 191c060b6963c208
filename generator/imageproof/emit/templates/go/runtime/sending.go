
import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// outcome is what became of what ran in a goroutine of its own.
type outcome struct {
	err      error
	panicked any
}

// beside runs what may wait for a file of the caller's in a goroutine of its own, which is left behind where the context
// or the time limit ends first. A panic there is one here.
func beside(ctx context.Context, timeout time.Duration, run func() error) error {
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, timeout, errSilent)
		defer cancel()
	}
	done := make(chan outcome, 1)
	go func() {
		got := outcome{err: errors.New("the goroutine that read the files was ended")} // by runtime.Goexit
		defer func() {
			got.panicked = recover()
			done <- got
		}()
		got.err = run()
	}()
	select {
	case got := <-done:
		if got.panicked != nil {
			panic(got.panicked)
		}
		return got.err
	case <-ctx.Done():
		return &waitError{endOf(ctx)}
	}
}

// waitError says that a file of the caller's was waited for in vain.
type waitError struct{ cause error }

func (e *waitError) Error() string { return e.cause.Error() }

// unsent is the error of a call that was not sent.
func unsent(name string, err error) error {
	var waited *waitError
	if !errors.As(err, &waited) {
		return err
	}
	made := APIConnectionError{APIError{cause: waited.cause}}
	made.Message = name + ": nothing was sent, since a file that is to be sent gave no bytes: " + waited.cause.Error()
	if isLate(waited.cause) {
		return &APITimeoutError{made}
	}
	return &made
}

// sending is a body that is read from files while it is sent: in a goroutine of its own, so that a reader that stalls
// holds up neither the call nor its connection.
type sending struct {
	source io.ReadCloser
	watch  *watch
	pieces chan piece
	quit   chan struct{}
	start  sync.Once
	end    sync.Once
	rest   []byte
	err    error

	lock   sync.Mutex
	failed error // what the source failed with
}

type piece struct {
	data []byte
	err  error
}

func newSending(source io.ReadCloser, watch *watch) *sending {
	return &sending{source: source, watch: watch, pieces: make(chan piece), quit: make(chan struct{})}
}

func (s *sending) pump() {
	var buffers [2][32 * 1024]byte // one is sent while the other is filled
	for turn := 0; ; turn = 1 - turn {
		count, err := s.source.Read(buffers[turn][:])
		select {
		case s.pieces <- piece{buffers[turn][:count], err}:
		case <-s.quit:
			return
		}
		if err != nil {
			return
		}
	}
}

func (s *sending) Read(into []byte) (int, error) {
	s.start.Do(func() { go s.pump() })
	for len(s.rest) == 0 && s.err == nil {
		select {
		case next := <-s.pieces:
			s.rest, s.err = next.data, next.err
		case <-s.watch.ctx.Done():
			return 0, endOf(s.watch.ctx)
		case <-s.quit:
			return 0, errors.New("the body is closed")
		}
	}
	if len(s.rest) == 0 {
		if !errors.Is(s.err, io.EOF) {
			s.lock.Lock()
			defer s.lock.Unlock()
			s.failed = s.err
		}
		return 0, s.err
	}
	count := copy(into, s.rest)
	s.rest = s.rest[count:]
	s.watch.touch()
	return count, nil
}

// Close lets go of the files.
func (s *sending) Close() error {
	var err error
	s.end.Do(func() {
		close(s.quit)
		err = s.source.Close()
	})
	return err
}

// fault is the error of the call where a file failed, rather than the server.
func (s *sending) fault(name string) error {
	if s == nil {
		return nil
	}
	s.lock.Lock()
	defer s.lock.Unlock()
	if s.failed == nil {
		return nil
	}
	return fmt.Errorf("%s: a file could not be read while it was sent: %w", name, s.failed)
}
