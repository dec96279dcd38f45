package result

import (
	"errors"
	"io"

	"github.com/klauspost/compress/zstd"
)

// frameText is how much text a frame of an archive holds at most, bytes.
const frameText = 16 << 20

// disk is the file that an archive is written to.
type disk interface {
	io.WriteCloser
	Sync() error
	Truncate(size int64) error
}

// archive compresses lines into a file. It consists of frames, which can be read
// each by itself: a new one begins after each flush, and when there is much in
// the last. When the disk is full, the frame that has been begun is taken back:
// that leaves a file that can be read to its end, and some space for others.
//
// It is used by one goroutine.
type archive struct {
	to      disk
	zip     *zstd.Encoder
	written int64 // bytes
	end     int64 // of the last complete frame, bytes
	kept    int64 // lines in complete frames
	lines   int64 // in the frame that has been begun …
	text    int   // … and their bytes
	broken  bool  // a write has failed: nothing more is written
}

func newArchive(to disk) (*archive, error) {
	a := &archive{to: to}
	// One core's share, little memory: the machine is there for the load.
	zip, err := zstd.NewWriter(a, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
	a.zip = zip
	return a, err
}

// Write takes what the encoder has compressed.
func (a *archive) Write(compressed []byte) (int, error) {
	n, err := a.to.Write(compressed)
	a.written += int64(n)
	return n, err
}

// add writes a line. After a failure it does nothing.
func (a *archive) add(line []byte) error {
	if a.broken {
		return nil
	}
	a.lines++
	a.text += len(line)
	if _, err := a.zip.Write(line); err != nil {
		return a.takeBack(err)
	}
	if a.text < frameText {
		return nil
	}
	return a.complete()
}

// complete ends the frame that has been begun.
func (a *archive) complete() error {
	if err := a.zip.Close(); err != nil {
		return a.takeBack(err)
	}
	a.end = a.written
	a.kept += a.lines
	a.lines, a.text = 0, 0
	a.zip.Reset(a)
	return nil
}

// flush puts all lines on disk. last also closes the file.
func (a *archive) flush(last bool) error {
	var err error
	if !a.broken {
		if a.lines > 0 {
			err = a.complete()
		}
		if err == nil {
			err = a.to.Sync()
		}
	}
	if last {
		a.broken = true
		err = errors.Join(err, a.to.Close())
	}
	return err
}

// takeBack removes the frame that has been begun.
func (a *archive) takeBack(err error) error {
	a.broken = true
	a.zip.Reset(nil)
	if lost := a.to.Truncate(a.end); lost != nil {
		return errors.Join(err, lost)
	}
	return err
}
