package cmd

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"weir/runtime/convention"
	formats "weir/runtime/export"
	"weir/runtime/result"
)

// export is something that is written of a finished run, where a flag of weir run and
// of weir report says. What is there already is replaced: it can be written again from
// the run's folder.
type export struct {
	flag   string
	folder bool   // the flag names a folder, not a file
	help   string // with `file` or `folder` in it
	write  func(run *result.Run, path string) error
}

// exports are all of them, in the order of the help.
var exports = []export{
	{
		flag:  "csv",
		help:  "also write all cases to this CSV `file` as one tidy table: a row for each case, window and metric",
		write: formats.CSV,
	},
	{
		flag:  "junit",
		help:  "also write what was judged to this JUnit XML `file`, for a CI: a suite a case, a test a threshold",
		write: formats.JUnit,
	},
	{
		flag:  "markdown",
		help:  "also write a summary to this Markdown `file`, for a comment on a pull request",
		write: formats.Markdown,
	},
	{
		flag:  "parquet",
		help:  "also write every request as a row of this Parquet `file`, for pandas, polars, DuckDB or Spark",
		write: formats.Parquet,
	},
	{
		flag:   "vllm",
		folder: true,
		help:   "also write a JSON a case into this `folder`, shaped as vllm bench serve --save-result --save-detailed writes it, for tools that read those",
		write:  convention.WriteVLLM,
	},
	{
		flag:   "aisbench",
		folder: true,
		help:   "also write a CSV and a JSON a case into this `folder`, as AISBench does: performances/<model>/<case>.csv and .json",
		write:  convention.WriteAISBench,
	},
}

// exportFlags are the paths that were given, by flag.
type exportFlags struct{ paths map[string]*string }

func (f *exportFlags) flags(fs *pflag.FlagSet) {
	f.paths = map[string]*string{}
	for _, o := range exports {
		f.paths[o.flag] = fs.String(o.flag, "", o.help)
	}
}

// check proves that what is asked for can be written, so that nobody learns after an
// hour of load that it cannot.
func (f *exportFlags) check() error {
	for _, o := range exports {
		path := *f.paths[o.flag]
		if path == "" {
			continue
		}
		check := writableFile
		if o.folder {
			check = writableFolder
		}
		if err := check(o.flag, path); err != nil {
			return err
		}
	}
	return nil
}

// writableFile proves that the file of a flag can be made or replaced.
func writableFile(flag, path string) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return fmt.Errorf("--%s %s: that is a folder; name a file", flag, path)
	}
	return writableFolder(flag, filepath.Dir(path))
}

// writableFolder proves the same of files in the folder of a flag.
func writableFolder(flag, path string) error {
	err := writable(path)
	var of *fs.PathError
	if errors.As(err, &of) { // the probe's own name says nothing
		err = of.Err
	}
	if err != nil {
		return fmt.Errorf("--%s %s: not writable: %w; choose another place", flag, path, err)
	}
	return nil
}

// writable makes a folder and proves that files can be made in it.
func writable(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	probe, err := os.CreateTemp(dir, ".probe-*")
	if err != nil {
		return err
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// write writes what was asked for, and tells what was written where. One that fails
// does not keep the others from being written.
func (f *exportFlags) write(run *result.Run, tell io.Writer) (failed []error) {
	for _, o := range exports {
		path := *f.paths[o.flag]
		if path == "" {
			continue
		}
		if err := o.write(run, path); err != nil {
			failed = append(failed, fmt.Errorf("--%s: %w", o.flag, err))
			continue
		}
		fmt.Fprintf(tell, "%s: %s\n", o.flag, filepath.ToSlash(path))
	}
	return failed
}
