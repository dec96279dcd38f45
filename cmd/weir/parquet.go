package main

import formats "weir/runtime/export"

var parquetExport = export{
	flag:  "parquet",
	help:  "also write every request as a row of this Parquet `file`, for pandas, polars, DuckDB or Spark",
	write: formats.Parquet,
}
