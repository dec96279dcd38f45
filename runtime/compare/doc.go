// Package compare tells which differences between runs are real.
//
// [Compare] holds one run, or several repetitions of it, against another one. It pairs
// their cases by tags, looks whether the two of a pair measure the same thing (same
// model, prompts, lengths, load, …), and gives for each statistic of each metric the
// change with a confidence interval and a verdict. [Condition] is what CI asks of that.
// [Terminal], [Markdown] and [JSON] show it; package report makes a page of it.
//
// The intervals come from the single requests, through metrics.Sampler: their order in
// time is kept and blocks of neighbours are drawn, as requests that are served together
// are alike. Everything is a function of the runs, the options and the seed, however
// many processors take part. docs/compare.md says what is computed, and why.
package compare
