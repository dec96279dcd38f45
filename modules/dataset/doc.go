// Package dataset is the module "weir/dataset": the prompts that a case sends.
//
// A Dataset is made once, at the start of a case, on all cores, and then read by
// every JavaScript runtime by reference; a script sees an array whose items
// are made when they are read. synthetic() is the only source so far: prompts
// of an exact token length, without meaning.
//
// The package does not know tokenizers: it takes any Go value behind a
// script's object that has the methods of Tokenizer. It sends nothing.
package dataset
