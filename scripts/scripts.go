// Package scripts holds weir's own scenarios, which `weir run NAME` plays.
package scripts

import "embed"

// Files are the scenarios, by file name, and below lib what they share.
//
//go:embed *.ts lib/*.ts
var Files embed.FS
