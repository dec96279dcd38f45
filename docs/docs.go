// Package docs holds the JSON Schemas of what weir writes, as they are published here.
package docs

import "embed"

// schemas are made from the Go types: go test ./docs -run TestSchemas -update.
//
//go:embed *.schema.json
var schemas embed.FS

// SchemaNames are the names that Schema takes.
var SchemaNames = []string{"result", "record", "telemetry", "inspect"}

// Schema is the JSON Schema of result.json ("result"), of a line of records.jsonl.zst
// and requests.jsonl.zst ("record"), of a line of telemetry.jsonl.zst ("telemetry"), or of
// what weir inspect --json prints ("inspect").
func Schema(name string) ([]byte, error) { return schemas.ReadFile(name + ".schema.json") }
