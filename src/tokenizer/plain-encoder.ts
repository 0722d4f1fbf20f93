// A plain encoder turns text without special tokens into ids; each tokenizer algorithm implements one.

/** Appends the ids of text without special tokens; `first` where nothing stands before it. */
export type PlainEncoder = (text: string, first: boolean, out: number[], literal: boolean) => void
