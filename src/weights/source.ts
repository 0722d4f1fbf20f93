// Where the bytes of a packed model come from: a folder, static assets, a bucket, memory.

export interface ByteSource {
  /** Streams one file of the packed folder (shard or tokenizer) in order, in pieces of any size. */
  open(file: string): Promise<ReadableStream<Uint8Array>>
}
