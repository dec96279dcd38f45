package cmd

import (
	"fmt"
	"os"

	"github.com/parquet-go/parquet-go"
)

// rows is a command of the sessions: it counts the rows of a Parquet file, and prints
// what the first one has in some columns.
func rows() {
	type columns struct {
		Output int64   `parquet:"output_tokens,optional"`
		TTFT   float64 `parquet:"ttft_ms,optional"`
	}
	all, err := parquet.ReadFile[columns](os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("%d rows output_tokens=%d\n", len(all), all[0].Output)
}

// tear is a command of the sessions: it appends to a compressed file the same frame once
// more, without its end.
func tear() {
	data, err := os.ReadFile(os.Args[1])
	if err == nil {
		var f *os.File
		if f, err = os.OpenFile(os.Args[1], os.O_APPEND|os.O_WRONLY, 0); err == nil {
			_, err = f.Write(data[:len(data)/4])
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
