package wire

import "time"

// Arrival says when the newest data of a connection came.
type Arrival struct {
	// At is when the kernel received it, where Kernel is true; else when the
	// read that brought it returned. It has a monotonic clock reading, and never
	// lies before the arrival of the data that the connection brought before it.
	At time.Time
	// Lag is how long the data waited in the kernel until the read that brought
	// it returned; 0 where Kernel is false, as nobody knows.
	Lag time.Duration
	// Spread is how long before At the first of the data with the same Read may have
	// come: it was not there then. 0: nobody knows.
	Spread time.Duration
	// Kernel tells whose clock reading At is: the kernel's software receive
	// stamp, or this process's own.
	Kernel bool
	// Read is the number of the read on its connection, from 1; a read that
	// filled its buffer and the one that goes on with it have the same. Two arrivals
	// of equal number were taken from the kernel together: then At is that of the
	// later data, and an upper bound for the earlier.
	Read uint64
}
