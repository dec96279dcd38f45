// Package modules has the TypeScript declarations of what scripts import: the modules
// in its folders, one each. weir types writes them for editors, and the pages in
// docs/modules are made from them.
package modules

import "embed"

// Types are the declarations: FOLDER/NAME.d.ts has `declare module "weir/…"`, and
// core/globals.d.ts what is there without an import.
//
//go:embed */*.d.ts
var Types embed.FS
