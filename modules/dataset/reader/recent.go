package reader

import "errors"

// recent is what a csv.Reader reads. It keeps the text of the record that is being read,
// and of what has been read ahead, so that a record can be shown as it stands in the file,
// and lines can be read again.
//
// Offsets are those of the csv.Reader: bytes since it was made.
type recent struct {
	in      *input
	left    int    // bytes that may still be read for this record
	kept    []byte // what was read; what comes before begin is done with
	begin   int
	dropped int64 // the offset of kept[begin]
	unread  int   // bytes at the end of kept that are still to be read again
}

var errTooLarge = errors.New("record too large")

// Read reads. It fails in a record that is larger than it may be, as a quote that is not
// closed would otherwise read the whole file into memory.
func (r *recent) Read(p []byte) (int, error) {
	if r.unread > 0 {
		n := copy(p, r.kept[len(r.kept)-r.unread:])
		r.unread -= n
		return n, nil
	}
	if r.left <= 0 {
		return 0, errTooLarge
	}
	n, err := r.in.Read(p)
	r.left -= n
	r.kept = append(r.kept, p[:n]...)
	return n, err
}

// forget drops what comes before an offset, where the next record begins.
func (r *recent) forget(offset int64) {
	r.begin += int(offset - r.dropped)
	r.dropped = offset
	r.left = maxRecord
	if r.begin > len(r.kept)/2 {
		r.kept = append(r.kept[:0], r.kept[r.begin:]...)
		r.begin = 0
	}
}

// until is the text from what was forgotten to an offset. It is good until the next forget.
func (r *recent) until(offset int64) []byte {
	return r.kept[r.begin : r.begin+int(offset-r.dropped)]
}

// more says whether there is anything after an offset.
func (r *recent) more(offset int64) bool {
	return r.begin+int(offset-r.dropped) < len(r.kept) || len(r.in.rest()) > 0 || r.in.fill()
}

// again goes back to an offset, for a new csv.Reader.
func (r *recent) again(offset int64) {
	r.begin += int(offset - r.dropped)
	r.dropped = 0
	r.unread = len(r.kept) - r.begin
}
