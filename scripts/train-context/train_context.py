"""Trains a small Qwen-1 at a short length on the King James Bible and writes it as a Hugging Face folder (see README.md)."""

import argparse
import hashlib
import json
import os
import sys
import time
from itertools import groupby
from pathlib import Path

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "train-tiny"))

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional as F

from corpus import END, Verse, load_verses
from export import train_tokenizer, write_json, write_tokenizer, write_weights
from qwen import Qwen, Shape
from train import make_optimizer, rate_at, train_on

SEED = 2309
# Whole books, so that thousands of tokens before a word are of its own text: one of verse, one of prose.
HELD_OUT = ("Job", "Acts")
STEPS = 2000
TOKENS = 2048  # per step


def text_of(verses: list[Verse]) -> list[str]:
    """The verses' chapters, each with a verse a line."""
    chapters = groupby(verses, key=lambda verse: verse[:2])
    return ["".join(f"{verse.text}\n" for verse in chapter) for _, chapter in chapters]


def ids_of(tokenizer: Tokenizer, texts: list[str]) -> Tensor:
    """One run of ids, without marks between chapters or books."""
    return torch.tensor([each for encoding in tokenizer.encode_batch(texts) for each in encoding.ids])


def draw_rows(ids: Tensor, length: int, random: torch.Generator) -> Tensor:
    """(rows, length + 1) ids, each row from anywhere in the text: every distance up to `length` occurs at every place."""
    starts = torch.randint(len(ids) - length, (TOKENS // length,), generator=random)
    return ids[starts[:, None] + torch.arange(length + 1)]


@torch.no_grad()
def losses_at(model: Qwen, ids: Tensor, length: int) -> Tensor:
    """Mean loss in nats at every position of rows of `length` tokens."""
    rows = ids[: (len(ids) - 1) // length * length].view(-1, length)
    after = ids[1 : rows.numel() + 1].view(-1, length)
    parts = [
        F.cross_entropy(model(row).flatten(0, 1), target.flatten(), reduction="none").view(-1, length)
        for row, target in zip(rows.split(16), after.split(16))
    ]
    return torch.cat(parts).mean(0)


def by_position(losses: Tensor) -> dict[str, float]:
    """Perplexity in parts of the length that double, the first eighth first."""
    borders = [0, *(len(losses) >> part for part in (3, 2, 1, 0))]
    return {f"{low}-{high}": round(float(losses[low:high].mean().exp()), 2) for low, high in zip(borders, borders[1:])}


def write_config(out: Path, shape: Shape) -> None:
    config = {
        "architectures": ["QWenLMHeadModel"],
        "model_type": "qwen",
        "hidden_size": shape.hidden,
        "intermediate_size": 2 * shape.ffn,
        "kv_channels": shape.head_dim,
        "layer_norm_epsilon": shape.eps,
        "max_position_embeddings": 64 * shape.context,
        "no_bias": True,
        "num_attention_heads": shape.heads,
        "num_hidden_layers": shape.layers,
        "rotary_emb_base": shape.rope_base,
        "rotary_pct": 1.0,
        "scale_attn_weights": True,
        "seq_length": shape.context,
        "tie_word_embeddings": False,
        "torch_dtype": "float16",
        "use_dynamic_ntk": True,
        "use_logn_attn": True,
        "vocab_size": shape.vocab,
    }
    write_json(out / "config.json", config)


def train(model: Qwen, ids: Tensor, held: Tensor, steps: int, out: Path) -> float:
    """Runs all steps; the mean training loss of the last hundred."""
    length = model.shape.context
    random = torch.Generator().manual_seed(SEED)
    optimizer = make_optimizer(model)
    recent: list[float] = []
    began = time.monotonic()
    for step in range(steps):
        rows = draw_rows(ids, length, random)
        recent = (recent + [train_on(model, optimizer, rows, rate_at(step, steps))])[-100:]
        done = step + 1
        if done % 50 == 0 or done == steps:
            speed = done * TOKENS / (time.monotonic() - began)
            print(f"step {done}/{steps} loss {sum(recent) / len(recent):.4f} {speed:.0f} tokens/s", flush=True)
        if done % 500 == 0 and done < steps:
            print(by_position(losses_at(model, held, 8 * length)), flush=True)
            write_weights(out, model)
    return sum(recent) / len(recent)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the Hugging Face model")
    parser.add_argument("--data", type=Path, help="bible.data of the package, instead of apt-get download")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--threads", type=int, default=1, help="the weights' last bits depend on it")
    parser.add_argument("--results", type=Path, help="where to write the losses, as results.json")
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    torch.manual_seed(SEED)
    torch.use_deterministic_algorithms(True)
    began = time.monotonic()
    options.out.mkdir(parents=True, exist_ok=True)
    verses = load_verses(options.data)
    texts = text_of([verse for verse in verses if verse.book not in HELD_OUT])
    held_texts = text_of([verse for verse in verses if verse.book in HELD_OUT])
    shape = Shape()
    tokenizer = train_tokenizer(texts, shape.vocab)
    write_tokenizer(options.out, tokenizer, shape)
    write_config(options.out, shape)
    (options.out / "held-out.txt").write_text("".join(held_texts))
    ids, held = ids_of(tokenizer, texts), ids_of(tokenizer, held_texts)
    model = Qwen(shape)
    count = sum(weight.numel() for weight in model.parameters())
    print(f"{count} weights; {len(ids)} tokens to train on, {len(held)} held out", flush=True)

    last = train(model, ids, held, options.steps, options.out)
    write_weights(options.out, model)
    results = {
        "steps": options.steps,
        "tokens": options.steps * TOKENS,
        "trainingText": len(ids),
        "threads": options.threads,
        "seconds": round(time.monotonic() - began),
        "torch": torch.__version__,
        "weights": count,
        "trainLossLastHundredSteps": round(last, 4),
        "heldOutPerplexityByPosition": by_position(losses_at(model, held, shape.context)),
        "heldOutPerplexityByPositionAt8x": by_position(losses_at(model, held, 8 * shape.context)),
        "sha256": hashlib.sha256((options.out / "model.safetensors").read_bytes()).hexdigest(),
    }
    print(json.dumps(results, indent=2), flush=True)
    if options.results:
        write_json(options.results, results)


if __name__ == "__main__":
    main()
