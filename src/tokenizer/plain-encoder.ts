// A plain encoder turns text without special tokens into ids: what each tokenizer algorithm implements.

/** Appends the ids of text without special tokens; `first` where nothing stands before it. */
export type PlainEncoder = (text: string, first: boolean, out: number[], literal: boolean) => void
