package probe

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// What the command has in place of what is not known.
const (
	unknownTokenizer = "<folder with the model's tokenizer.json>"
	unknownModel     = "<name of the model>"
	unknownQuery     = "<query of your URL>"
)

// command makes the command line of the static benchmark for what was found, and says
// what it leaves open.
func (p *prober) command(best *Trial) {
	r := p.result
	note := func(format string, args ...any) { r.Notes = append(r.Notes, fmt.Sprintf(format, args...)) }
	if best.Backend == "rerank" {
		note(`weir run static sends no rankings; a script does: new Endpoint({ backend: "rerank", url: %q })`, r.URL)
		return
	}
	args := []string{"weir", "run", "static", "--backend", best.Backend}
	args = append(args, p.address(best)...)
	if p.cfg.Options.Insecure && p.at.base.Scheme == "https" {
		args = append(args, "--insecure")
	}
	for _, file := range []struct{ flag, value string }{
		{"--ca", p.cfg.Options.CA}, {"--client-cert", p.cfg.Options.ClientCert}, {"--client-key", p.cfg.Options.ClientKey},
	} {
		if file.value != "" {
			args = append(args, file.flag, file.value)
		}
	}
	tokenizer := r.tokenizer()
	args = append(args, "--tokenizer", tokenizer)
	if tokenizer == unknownTokenizer {
		note("--tokenizer: put the folder there; without it prompts are not of the lengths that are asked for")
	}
	if find(best.Backend).names {
		model := r.Model
		if model == "" {
			model = unknownModel
		}
		args = append(args, "--served-model-name", model)
	}
	words := make([]string, len(args))
	for i, a := range args {
		words[i] = quote(a)
	}
	r.Command = strings.Join(words, " ")
	for _, secret := range []struct{ what, variable, value string }{
		{"the API key", "WEIR_API_KEY", p.cfg.APIKey},
		{"the AppCode", "WEIR_APP_CODE", p.cfg.AppCode},
		{"the token", "WEIR_AUTH_TOKEN", p.cfg.AuthToken},
		{"the proxy", "WEIR_PROXY", p.cfg.Options.Proxy},
	} {
		if secret.value != "" {
			note("the command takes %s from the variable %s", secret.what, secret.variable)
		}
	}
	if p.cfg.Signer != nil {
		note("the command takes the keys for signing from the variables WEIR_ACCESS_KEY and WEIR_SECRET_KEY")
	}
	if p.at.base.RawQuery != "" {
		note("--url: put the query of your URL there, it is not shown here")
	}
	if len(p.cfg.Header) > 0 {
		note("add your headers: --header \"Name: value\"")
	}
	if best.Backend == "base" {
		note("backend base always names the model llama2")
	}
	p.eventNotes(note)
}

// eventNotes say what else the command needs where events have several tokens.
func (p *prober) eventNotes(note func(format string, args ...any)) {
	switch e := p.result.TokensEach; {
	case e == nil:
	case e.Steps > 1:
		note("events have %d tokens: add --num-scheduler-steps %d", e.Steps, e.Steps)
	case e.Varies:
		note("events have now more and now fewer tokens: add --use-spec-decode if the service decodes speculatively")
	case e.Several():
		n := (e.Tokens - 1 + max(e.Events-1, 1) - 1) / max(e.Events-1, 1)
		note("events have several tokens: add --num-scheduler-steps %d if the service makes as many at once", max(n, 2))
	}
	if u := p.result.IgnoreEOS; u != nil && u.Works != nil && !*u.Works {
		note("answers may be shorter than --output-tokens")
	}
}

// Several tells whether an event has more than one token as a rule. A token that is
// a part of a character has no event of its own, so a few more tokens than events do
// not mean that.
func (e *PerEvent) Several() bool {
	return e.Steps > 1 || e.Varies || 2*e.Tokens >= 3*e.Events && e.Tokens > 2
}

// address are the flags that say where requests go.
func (p *prober) address(best *Trial) []string {
	base := p.at.base
	if base.Path != "" || base.RawQuery != "" {
		u := p.at.at(best.Path)
		if base.RawQuery != "" {
			u += "?" + unknownQuery
		}
		return []string{"--url", u}
	}
	port := base.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[base.Scheme]
	}
	args := []string{"--host", base.Hostname(), "--port", port}
	// The scripts take https for tgi and http for all others.
	if usual := best.Backend == "tgi"; usual != (base.Scheme == "https") {
		args = append(args, "--scheme", base.Scheme)
	}
	return args
}

// tokenizer is a folder that the service names and that is on this machine, too.
func (r *Result) tokenizer() string {
	for _, m := range r.Models {
		if m.Name != r.Model {
			continue
		}
		for _, folder := range []string{m.Root, m.Name} {
			if !filepath.IsAbs(folder) {
				continue
			}
			if _, err := os.Stat(filepath.Join(folder, "tokenizer.json")); err == nil {
				return folder
			}
		}
	}
	return unknownTokenizer
}

// plain are words that a shell takes as they are.
var plain = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// quote writes a word for a POSIX shell.
func quote(word string) string {
	switch {
	case plain.MatchString(word):
		return word
	case !strings.ContainsAny(word, "\"$`\\!"):
		return `"` + word + `"` // easier to read where the word has an apostrophe
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
