// Package wire is a TCP connection that knows when its data arrived.
//
// [New] asks the kernel to stamp what the connection receives (SO_TIMESTAMPING,
// software stamps: https://docs.kernel.org/networking/timestamping.html); each
// Read then takes the data together with the stamp, in one system call, and
// [Conn.Arrival] tells it. So a process that is busy for a moment still knows
// when the data came, and how long it took to notice. Under TLS the stamp is
// that of the read which brought the record's last byte. Where the kernel or a
// sandbox refuses stamps, the time is taken when the read returns, and said so.
//
// On Linux the sockets are not in Go's poller but in one of this package, which
// can do more than wake a goroutine for each arrival: [Conn.Follow] has a stream
// read and worked on where its readiness is seen.
//
// The package knows nothing of HTTP; the client and the simulated service both
// build on it.
package wire
