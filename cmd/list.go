package cmd

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"weir/runtime/registry"
	"weir/runtime/terminal"
	"weir/scripts"
)

// listing is what weir list prints as JSON.
type listing struct {
	Builtin []builtinEntry   `json:"builtin"`
	Cache   string           `json:"cache"` // its folder
	Cached  []registry.Entry `json:"cached"`
}

// builtinEntry is one of weir's own scenarios.
type builtinEntry struct {
	Name        string `json:"name"`
	Description string `json:"description"`
}

// listCommand shows the scenarios that run without being fetched.
func listCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the scenarios that are here: weir's own, and those in the cache",
		Long: `List the scenarios that run without being fetched: weir's own by their names, and those that were fetched before
by their references. weir cache removes what is not needed any longer.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cache, err := openCache(cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			l := listing{Builtin: builtinEntries(), Cache: cache.Dir(), Cached: []registry.Entry{}}
			all, err := cache.Entries()
			if err != nil {
				return &exitError{exitFault, err}
			}
			l.Cached = append(l.Cached, all...)
			if asJSON {
				encoder := json.NewEncoder(cmd.OutOrStdout())
				encoder.SetIndent("", "  ")
				return encoder.Encode(l)
			}
			return l.write(cmd.OutOrStdout())
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print them as JSON")
	return cmd
}

func openCache(say io.Writer) (*registry.Cache, error) {
	dir, err := registry.CacheDir()
	if err != nil {
		return nil, &exitError{exitConfig, err}
	}
	return registry.OpenCache(dir, func(line string) { fmt.Fprintf(say, "weir: %s\n", line) }), nil
}

// builtinEntries describes each of weir's own scenarios by its first comment.
func builtinEntries() (all []builtinEntry) {
	for _, name := range builtinScripts() {
		source, _ := scripts.Files.ReadFile(name + ".ts") // it is part of the program
		all = append(all, builtinEntry{Name: name, Description: headline(map[string]string{"builtin:" + name + ".ts": string(source)}, "builtin:"+name)})
	}
	return all
}

// write shows the list to people.
func (l *listing) write(to io.Writer) error {
	columns := math.MaxInt
	if isTerminal(to) {
		columns = width(to)
	}
	var b strings.Builder
	longest := 0
	for _, e := range l.Builtin {
		longest = max(longest, len(e.Name))
	}
	b.WriteString("weir's own, weir run NAME:\n")
	for _, e := range l.Builtin {
		fmt.Fprintf(&b, "  %-*s  %s\n", longest, e.Name, fitted(e.Description, columns-longest-4))
	}
	if len(l.Cached) == 0 {
		b.WriteString("\nfetched: none; weir pull fetches one\n")
	} else {
		b.WriteString("\nfetched, weir run REFERENCE:\n")
	}
	for _, e := range l.Cached {
		fmt.Fprintf(&b, "  %s\n", terminal.Harmless(e.Reference))
		facts := []string{}
		if len(e.Tags) > 0 {
			facts = append(facts, strings.Join(e.Tags, ", "))
		}
		facts = append(facts, registry.Megabytes(e.Size), "fetched "+e.Fetched.Local().Format("2006-01-02 15:04"))
		if about := strings.TrimSuffix(e.Title+": "+e.Description, ": "); about != "" {
			facts = append(facts, about)
		}
		fmt.Fprintf(&b, "    %s\n", fitted(strings.Join(facts, " · "), columns-4))
	}
	_, err := io.WriteString(to, b.String())
	return err
}

// fitted is the text of others in at most so many columns.
func fitted(s string, columns int) string {
	s = terminal.Harmless(s)
	if text.StringWidth(s) <= columns {
		return s
	}
	return text.Trim(s, max(columns-1, 1)) + "…"
}
