// Package output is the module weir/output: the small writers with which scripts
// make files of their own, such as the CSV of an older tool.
//
// A [Csv] is a table whose rows are formatted and quoted as Python's csv.writer
// and str(float) do it (number.go, quote.go), because the files that scripts have
// to match were written by Python. Each row is on disk when the call returns
// (csv.go). A [Workbook] is a spreadsheet file, which is written as a whole whenever
// it changes (workbook.go, xlsx.go). module.go and arguments.go are what JavaScript sees.
//
// The package computes nothing, and it reads no files but to tell whether a table is empty.
package output
