package bundle

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// driveLetter is how a path begins that Windows takes for one of another drive.
var driveLetter = regexp.MustCompile(`^[A-Za-z]:`)

// checkName says what is wrong with the name of an entry: it has to be a path that stays
// where it is unpacked, on every system.
func checkName(name string) error {
	switch {
	case len(name) > maxName:
		return fmt.Errorf("its name has %d bytes, at most %d are possible", len(name), maxName)
	case !utf8.ValidString(name):
		return errors.New("its name is not UTF-8")
	case strings.ContainsFunc(name, isControl):
		return errors.New("its name has control characters")
	case strings.Contains(name, `\`):
		return errors.New(`its name has a backslash`)
	case driveLetter.MatchString(name):
		return errors.New("its name begins with a drive letter")
	case strings.HasSuffix(name, "/"):
		return errors.New("it is a folder, which a bundle has none of")
	case !fs.ValidPath(name) || name == ".":
		return errors.New("its name leads out of the bundle")
	}
	for part := range strings.SplitSeq(name, "/") {
		if len(part) > maxPart {
			return fmt.Errorf("a part of its name has %d bytes, at most %d are possible", len(part), maxPart)
		}
	}
	return nil
}

// names are those of a bundle's files, each with its folders, so that no two meet in one
// file where capitals, or the forms that Unicode has of a letter, make no difference.
type names struct {
	fold  cases.Caser
	files map[string]string // by folded name
	dirs  map[string]string
}

func newNames() *names {
	return &names{fold: cases.Fold(), files: map[string]string{}, dirs: map[string]string{}}
}

// add checks a name and notes it.
func (n *names) add(name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	key := func(name string) string { return norm.NFC.String(n.fold.String(norm.NFC.String(name))) }
	folded := key(name)
	if other, taken := n.files[folded]; taken {
		if other == name {
			return errors.New("it is there twice")
		}
		return fmt.Errorf("some systems cannot tell its name from %q", other)
	}
	if _, taken := n.dirs[folded]; taken {
		return errors.New("it is both a file and a folder")
	}
	n.files[folded] = name
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		folded := key(dir)
		if _, taken := n.files[folded]; taken {
			return fmt.Errorf("%q is both a file and a folder", dir)
		}
		if other, taken := n.dirs[folded]; taken {
			if other != dir {
				return fmt.Errorf("some systems cannot tell its folder from %q", other)
			}
			break
		}
		n.dirs[folded] = dir
	}
	return nil
}
