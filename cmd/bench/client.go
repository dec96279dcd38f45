//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"time"
)

// footprint is what a client's process has used.
type footprint struct {
	watch *watch
	began int64         // wall clock when it was started, Unix ns
	ended int64         // and when it had ended
	whole time.Duration // CPU time of its whole life
	said  []byte        // its output
}

// runClient runs a client's process to its end.
func runClient(cmd *exec.Cmd) (*footprint, error) {
	var output, complaints bytes.Buffer
	cmd.Stdout = &output
	if cmd.Stderr == nil {
		cmd.Stderr = &complaints
	}
	began := time.Now().UnixNano()
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	w := startWatch(cmd.Process.Pid)
	err := cmd.Wait()
	ended := time.Now().UnixNano()
	w.stop()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s%s", cmd, err, output.Bytes(), complaints.Bytes())
	}
	return &footprint{watch: w, began: began, ended: ended, whole: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), said: output.Bytes()}, nil
}

// span is from the first request that the server has received to the last event
// that it has sent: while the client was under load.
func span(log []truth) (from, to int64, events int) {
	for i := range log {
		r := &log[i]
		if from == 0 || r.Received < from {
			from = r.Received
		}
		to = max(to, r.Received)
		if n := len(r.Sent); n > 0 {
			to = max(to, r.Received+r.Sent[n-1])
			events += n
		}
	}
	return from, to, events
}
