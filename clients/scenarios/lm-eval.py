# lm-eval's local-completions, unmodified: a small task of ours, by token ids and by text, against what `islet logits` says.

import json
import logging
import os
import subprocess
from pathlib import Path

os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", HF_HOME=str(Path("hf").absolute()), TOKENIZERS_PARALLELISM="false", TQDM_DISABLE="1")

import numpy
from gguf import GGUFReader
from lm_eval import simple_evaluate
from lm_eval.tasks import TaskManager
from scenarios import BASE_URL, MODEL, scenario
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

logging.disable(logging.WARNING)
# Runs below build/clients; the file that the model was packed from has its tokenizer as the harness wants it.
ROOT = Path.cwd().parents[3]
GGUF = Path(os.environ.get("ISLET_SMOLLM2_GGUF", ROOT / "models/.cache/SmolLM2-135M-Instruct.Q4_1.gguf"))

QUESTIONS = [
    ("A cat is a kind of", ["animal", "colour", "number"], 0),
    ("Water freezes when it is very", ["loud", "cold", "green"], 1),
    ("In the morning the sun", ["rises", "barks", "melts"], 0),
    ("The café closed — “à demain 🌍”, said the", ["waiter", "staircase", "Tuesday"], 0),
]
TEXT = "The keeper climbs the steps each evening, trims the lamp — été comme hiver — and writes the weather into a book."


def write_tokenizer(folder):
    fields = GGUFReader(GGUF).fields
    strings = lambda name: [bytes(fields[name].parts[at]).decode() for at in fields[name].data]
    number = lambda name: int(fields[name].parts[-1][0])
    tokens, merges = strings("tokenizer.ggml.tokens"), strings("tokenizer.ggml.merges")
    types = [int(fields["tokenizer.ggml.token_type"].parts[at][0]) for at in fields["tokenizer.ggml.token_type"].data]
    tokenizer = Tokenizer(models.BPE({token: at for at, token in enumerate(tokens)}, [tuple(merge.split(" ")) for merge in merges]))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token, kind in zip(tokens, types) if kind == 3])
    folder.mkdir(exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False}
    for name in ["bos", "eos"]:
        config[f"{name}_token"] = tokens[number(f"tokenizer.ggml.{name}_token_id")]
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return tokenizer


def write_tasks(folder):
    folder.mkdir(exist_ok=True)
    (folder / "questions.json").write_text("\n".join(json.dumps({"start": start, "ends": ends, "right": right}) for start, ends, right in QUESTIONS))
    (folder / "texts.json").write_text(json.dumps({"text": TEXT}))
    task = lambda name, file, rest: (folder / f"{name}.yaml").write_text(
        f"task: {name}\ndataset_path: json\ndataset_kwargs:\n  data_files:\n    test: {(folder / file).absolute()}\ntest_split: test\n{rest}"
    )
    task("islet_choice", "questions.json", "output_type: multiple_choice\ndoc_to_text: start\ndoc_to_choice: ends\ndoc_to_target: right\nmetric_list:\n  - metric: acc\n")
    task("islet_rolling", "texts.json", 'output_type: loglikelihood_rolling\ndoc_to_text: ""\ndoc_to_target: text\nmetric_list:\n  - metric: word_perplexity\n')


def sums(**settings):
    """The log probability of each end, of each question, and whether it is greedy; then that of the text."""
    found = simple_evaluate(
        model="local-completions",
        model_args={"model": MODEL, "base_url": f"{BASE_URL}/completions", "tokenizer": str(Path("tokenizer").absolute()), "tokenizer_backend": "huggingface", "max_retries": 1, **settings},
        tasks=["islet_choice", "islet_rolling"],
        task_manager=TaskManager(include_path=str(Path("tasks").absolute()), include_defaults=False),
        log_samples=True,
        bootstrap_iters=0,
    )["samples"]
    values = [tuple(found) for sample in found["islet_choice"] for (found,) in sample["resps"]]
    return values, found["islet_rolling"][0]["resps"][0][0]


def logprobs(ids):
    """What `islet logits` says of each id but the first: log probabilities, and whether it is the likeliest."""
    file = Path("logits.npy").absolute()
    node = ROOT / "node_modules/.bin/node"
    subprocess.run([node, ROOT / "cli/main.ts", "logits", MODEL, "--ids", ",".join(map(str, ids)), "--out", file], cwd=ROOT, check=True, capture_output=True)
    rows = numpy.load(file).astype(numpy.float64)[:-1]
    best = rows.max(axis=1)
    total = best + numpy.log(numpy.exp(rows - best[:, None]).sum(axis=1))
    own = rows[numpy.arange(len(rows)), ids[1:]]
    return own - total, own == best


def by_ids():
    values, rolling = sums(tokenized_requests=True)
    place = 0
    for start, ends, _ in QUESTIONS:
        context = tokenizer.encode(start).ids
        for end in ends:
            ids = tokenizer.encode(f"{start} {end}").ids
            own, greedy = logprobs(ids)
            total, is_greedy = values[place]
            assert ids[: len(context)] == context
            expected = float(own[len(context) - 1 :].sum())
            assert abs(float(total) - expected) < 1e-9, f"{start} {end}: {total}, and islet logits says {expected}"
            assert (str(is_greedy) == "True") == bool(greedy[len(context) - 1 :].all())
            place += 1
    own, _ = logprobs([tokenizer.token_to_id("<|im_start|>"), *tokenizer.encode(TEXT).ids])
    total = rolling[0] if isinstance(rolling, (tuple, list)) else rolling
    assert abs(float(total) - float(own.sum())) < 1e-9, f"{total}, and islet logits says {own.sum()}"
    return values, rolling


def by_text():
    """Texts that are decoded from the same ids are read as these; BOS in front of the rolling one would be text."""
    texts, ids = sums(tokenized_requests=False)[0], sums(tokenized_requests=True)[0]
    assert texts == ids, f"{texts} {ids}"


def beside_each_other():
    assert sums(tokenized_requests=True, num_concurrent=4) == sums(tokenized_requests=True)


assert GGUF.exists(), f"{GGUF} is not here, and the harness needs the model's tokenizer: npm run islet -- pull"
tokenizer = write_tokenizer(Path("tokenizer"))
write_tasks(Path("tasks"))
scenario("other", "multiple_choice and loglikelihood_rolling by token ids: the sums of islet logits", by_ids)
scenario("other", "multiple_choice by text: the same sums", by_text)
scenario("other", "by token ids, four requests at once: the same sums", beside_each_other)
