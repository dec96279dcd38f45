// Package tokenizer is the module "weir/tokenizer": it turns text into token
// ids and back with a Hugging Face tokenizer, counts tokens, and renders messages
// with a model's chat template.
//
// A path becomes a *Tokenizer through a Module, which loads each path once a
// run and hands the same value to every JavaScript runtime: a tokenizer takes
// up to seconds and hundreds of megabytes to load. The work itself is done by
// the Rust library of github.com/daulet/tokenizers; this package checks on the
// way in what that library would cut, skip or crash on (ids out of range, broken
// files, use after Close) and answers with an error. NUL characters, at which its
// interface ends a text, take a way of their own (nul.go). A file's own truncation
// and padding are turned off, so that every text is counted whole.
//
// A model without a tokenizer.json may have a tokenizer.model of SentencePiece, or
// vocab.json and merges.txt: package slow makes a tokenizer.json of them in memory.
// Chat templates are rendered by package chattemplate.
//
// "builtin" names a small byte-level BPE of 4,096 tokens that is part of weir,
// for trying things without a model at hand. It was trained by the program in
// train/ on text of our own.
//
// The package does not download anything and does not read tiktoken files. What is
// put around a text is what the tokenizer.json says (as in transformers 5): a
// contradicting add_bos_token in tokenizer_config.json is reported, not followed.
package tokenizer

//go:generate go run ./train -out builtin.json
