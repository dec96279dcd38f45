package main

import formats "weir/runtime/export"

var csvExport = export{
	flag:  "csv",
	help:  "also write all cases to this CSV `file` as one tidy table: a row for each case, window and metric",
	write: formats.CSV,
}

var junitExport = export{
	flag:  "junit",
	help:  "also write what was judged to this JUnit XML `file`, for a CI: a suite a case, a test a threshold",
	write: formats.JUnit,
}

var markdownExport = export{
	flag:  "markdown",
	help:  "also write a summary to this Markdown `file`, for a comment on a pull request",
	write: formats.Markdown,
}
