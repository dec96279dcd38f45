package cmd

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"weir/runtime"
	"weir/runtime/access"
	"weir/runtime/result"
	"weir/runtime/script"
)

// Inspection is what weir inspect --json prints. What is not known is absent.
type Inspection struct {
	Schema    int               `json:"schema"` // as in result.json
	Script    result.Script     `json:"script"`
	Params    []InspectedParam  `json:"params"`
	Plan      *runtime.Planned  `json:"plan"`
	Services  []InspectedTarget `json:"services"`  // that the script's endpoints send to
	Modules   []string          `json:"modules"`   // of weir that are imported
	Libraries []string          `json:"libraries"` // weir/lib/… and npm packages that are imported
	Sources   []string          `json:"sources"`   // the script's own files, relative to its folder
	Files     []InspectedFile   `json:"files"`     // that init code and plan have read
	Writes    []InspectedWrite  `json:"writes"`    // that plan writes, besides the result
}

// InspectedParam is a parameter with its value.
type InspectedParam struct {
	Name     string   `json:"name"`
	Flag     string   `json:"flag"`
	Type     string   `json:"type"`
	Help     string   `json:"help,omitempty"`
	Choices  []string `json:"choices,omitempty"`
	Required bool     `json:"required,omitempty"`
	Secret   bool     `json:"secret,omitempty"`  // and then neither default nor value is shown
	Default  any      `json:"default,omitempty"` // durations in ms; absent: there is none
	Value    any      `json:"value,omitempty"`   // absent: there is none
	From     string   `json:"from"`              // where the value is from

	written, standard string // value and default, as they are written on a command line
}

// InspectedTarget is where requests go.
type InspectedTarget struct {
	URL     string `json:"url"`
	Backend string `json:"backend"`
	Model   string `json:"model,omitempty"`
}

// InspectedFile is a file that is read.
type InspectedFile struct {
	Path   string `json:"path"`
	Param  string `json:"param,omitempty"` // the parameter that names it, or the folder that it is in
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256,omitempty"` // with --hashes
	Note   string `json:"note,omitempty"`   // why there is no hash
}

// InspectedWrite is a path that is written to, as the script says it.
type InspectedWrite struct {
	Path   string `json:"path"`
	Exists bool   `json:"exists"` // already
}

// inspection collects what there is to be known when the plan has been played dry.
func inspection(found *scenario, s *script.Script, rt *script.Runtime, m *modules, planned *runtime.Planned) *Inspection {
	i := &Inspection{
		Schema: result.Schema, Script: found.described(s),
		Plan: planned, Params: []InspectedParam{}, Services: []InspectedTarget{}, Modules: []string{}, Libraries: []string{}, Sources: []string{},
	}
	for _, p := range s.Params() {
		shown := InspectedParam{
			Name: p.Name, Flag: p.Flag, Type: p.Type, Help: p.Help, Choices: p.Choices, Required: p.Required, Secret: p.Secret, From: p.From,
			written: p.Text(p.Value), standard: p.Text(p.Default),
		}
		if !p.Secret {
			shown.Default, shown.Value = finite(p.Default), finite(p.Value)
		}
		i.Params = append(i.Params, shown)
	}
	for _, service := range m.services.Services() {
		i.Services = append(i.Services, InspectedTarget{URL: service.URL, Backend: service.Backend, Model: service.Model})
	}
	i.Modules = append(i.Modules, rt.Modules()...)
	for name := range s.Sources() {
		switch kind, short := sourceKind(name); kind {
		case "library":
			i.Libraries = append(i.Libraries, short)
		case "own":
			i.Sources = append(i.Sources, short)
		}
	}
	slices.Sort(i.Libraries)
	i.Libraries = slices.Compact(i.Libraries)
	slices.Sort(i.Sources)
	return i
}

// sourceKind tells what a source of the script is: one of its "own" files, or of a
// "library" by the name it is imported as; "": a part of weir's own.
func sourceKind(name string) (kind, short string) {
	if _, packaged, found := cutLast(name, "node_modules/"); found {
		parts := strings.SplitN(packaged, "/", 3)
		if strings.HasPrefix(packaged, "@") && len(parts) > 1 {
			return "library", parts[0] + "/" + parts[1]
		}
		return "library", parts[0]
	}
	if library, found := strings.CutPrefix(name, "builtin:lib/"); found {
		library, _, _ = strings.Cut(library, ".")
		return "library", "weir/lib/" + library
	}
	if strings.HasPrefix(name, "builtin:") || strings.HasPrefix(name, "<") {
		return "", ""
	}
	return "own", name
}

func cutLast(s, sep string) (before, after string, found bool) {
	at := strings.LastIndex(s, sep)
	if at < 0 {
		return s, "", false
	}
	return s[:at], s[at+len(sep):], true
}

// finite is a value as JSON can have it: numbers that it has none for as texts.
func finite(v any) any {
	switch v := v.(type) {
	case float64:
		if v-v != 0 { // Infinity and NaN
			return fmt.Sprint(v)
		}
	case []any:
		out := slices.Clone(v)
		for i := range out {
			out[i] = finite(out[i])
		}
		return out
	}
	return v
}

// readFiles are the files that were read, by path.
func readFiles(ctx context.Context, a *access.Access, hashes bool) []InspectedFile {
	all := []InspectedFile{}
	for _, f := range a.Files() {
		shown := InspectedFile{Path: f.Path, Param: f.Param}
		if hashes {
			described := describeFile(ctx, "", f.Path)
			shown.Bytes, shown.SHA256, shown.Note = described.Bytes, described.SHA256, described.Note
		} else if info, err := os.Stat(f.Path); err == nil {
			shown.Bytes = info.Size()
		}
		all = append(all, shown)
	}
	slices.SortFunc(all, func(x, y InspectedFile) int { return cmp.Compare(x.Path, y.Path) })
	return all
}

// writtenFiles are the paths that were written to, each once.
func writtenFiles(a *access.Access) []InspectedWrite {
	all := []InspectedWrite{}
	for _, path := range a.Written() {
		if slices.ContainsFunc(all, func(w InspectedWrite) bool { return w.Path == path }) {
			continue
		}
		_, err := os.Stat(path)
		all = append(all, InspectedWrite{Path: path, Exists: err == nil})
	}
	return all
}

func (i *Inspection) writeJSON(w io.Writer) error {
	text, err := json.MarshalIndent(i, "", "  ")
	if err != nil {
		return fmt.Errorf("write what was found out as JSON: %w", err)
	}
	_, err = w.Write(append(text, '\n'))
	return err
}
