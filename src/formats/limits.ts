// This file holds every bound on what a model file may claim, each with its reason. A file is hostile until
// it has passed them.

/** safetensors' own cap on its JSON header; a 405B model's is about 0.2 MB. */
export const MAX_SAFETENSORS_HEADER = 100_000_000

/** Files of a sharded checkpoint: the largest known has under 200. */
export const MAX_CHECKPOINT_FILES = 1024

/** Tensors of one checkpoint: 1024 layers of 9, and room for what others add. */
export const MAX_TENSORS = 65_536

/** JSON files beside the weights (config, index, tokenizer): real ones stay below 40 MB. */
export const MAX_JSON_BYTES = 100_000_000

/** A chat template goes into the manifest, which the edge reads before anything else. */
export const MAX_TEMPLATE_CHARS = 1_000_000

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
