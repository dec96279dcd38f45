// Package probe finds out what an inference service speaks, by asking it.
//
// [Run] goes through it in this order: [parseTarget] separates a service's base
// URL from the path of a request that was given with it (target.go); a few GETs tell
// what kind of server answers and what it serves (discover.go, kinds.go); requests
// for one token, the likeliest protocol first, tell which backends of weir/llm work
// (trial.go); and two requests with the best of them tell what it counts and whether
// it obeys ignore_eos (measure.go). The [Result] can be printed (report.go), and
// makes the command line of the static benchmark (command.go).
//
// Nothing is asked in parallel, each request has a time limit, and none has more
// than a few tokens: a service under load does not notice.
package probe
