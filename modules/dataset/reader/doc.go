// Package reader reads the files that datasets and traces come in, one record at
// a time, and makes Rows of them.
//
// A file goes through four steps, each in a file of its own or some:
//
//	source.go     the bytes: opened, decompressed, and refused when they are no text (refuse.go)
//	records.go    where a record begins and ends: JSON arrays, JSONL, CSV, lines; with line numbers
//	detect.go     which format it is, found out from its first records
//	formats.go    the list of formats; each has a function that makes rows of a record
//
// Memory does not grow with the file: a record is looked at, becomes a row, and is
// forgotten. Traces with sessions keep a few bytes for each of these.
//
// A record that is no good is never passed over in silence: it is counted by
// reason, and the first ones are kept with line number and text. What ends the
// reading is an *Error, which says what to do.
//
// The package counts no tokens, sorts nothing and chooses nothing.
package reader
