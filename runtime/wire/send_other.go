//go:build !linux

package wire

import "time"

// WriteStamped is Write: only Linux stamps what is sent.
func (c *Conn) WriteStamped(p []byte) (int, error) { return c.Write(p) }

// Sent is false: there are no stamps.
func (c *Conn) Sent(time.Time) (time.Time, bool) { return time.Time{}, false }

// Retransmits is not known here.
func (c *Conn) Retransmits() (int, bool) { return 0, false }
