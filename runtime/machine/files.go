package machine

import (
	"io"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"weir/runtime/result"
)

const (
	maxFile = 64 << 10 // bytes that are read of a file
	maxText = 512      // bytes that are kept of a text
	maxArgs = 2 << 10  // bytes that are kept of the kernel's command line, which most kernels bound likewise
	maxCPUs = 4096     // that are looked at; so the next two
	maxNICs = 64
	maxDevs = 128
)

// files reads small files of a file system. What is not there is "", nil or empty.
type files struct{ root fs.FS }

// text is what a file holds, up to maxFile bytes.
func (f files) text(name string) string {
	file, err := f.root.Open(name)
	if err != nil {
		return ""
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, maxFile))
	if err != nil {
		return ""
	}
	return string(b)
}

// line is the first line of a file.
func (f files) line(name string) string {
	first, _, _ := strings.Cut(f.text(name), "\n")
	return clean(first)
}

// clean is a text as the result has it: of one line, printable and of moderate length.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\uFFFD' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, " "))
	return cut(strings.TrimSpace(s), maxText)
}

func cut(s string, most int) string {
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

// number is the number that a file holds.
func (f files) number(name string) *int64 { return integer(f.line(name)) }

// flag is a file's number as yes or no.
func (f files) flag(name string) *bool {
	n := f.number(name)
	if n == nil {
		return nil
	}
	yes := *n != 0
	return &yes
}

// numbers are those of a file's first line; nil when there is anything else in it.
func (f files) numbers(name string) (all []int64) {
	for field := range strings.FieldsSeq(f.line(name)) {
		n := integer(field)
		if n == nil {
			return nil
		}
		all = append(all, *n)
	}
	return all
}

// exists tells whether there is a file or a folder of that name.
func (f files) exists(name string) bool {
	_, err := fs.Stat(f.root, name)
	return err == nil
}

// list is the names in a folder that begin with prefix and go on with a number, by it.
func (f files) list(dir, prefix string, most int) (names []string) {
	entries, _ := fs.ReadDir(f.root, dir)
	for _, e := range entries {
		if rest, ok := strings.CutPrefix(e.Name(), prefix); ok && integer(rest) != nil && rest[0] != '-' && rest[0] != '+' {
			names = append(names, e.Name())
		}
	}
	slices.SortFunc(names, func(a, b string) int { return *at(a, prefix) - *at(b, prefix) })
	return names[:min(len(names), most)]
}

// at is the number behind a prefix.
func at(name, prefix string) *int {
	n, err := strconv.Atoi(strings.TrimPrefix(name, prefix))
	if err != nil {
		return nil
	}
	return &n
}

// link is the last part of what a symbolic link leads to.
func (f files) link(name string) string {
	to, err := fs.ReadLink(f.root, name)
	if err != nil {
		return ""
	}
	return clean(path.Base(to))
}

func integer(s string) *int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return nil
	}
	return &n
}

// pairs reads lines of a name, a separator and a value, in which names may be
// anything: the first of several of a name counts.
func pairs(text, separator string) map[string]string {
	all := make(map[string]string)
	for row := range strings.Lines(text) {
		name, value, ok := strings.Cut(row, separator)
		name = strings.TrimSpace(name)
		if _, had := all[name]; ok && !had {
			all[name] = clean(value)
		}
	}
	return all
}

// filled is a pointer to a value, nil when it holds nothing.
func filled[T any](v T, empty bool) *T {
	if empty {
		return nil
	}
	return &v
}

// osRelease is the system's name for readers
// (https://www.freedesktop.org/software/systemd/man/latest/os-release.html).
func osRelease(f files) string {
	for _, name := range []string{"etc/os-release", "usr/lib/os-release"} {
		p := pairs(f.text(name), "=")
		if pretty := unquote(p["PRETTY_NAME"]); pretty != "" {
			return pretty
		}
		if name := unquote(p["NAME"]); name != "" {
			return strings.TrimSpace(name + " " + unquote(p["VERSION"]))
		}
	}
	return ""
}

// unquote takes the quotes of a shell's assignment away.
func unquote(s string) string {
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		s = s[1 : len(s)-1]
	}
	return strings.TrimSpace(s)
}

// kernelArgs is the kernel's command line, without the values of secrets.
func kernelArgs(f files) string {
	args := strings.Fields(strings.ToValidUTF8(f.text("proc/cmdline"), ""))
	for i, arg := range args {
		if name, _, ok := strings.Cut(arg, "="); ok && result.SecretName(name) {
			args[i] = name + "=" + result.Hidden
		}
	}
	return cut(strings.Join(args, " "), maxArgs)
}
