package cmd

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// signals turns Ctrl-C and SIGTERM into the two ways of stopping a run: the
// first ends stop (start nothing more, let what runs finish), the second ends
// ctx (now). A third one ends the program as it would without weir. end does what
// the first one does. say is told of it once something runs: until then there is nothing to
// wait for.
func signals(say io.Writer, runs func() bool) (ctx, stop context.Context, end, release func()) {
	ctx, cancel := context.WithCancel(context.Background())
	stop, end = context.WithCancel(ctx)
	arrived := make(chan os.Signal, 3)
	signal.Notify(arrived, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case <-arrived:
		case <-ctx.Done():
			return
		}
		end() // first: whoever sees the line may rely on it
		if runs() {
			fmt.Fprintln(say, "weir: stopping; what runs may finish. Interrupt again to stop at once.")
		}
		select {
		case <-arrived:
		case <-ctx.Done():
			return
		}
		if runs() {
			fmt.Fprintln(say, "weir: stopping at once.")
		}
		signal.Stop(arrived)
		cancel()
	}()
	return ctx, stop, end, func() {
		// The program is about to end. Who has asked for that once and asks again shall
		// not change the exit code.
		if stop.Err() == nil {
			signal.Stop(arrived)
		}
		cancel()
	}
}
