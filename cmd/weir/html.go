package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"weir/runtime/report"
	"weir/runtime/result"
)

// reportFlags say whether, where and in which language the page of a run is written.
type reportFlags struct {
	none bool
	html string
	lang string
}

func (f *reportFlags) flags(fs *pflag.FlagSet) {
	fs.BoolVar(&f.none, "no-report", false, "do not write "+report.FileName)
	fs.StringVar(&f.html, "html", "", "write the report to this `file` instead of "+report.FileName+" in the result's folder")
	fs.StringVar(&f.lang, "lang", "auto", "language of the report: en, zh, or auto for that of the locale")
}

// check proves that the report can be written.
func (f *reportFlags) check() error {
	if _, err := f.language(); err != nil {
		return fmt.Errorf("--lang: %w\n  hint: leave it out for the language of the locale", err)
	}
	if f.html == "" {
		return nil
	}
	if f.none {
		return fmt.Errorf("--no-report and --html %s exclude each other; leave one out", f.html)
	}
	return writableFile("html", f.html)
}

func (f *reportFlags) language() (report.Lang, error) {
	if f.lang == "auto" {
		return report.FromEnvironment(os.LookupEnv), nil
	}
	return report.ParseLang(f.lang)
}

// write writes the page of a run, and tells where it is.
func (f *reportFlags) write(run *result.Run, tell io.Writer) error {
	if f.none {
		return nil
	}
	lang, err := f.language()
	if err != nil {
		return err
	}
	path := f.html
	if path == "" {
		path = filepath.Join(run.Dir, report.FileName)
	}
	var page strings.Builder
	if err := report.Write(&page, run, report.Options{Lang: lang}); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if err := result.ReplaceFile(path, []byte(page.String()), 0o644); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	fmt.Fprintf(tell, "report: %s\n", filepath.ToSlash(path))
	return nil
}
