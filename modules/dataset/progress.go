package dataset

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/dop251/goja"

	"weir/runtime/script"
)

// What takes long says how far it is: first after a while, and then again and again.
const (
	firstProgress = 2 * time.Second
	nextProgress  = 5 * time.Second
)

// maker makes datasets and media for one runtime.
type maker struct {
	rt     *script.Runtime
	module *Module
	say    goja.Callable // the script's console.log, as it was at the start
}

func newMaker(rt *script.Runtime, m *Module) *maker {
	console := rt.VM().Get("console").ToObject(rt.VM())
	say, _ := goja.AssertFunction(console.Get("log"))
	return &maker{rt: rt, module: m, say: say}
}

// making is one thing that init code makes: runtimes that ask for the same wait
// for it.
type making struct {
	turn  chan struct{} // holds one element while nobody makes it
	value any           // nil: not made yet
}

// keep returns what work makes. In init code, which runs once in each runtime, it
// is made once for all of them, by its key; a failure is not remembered, since
// it may have been a cancellation. After init code only one runtime asks, and a
// sweep is not to keep everything that it makes.
func keep[T any](k *maker, key any, what string, n int, work func(context.Context, *atomic.Int64) (T, error)) (T, error) {
	return keepSaying(k, key, made(what, n), func(ctx context.Context, done, _ *atomic.Int64) (T, error) { return work(ctx, done) })
}

// made says how much is made of n of something.
func made(what string, n int) saying {
	return func(done, _ *atomic.Int64, elapsed time.Duration) string {
		return progress(what, int(done.Load()), n, elapsed)
	}
}

// saying tells how much is done of all, which began elapsed ago; "": nothing that is worth a line.
type saying func(done, all *atomic.Int64, elapsed time.Duration) string

// keepSaying is keep with an own way of telling how far it is.
func keepSaying[T any](k *maker, key any, say saying, work func(ctx context.Context, done, all *atomic.Int64) (T, error)) (T, error) {
	if !k.rt.InInit() {
		return watch(k, say, work)
	}
	defer k.rt.Pause()()
	entry := k.module.entry(key)
	var none T
	select {
	case <-entry.turn:
	case <-k.rt.Context().Done():
		return none, script.ErrInterrupted
	}
	defer func() { entry.turn <- struct{}{} }()
	if entry.value != nil {
		return entry.value.(T), nil
	}
	made, err := watch(k, say, work)
	if err != nil {
		return none, err
	}
	entry.value = made
	return made, nil
}

// watch lets work run, and tells the user how far it is when it takes long. It
// is called on the loop, which stands still meanwhile.
func watch[T any](k *maker, say saying, work func(ctx context.Context, done, all *atomic.Int64) (T, error)) (T, error) {
	var made T
	var err error
	var done, all atomic.Int64
	ctx := k.rt.Context()
	finished := make(chan struct{})
	begin := time.Now()
	defer k.rt.Pause()()
	go func() {
		defer close(finished)
		made, err = work(ctx, &done, &all)
	}()
	timer := time.NewTimer(k.module.first)
	defer timer.Stop()
	for {
		select {
		case <-finished:
			if errors.Is(err, context.Canceled) {
				err = script.ErrInterrupted
			}
			if errors.Is(err, context.DeadlineExceeded) {
				err = fmt.Errorf("the time was over (%s): give setup and plan more of it with options.setupTimeout, such as \"2h\"", say(&done, &all, time.Since(begin)))
			}
			return made, err
		case <-timer.C:
			if line := say(&done, &all, time.Since(begin)); line != "" {
				_, _ = k.say(goja.Undefined(), k.rt.VM().ToValue(line)) // only a notice
			}
			timer.Reset(k.module.next)
		}
	}
}

// progress says how far something is that began elapsed ago.
func progress(what string, done, n int, elapsed time.Duration) string {
	line := fmt.Sprintf("%s: %d of %d are made", what, done, n)
	if done > 0 {
		left := time.Duration(float64(elapsed) / float64(done) * float64(n-done))
		line += fmt.Sprintf(", %v left", max(left.Round(time.Second), time.Second))
	}
	return line
}
