// A byte source gives the files of a packed model: from a folder, static assets, a bucket or memory.

export interface ByteSource {
  /** Streams one file of the packed folder (shard or tokenizer) in order, in pieces of any size. */
  open(file: string): Promise<ReadableStream<Uint8Array>>
}
