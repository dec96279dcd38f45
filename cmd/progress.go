package cmd

import (
	"io"
	"os"
	"time"

	"weir/runtime"
	"weir/runtime/result"
	"weir/runtime/terminal"
)

// progress shows how far the run is, and tells what became of each case.
type progress struct {
	*terminal.Progress
	of   int // cases in all, as the script says; 0: not known
	told int // cases that have been told of
}

// newProgress makes the progress on standard error that --progress asks for.
func (s *session) newProgress() *progress {
	screen := terminal.ScreenOf(s.stderr)
	mode := s.flags.progress.Choose(screen, os.Getenv)
	return &progress{Progress: terminal.NewProgress(terminal.ProgressConfig{
		To: s.stderr, Mode: mode, Screen: screen,
		Colours: terminal.Colours(screen, os.Getenv),
		Reflows: os.Getenv("XTERM_VERSION") == "" && os.Getenv("STY") == "", // xterm and screen do not
	})}
}

// watch shows the progress of a case.
func (s *session) watch(v runtime.CaseView) (done func()) {
	s.progress.of = v.Of
	name := (&result.Case{Name: v.Name, Repeat: v.Repeat}).Title()
	return s.progress.Start(func() terminal.Snapshot {
		now, p, live := time.Now(), v.Progress(), v.Live()
		snapshot := terminal.Snapshot{
			At: now, Case: v.Number, Cases: v.Of, Name: name, Tags: v.Tags, Warmup: v.Warmup, Stopping: p.Stopping,
			Iterations: terminal.Iterations{
				Planned: p.Planned, Ended: p.Ended(), Failed: p.Failed, Queued: p.Queued, Dropped: p.Dropped, Late: p.Late,
			},
			Live: live, Warnings: v.Warnings(live, p), Devices: s.hub.Latest(),
		}
		if !p.Begin.IsZero() {
			snapshot.Elapsed = now.Sub(p.Begin)
		}
		snapshot.Left, snapshot.LeftKnown = p.Left(now)
		return snapshot
	})
}

// tell tells of the cases that have ended since it did last.
func (p *progress) tell(r *result.Result) {
	for ; p.told < len(r.Cases); p.told++ {
		p.Finished(r.Cases[p.told], p.told+1, p.of)
	}
}

// before is a writer to the terminal for who ends the progress by writing: what a script
// prints at the end.
func (p *progress) before(to io.Writer) io.Writer { return afterProgress{p, to} }

type afterProgress struct {
	progress *progress
	to       io.Writer
}

func (a afterProgress) Write(b []byte) (int, error) {
	a.progress.Close()
	return a.to.Write(b)
}
