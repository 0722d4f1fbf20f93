// This file holds every bound on what a model file may claim, each with its reason. A file is hostile until
// it has passed them.

/** The JSON header of a safetensors file: a 405B model's is about 0.2 MB, one of MAX_TENSORS some 10 MB. */
export const MAX_SAFETENSORS_HEADER = 16_000_000

/** Files of a sharded checkpoint: the largest known has under 200. */
export const MAX_CHECKPOINT_FILES = 1024

/** Tensors of one checkpoint: 1024 layers of 9, and room for what others add. */
export const MAX_TENSORS = 65_536

/**
 * Values in a GGUF header, those in lists each: the largest known (280,000 tokens with scores and types) has
 * 1.1 million.
 */
export const MAX_HEADER_VALUES = 4_000_000

/** Files of vocabularies and the index of shards: the largest tokenizer.json has 34 MB. */
export const MAX_JSON_BYTES = 48_000_000

/** Settings beside the weights, code and templates: the largest tokenizer_config.json has 1.2 MB. */
export const MAX_SETTINGS_BYTES = 2_000_000

/** Sizes in a config: far above any real model, low enough that products stay exact integers. */
export const MAX_LAYERS = 1024
export const MAX_WIDTH = 262_144
export const MAX_HEADS = 4096
export const MAX_VOCAB = 2_097_152
export const MAX_CONTEXT = 1 << 27

/**
 * Other numbers in a config (rotary bases, factors, epsilons): the largest known is 1e10; products of two
 * stay far inside float32.
 */
export const MAX_NUMBER = 1e12

/** Objects and lists inside each other in a JSON file: those of real checkpoints stay below ten. */
export const MAX_JSON_DEPTH = 64
