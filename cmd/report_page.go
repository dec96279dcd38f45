package cmd

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
	png  string
	lang string
}

func (f *reportFlags) flags(fs *pflag.FlagSet) {
	fs.BoolVar(&f.none, "no-report", false, "do not write "+report.FileName)
	fs.StringVar(&f.html, "html", "", "write the report to this `file` instead of "+report.FileName+" in the result's folder")
	fs.StringVar(&f.png, "png", "", "also write the charts of the report as pictures, for a chat or a slide, into this `folder`")
	fs.StringVar(&f.lang, "lang", "auto", "`language` of the report: en, zh, or auto for that of the locale")
}

// check proves that the report can be written.
func (f *reportFlags) check() error {
	if _, err := f.language(); err != nil {
		return fmt.Errorf("--lang: %w\n  hint: leave it out for the language of the locale", err)
	}
	if f.png != "" {
		if err := writableFolder("png", f.png); err != nil {
			return err
		}
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

// write writes the page of a run and its pictures, and tells where they are. It returns
// what could not be written; of what could, nil.
func (f *reportFlags) write(run *result.Run, tell io.Writer) []error {
	lang, err := f.language()
	if err != nil {
		return []error{err}
	}
	return []error{f.writePage(run, lang, tell), f.writePictures(run, lang, tell)}
}

func (f *reportFlags) writePictures(run *result.Run, lang report.Lang, tell io.Writer) error {
	if f.png == "" {
		return nil
	}
	spoken, err := report.Pictures(run, f.png, lang)
	if err != nil {
		return fmt.Errorf("--png: %w", err)
	}
	note := ""
	if spoken != lang {
		note = " (in English: this machine has no font with Chinese characters)"
	}
	fmt.Fprintf(tell, "png: %s%s\n", filepath.ToSlash(f.png), note)
	return nil
}

func (f *reportFlags) writePage(run *result.Run, lang report.Lang, tell io.Writer) error {
	if f.none {
		return nil
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
		return fmt.Errorf("report: %w\n  hint: --html FILE writes it elsewhere, --no-report not at all", err)
	}
	fmt.Fprintf(tell, "report: %s\n", filepath.ToSlash(path))
	return nil
}
