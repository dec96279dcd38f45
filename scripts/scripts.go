// Package scripts holds weir's own scenarios, which `weir run NAME` plays.
package scripts

import "embed"

// Files are the scenarios, by file name. Below parts is what only they share; what
// any script may import as weir/lib/NAME is lib/NAME.ts.
//
//go:embed *.ts lib/*.ts parts/*.ts
var Files embed.FS
