// Package result is the model of what a run found, and what is written from it.
//
// A run makes a [Folder] before it sends anything, adds each case to the [Result]
// when it has ended, and has the folder write result.json anew each time
// (folder.go, replace.go, json.go). [Open] reads such a folder again (read.go): what
// is shown of a run, on the terminal, in reports and in other programs' formats, is
// made from what it gives.
//
// The JSON names are those that scripts see. Latencies are milliseconds,
// throughputs are per second. The package only holds and writes: everything is
// computed in package metrics.
package result
