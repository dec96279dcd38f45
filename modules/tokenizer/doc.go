// Package tokenizer is the module "weir/tokenizer": it turns text into token
// ids and back with a Hugging Face tokenizer.json, and counts tokens.
//
// A path becomes a *Tokenizer through a Module, which loads each path once a
// run and hands the same value to every JavaScript runtime: a tokenizer takes
// up to seconds and hundreds of megabytes to load. The work itself is done by
// the Rust library of github.com/daulet/tokenizers; this package checks on the
// way in what that library would cut, skip or crash on (NUL characters, ids out
// of range, broken files, use after Close) and answers with an error. A file's
// own truncation and padding are turned off, so that every text is counted whole.
//
// "builtin" names a small byte-level BPE of 4,096 tokens that is part of weir,
// for trying things without a model at hand. It was trained by the program in
// train/ on text of our own.
//
// The package does not download anything, apply chat templates, or read
// SentencePiece files (tokenizer.model).
package tokenizer

//go:generate go run ./train -out builtin.json
