"""Trains the embedded model on the King James Bible and writes it as a Hugging Face folder (see README.md)."""

import argparse
import hashlib
import json
import math
import os
import time
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional as F

from corpus import END, Verse, load_verses, make_documents, split_chapters
from export import (
    stored_model,
    train_tokenizer,
    write_config,
    write_json,
    write_reference,
    write_samples,
    write_tokenizer,
    write_weights,
)
from model import Llama, Shape

SEED = 1611
HOLD = 50  # every 50th chapter is held out
STEPS = 2000
TOKENS = 2048  # per step
RATE = 3e-3
WARMUP = 100
# The last quarter sees rows of the full context and INT4 weights (unless --float); short rows first cost less attention.
SHORT_ROW = 256
LONG_FROM = 0.75
# Half a million weights, all of them needed: what rounding costs shows, and the checkpoint can be committed.
FLOAT_SHAPE = Shape(vocab=1024, hidden=96, layers=4, heads=3, kv_heads=1, ffn=192)


def pack_rows(tokenizer: Tokenizer, documents: list[str], length: int) -> Tensor:
    """(rows, length + 1) ids. A row starts with a document, as a prompt does; what does not fit in it is dropped."""
    rows: list[list[int]] = []
    row: list[int] = []
    for encoding in tokenizer.encode_batch(documents):
        row += encoding.ids
        if len(row) > length:
            rows.append(row[: length + 1])
            row = []
    return torch.tensor(rows)


def each_batch(tokenizer: Tokenizer, chapters: list[list[Verse]], length: int, name: str) -> Iterator[Tensor]:
    """Batches of TOKENS ids without end; every epoch cuts and shuffles the text anew."""
    size = TOKENS // length
    epoch = 0
    while True:
        rows = pack_rows(tokenizer, make_documents(chapters, f"{SEED} {name} {epoch}"), length)
        for at in range(0, len(rows) - size + 1, size):
            yield rows[at : at + size]
        epoch += 1


@torch.no_grad()
def measure(model: Llama, tokenizer: Tokenizer, chapters: list[list[Verse]]) -> dict[str, float]:
    """Loss per token (nats) and bits per byte over whole chapters as plain text, in rows of the context."""
    context = model.shape.context
    loss = tokens = size = 0.0
    for chapter in chapters:
        text = "\n".join(verse.text for verse in chapter) + "\n" + END
        ids = tokenizer.encode(text).ids
        size += len(text.encode()) - len(END)
        for at in range(0, len(ids) - 1, context):
            row = torch.tensor(ids[at : at + context + 1])
            logits = model(row[None, :-1])[0]
            loss += float(F.cross_entropy(logits, row[1:], reduction="sum"))
            tokens += len(row) - 1
    return {"loss": round(loss / tokens, 4), "bitsPerByte": round(loss / math.log(2) / size, 4)}


def rate_at(step: int, steps: int) -> float:
    """Linear warm-up, then a cosine down to a twentieth."""
    if step < WARMUP:
        return RATE * (step + 1) / WARMUP
    done = (step - WARMUP) / max(1, steps - WARMUP)
    return RATE * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * done)))


def make_optimizer(model: nn.Module) -> torch.optim.AdamW:
    matrices = [weight for weight in model.parameters() if weight.dim() == 2]
    vectors = [weight for weight in model.parameters() if weight.dim() == 1]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=RATE, betas=(0.9, 0.95), fused=True)


def train_on(model: nn.Module, optimizer: torch.optim.Optimizer, rows: Tensor, rate: float) -> float:
    """One step on (rows, length + 1) ids: each predicts the next; its loss in nats."""
    for group in optimizer.param_groups:
        group["lr"] = rate
    loss = F.cross_entropy(model(rows[:, :-1]).flatten(0, 1), rows[:, 1:].flatten())
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss.item()


