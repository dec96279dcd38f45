package cmd

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"weir/docs"
	"weir/runtime/suggest"
)

// schemaCommand prints the JSON Schemas of what weir writes.
func schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema [" + strings.Join(docs.SchemaNames, "|") + "]",
		Short: "Print the JSON Schema of what weir writes",
		Long: `Print the JSON Schema of what weir writes: of result.json (result, which is the default), of a line of
records.jsonl.zst and requests.jsonl.zst (record) or telemetry.jsonl.zst (telemetry), or of what weir inspect --json prints
(inspect).`,
		Args:      arguments(0, 1, "at most one argument", "weir schema "+docs.SchemaNames[0]),
		ValidArgs: docs.SchemaNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			name := append(args, docs.SchemaNames[0])[0]
			text, err := docs.Schema(name)
			if err != nil {
				hint := strings.Join(docs.SchemaNames, ", ")
				if near := suggest.Nearest(name, docs.SchemaNames); near != "" {
					hint = fmt.Sprintf("did you mean %s? There are %s", near, hint)
				}
				return &exitError{exitConfig, fmt.Errorf("there is no schema of %q\n  hint: %s", name, hint)}
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	}
}
