// Package result is the model of what a run found, and what is written from it.
//
// A run makes a [Folder] before it sends anything, adds each case to the [Result]
// when it has ended, and has the folder write result.json anew each time
// (folder.go, replace.go, json.go). While a case runs, [Progress] shows a line
// about it; at the end, [Summary] writes the tables for the terminal.
//
// The JSON names are those that scripts see. Latencies are milliseconds,
// throughputs are per second. The package only holds and writes: everything is
// computed in package metrics.
package result