def write_held_out(out: Path, chapters: list[list[Verse]]) -> None:
    """held-out.txt: the chapters that were not trained on, a verse a line; what `islet perplexity` reads."""
    lines = (verse.text for chapter in chapters for verse in chapter)
    (out / "held-out.txt").write_text("".join(f"{line}\n" for line in lines))


def train(
    model: Llama, tokenizer: Tokenizer, train_set: list, hold_set: list, steps: int, out: Path, rounded: bool
) -> float:
    """Runs all steps, the last quarter with INT4 weights if `rounded`; the mean training loss of the last hundred."""
    optimizer = make_optimizer(model)
    long_from = int(steps * LONG_FROM)
    batches = each_batch(tokenizer, train_set, SHORT_ROW, "short")
    recent: list[float] = []
    began = time.monotonic()
    for step in range(steps):
        if step == long_from:
            batches = each_batch(tokenizer, train_set, model.shape.context, "long")
            model.set_rounded(rounded)
        rows = next(batches)
        recent = (recent + [train_on(model, optimizer, rows, rate_at(step, steps))])[-100:]
        done = step + 1
        if done % 20 == 0 or done == steps:
            speed = done * TOKENS / (time.monotonic() - began)
            mean = sum(recent[-20:]) / len(recent[-20:])
            print(f"step {done}/{steps} loss {mean:.4f} {speed:.0f} tokens/s", flush=True)
        if done % 500 == 0 and done < steps:
            print("validation", measure(stored_model(model, packed=False), tokenizer, hold_set[:6]), flush=True)
            write_weights(out, model)
            write_samples(out, model, tokenizer)
    return sum(recent) / len(recent)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the Hugging Face model")
    parser.add_argument("--data", type=Path, help="bible.data of the package, instead of apt-get download")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--threads", type=int, default=1, help="the weights' last bits depend on it")
    parser.add_argument("--float", action="store_true", help="the small model that never sees INT4 weights instead")
    parser.add_argument("--results", type=Path, help="where to write the losses, as results.json")
    parser.add_argument("--pack", metavar="FOLDER", help="print the command that packs the model into FOLDER")
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    torch.manual_seed(SEED)
    torch.use_deterministic_algorithms(True)
    began = time.monotonic()
    options.out.mkdir(parents=True, exist_ok=True)
    train_set, hold_set = split_chapters(load_verses(options.data), HOLD)
    shape = FLOAT_SHAPE if options.float else Shape()
    tokenizer = train_tokenizer(make_documents(train_set, f"{SEED} tokenizer"), shape.vocab)
    write_tokenizer(options.out, tokenizer, shape)
    write_config(options.out, tokenizer, shape)
    model = Llama(shape)
    count = sum(weight.numel() for weight in model.parameters())
    print(f"{count} weights, {model.packed_bytes()} bytes packed without the tokenizer", flush=True)

    write_held_out(options.out, hold_set)
    last = train(model, tokenizer, train_set, hold_set, options.steps, options.out, rounded=not options.float)
    write_weights(options.out, model)
    write_samples(options.out, model, tokenizer)
    write_reference(options.out, model, tokenizer)
    results = {
        "steps": options.steps,
        "tokens": options.steps * TOKENS,
        "threads": options.threads,
        "seconds": round(time.monotonic() - began),
        "torch": torch.__version__,
        "weights": count,
        "packedBytesWithoutTokenizer": model.packed_bytes(),
        "trainLossLastHundredSteps": round(last, 4),
        "validation": {
            "f16": measure(stored_model(model, packed=False), tokenizer, hold_set),
            "q4": measure(stored_model(model, packed=True), tokenizer, hold_set),
        },
        "sha256": hashlib.sha256((options.out / "model.safetensors").read_bytes()).hexdigest(),
    }
    print(json.dumps(results, indent=2), flush=True)
    if options.results:
        write_json(options.results, results)
    if options.pack:
        print(f"Now pack it:\n  npm run islet -- pack {options.out} {options.pack} --quant q4 --embedding q8")


if __name__ == "__main__":
    main()
