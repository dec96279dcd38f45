// Package bundle writes and reads the .weir file: a scenario with all that it takes to run
// it again elsewhere, without a network.
//
// It is a zip file that everybody can read, and that only weir writes: equal inputs give
// equal bytes, whenever, where and by whom they are put together. The entries, in this order:
//
//	weir.json          the manifest: what is in it, and what it takes to run it (Manifest)
//	script.js          the script and what it imports, as one CommonJS program
//	script.js.map      its source map, version 3
//	source/…           the texts that it was made of, for readers
//	files/…            what the script read below its own folder
//	named/PARAM/…      what it read through a parameter, whose value the manifest then says
//
// The manifest is first, the rest is sorted by name. All are deflated, have the time
// 1980-01-01 00:00 and the mode 0644, no extra fields (but the central directory's of
// zip64), no comments and no data descriptors; nothing is before, between or behind them.
// The manifest lists every other entry with its size and SHA-256, and files which are not
// inside (weir bundle --no-data), so that they can be told from others. The digest of a
// bundle is the SHA-256 of the whole file.
//
// A bundle has no absolute path, nothing of the environment and no secret. It may come
// from anybody: [Open] holds its structure, names and manifest to the above before
// anything is unpacked, and [Bundle.Unpack] every content to its size and hash.
package bundle

import (
	"errors"
	"fmt"
	"time"
)

// Ending is that of a bundle's file name.
const Ending = ".weir"

// Schema is the version of the format: it changes when a reader of the one before would
// misread a bundle.
const Schema = 1

// Names of entries, and of the folders that the others are in.
const (
	ManifestName = "weir.json"
	ScriptName   = "script.js"
	MapName      = "script.js.map"
	SourceDir    = "source"
	FilesDir     = "files"
	NamedDir     = "named"
)

// What a bundle may have at most.
const (
	maxEntries  = 50_000
	maxManifest = 16 << 20 // bytes; so the rest
	maxScript   = 64 << 20 // of the program, of its map, and of each source
	maxUnpacked = 64 << 30 // of all entries
	maxRatio    = 100      // times the file's size that all entries may have, when that is more than
	freeRatio   = 256 << 20
	maxName     = 1024
	maxPart     = 255 // of a name, between two slashes
)

// epoch is the time of all entries: the first that a zip file can say.
var epoch = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// And as its two fields say it: the day and the month in bits, the year after 1980.
const (
	epochTime = 0
	epochDate = 1<<5 | 1
)

// Error is what is wrong with a bundle.
type Error struct {
	Bundle string // its file
	Entry  string // "": the whole file
	Err    error
	Hint   string
}

func (e *Error) Error() string {
	text := fmt.Sprintf("bundle %s: ", e.Bundle)
	if e.Entry != "" {
		text += fmt.Sprintf("%.200q: ", e.Entry)
	}
	text += e.Err.Error()
	if e.Hint != "" {
		text += "\n  hint: " + e.Hint
	}
	return text
}

func (e *Error) Unwrap() error { return e.Err }

// ErrDamaged is that of bundles which are not as weir writes them: cut off, changed, or
// made to do harm.
var ErrDamaged = errors.New("damaged or not written by weir")
