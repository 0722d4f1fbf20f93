"""Writes test/fixtures/quant/TYPE.bin: random valid blocks and the `gguf` package's float32 for them.

Layout: u32 number of values, u32 number of block bytes, the block bytes, the float32 values (all little-endian).
Needs `pip install gguf numpy`. The seed is fixed: the files come out the same each time.
"""

import struct
from pathlib import Path

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType
from gguf.quants import dequantize

OUT = Path(__file__).resolve().parent.parent / "test" / "fixtures" / "quant"
TYPES = ["F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K"]
# Byte offsets of the f16 constants in a block: random bytes there would make infinities.
HALVES = {
    "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0],
    "Q2_K": [80, 82], "Q3_K": [108], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208],
}
VALUES = 4 * 512  # four rows of 512


def random_blocks(name: str, rng: np.random.Generator) -> np.ndarray:
    values, size = GGML_QUANT_SIZES[GGMLQuantizationType[name]]
    count = VALUES // values
    floats = (rng.standard_normal(VALUES) * np.exp2(rng.integers(-12, 4, VALUES))).astype(np.float32)
    if name == "F32":
        return floats.view(np.uint8)
    if name == "F16":
        return floats.astype(np.float16).view(np.uint8)
    if name == "BF16":
        return (floats.view(np.uint32) >> 16).astype(np.uint16).view(np.uint8)
    blocks = rng.integers(0, 256, (count, size), dtype=np.uint8)
    for offset in HALVES[name]:
        # Signs of both kinds; every eighth block's constants are subnormal, the rest between 2^-13 and 2^-2.
        constants = rng.standard_normal(count) * np.exp2(rng.integers(-13, -2, count))
        constants[::8] = rng.integers(1, 1024, len(constants[::8])) * 2.0**-24
        blocks[:, offset : offset + 2] = constants.astype(np.float16).view(np.uint8).reshape(count, 2)
    return blocks.reshape(-1)


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    for index, name in enumerate(TYPES):
        blocks = random_blocks(name, np.random.default_rng(20 + index))
        kind = GGMLQuantizationType[name]
        values = dequantize(blocks, kind).reshape(-1).astype(np.float32)
        assert len(values) == VALUES and np.isfinite(values).all()
        (OUT / f"{name}.bin").write_bytes(struct.pack("<II", VALUES, len(blocks)) + blocks.tobytes() + values.tobytes())


main()
