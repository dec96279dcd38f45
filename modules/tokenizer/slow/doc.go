// Package slow makes a tokenizer.json of the files that older models have instead:
// a SentencePiece model (tokenizer.model), or vocab.json with merges.txt. "Slow" is
// Hugging Face's word for the tokenizers that read these files.
//
// The result is the one that the converters of Hugging Face's transformers make, as
// far as it decides the token ids: ids equal those of the library sentencepiece, and
// of GPT2Tokenizer and Qwen2Tokenizer. What has rules in program code of its own (the
// vocabulary of XLM-RoBERTa is shifted, for example) is refused, never guessed.
//
// Where the library tokenizers and sentencepiece differ, the result does as
// tokenizers: of two ways to cut a text that are equally likely it may take the other
// one (Unigram), the text "<0x41>" is the byte (Unigram), and compiled rules of
// normalization apply to a letter with its accents as a whole.
package slow
