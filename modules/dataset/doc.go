// Package dataset is the module "weir/dataset": the prompts, images and sounds
// that a case sends.
//
// A Dataset is made once, at the start of a case, on all cores, and then read by
// every JavaScript runtime by reference; a script sees an array whose items
// are made when they are read. synthetic() makes prompts of an exact token
// length, without meaning.
//
// A MediaList is made in the same way: images() and audio() make noise,
// imageFiles() and audioFiles() read what there is. Each element is encoded once,
// as the base64 that goes into a request, and put into a store (store.go): the
// first ones in memory, all others in a file without a name, so that thousands
// of large images take no more memory than a few.
//
// withMedia() puts a Dataset and MediaLists together, messages() any other list
// of chat messages. Both give Messages: JSON that is put together when a request
// is written. Whoever writes one appends it to the request's buffer
// (Messages.AppendMessages), so that no image ever becomes a string of a script.
//
// The package does not know tokenizers: it takes any Go value behind a
// script's object that has the methods of Tokenizer. It sends nothing.
package dataset
