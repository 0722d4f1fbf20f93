"""Writes the Hugging Face folder (config, F16 weights, tokenizer, chat template), samples and reference logits."""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor

from corpus import END, START, STOP
from model import Llama, Shape, round_q4, round_q8

# ChatML; a system message is printed when there is one, and none is made up.
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
CHAT_PROMPT = f"{START}user\n%s{STOP}\n{START}assistant\n"
SAMPLES = (
    "In the beginning",
    CHAT_PROMPT % "And it came to pass",
    CHAT_PROMPT % "Tell me about David.",
)
REFERENCE = (
    f"{START}system\nAnswer in the words of the King James Bible.{STOP}\n"
    + CHAT_PROMPT % "Blessed are the meek: for they shall inherit the earth"
)


def write_json(file: Path, value: object) -> None:
    file.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def train_tokenizer(documents: list[str], vocab: int) -> Tokenizer:
    """Byte-level BPE without a prefix space; ids 0, 1, 2 are the special tokens, then bytes, then merges."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = [END, START, STOP]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=vocab, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    texts = (text.replace(END, "").replace(START, "").replace(STOP, "") for text in documents)
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_special_tokens(special)
    return tokenizer


def write_tokenizer(out: Path, tokenizer: Tokenizer, shape: Shape) -> None:
    tokenizer.save(str(out / "tokenizer.json"))
    write_json(
        out / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "add_bos_token": False,
            "add_prefix_space": False,
            "bos_token": END,
            "eos_token": STOP,
            "pad_token": END,
            "unk_token": None,
            "clean_up_tokenization_spaces": False,
            "model_max_length": shape.context,
            "chat_template": CHAT_TEMPLATE,
        },
    )


def write_config(out: Path, tokenizer: Tokenizer, shape: Shape) -> None:
    end, stop = tokenizer.token_to_id(END), tokenizer.token_to_id(STOP)
    config = {
        "architectures": ["LlamaForCausalLM"],
        "attention_bias": False,
        "bos_token_id": end,
        "eos_token_id": stop,
        "head_dim": shape.head_dim,
        "hidden_act": "silu",
        "hidden_size": shape.hidden,
        "initializer_range": 0.02,
        "intermediate_size": shape.ffn,
        "max_position_embeddings": shape.context,
        "mlp_bias": False,
        "model_type": "llama",
        "num_attention_heads": shape.heads,
        "num_hidden_layers": shape.layers,
        "num_key_value_heads": shape.kv_heads,
        "pretraining_tp": 1,
        "rms_norm_eps": shape.eps,
        "rope_scaling": None,
        "rope_theta": shape.rope_base,
        "tie_word_embeddings": True,
        "torch_dtype": "float16",
        "use_cache": True,
        "vocab_size": shape.vocab,
    }
    write_json(out / "config.json", config)
    write_json(
        out / "generation_config.json",
        {"bos_token_id": end, "eos_token_id": [stop, end], "do_sample": True, "temperature": 0.7, "top_p": 0.9},
    )


def write_weights(out: Path, model: Llama) -> None:
    tensors = {name: weight.detach().half().contiguous() for name, weight in model.state_dict().items()}
    save_file(tensors, str(out / "model.safetensors"), metadata={"format": "pt"})


def stored_model(model: Llama, packed: bool) -> Llama:
    """The model as the checkpoint holds it (F16 weights, counted in f32), or as INT4 and INT8 weights if `packed`."""
    stored = Llama(model.shape)
    state = {}
    for name, weight in model.state_dict().items():
        value = weight.half().float()
        if packed and value.dim() == 2:
            value = round_q8(value) if "embed" in name else round_q4(value)
        state[name] = value
    stored.load_state_dict(state)
    return stored.eval()


@torch.no_grad()
def generate(model: Llama, ids: list[int], count: int, ends: set[int], seed: int | None = None) -> list[int]:
    """New ids: greedy, or at temperature 0.7 with `seed`; without a KV cache, which this size does not need."""
    random = None if seed is None else torch.Generator().manual_seed(seed)
    ids = list(ids)
    made: list[int] = []
    for _ in range(count):
        logits = model(torch.tensor([ids[-model.shape.context :]]))[0, -1]
        if random is None:
            chosen = int(logits.argmax())
        else:
            chosen = int(torch.multinomial((logits / 0.7).softmax(-1), 1, generator=random))
        made.append(chosen)
        ids.append(chosen)
        if chosen in ends:
            break
    return made


def write_samples(out: Path, model: Llama, tokenizer: Tokenizer) -> None:
    """sample.txt: for every prompt a greedy text and one at temperature 0.7, from the F16 weights."""
    ends = {tokenizer.token_to_id(END), tokenizer.token_to_id(STOP)}
    stored = stored_model(model, packed=False)
    lines = []
    for prompt in SAMPLES:
        ids = tokenizer.encode(prompt).ids
        for title, seed in (("greedy", None), ("temperature 0.7, seed 1", 1)):
            made = generate(stored, ids, 80, ends, seed)
            lines += [f"=== {title}", f"prompt ids {ids}", f"new ids {made}"]
            lines += [prompt + "|" + tokenizer.decode(made, skip_special_tokens=False), ""]
    (out / "sample.txt").write_text("\n".join(lines))


def top_five(logits: Tensor) -> dict[str, list]:
    values, ids = logits.topk(5)
    return {"ids": ids.tolist(), "logits": [round(value, 6) for value in values.tolist()]}


@torch.no_grad()
def write_reference(out: Path, model: Llama, tokenizer: Tokenizer) -> None:
    """reference.json: the last row's five largest logits for one prompt, float and with packed weights."""
    ids = tokenizer.encode(REFERENCE).ids
    result: dict[str, object] = {"prompt": REFERENCE, "ids": ids}
    for key, packed in (("f16", False), ("q4", True)):
        result[key] = top_five(stored_model(model, packed)(torch.tensor([ids]))[0, -1])
    write_json(out / "reference.json", result)
