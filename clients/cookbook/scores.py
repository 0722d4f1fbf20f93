# openai for Python: three answers at the price of one prompt, and how likely each of some endings is.

import json

from openai import OpenAI

client = OpenAI(base_url="http://127.0.0.1:8787/v1", api_key="none")
model = "smollm2-135m-instruct"

answers = client.chat.completions.create(
    model=model,
    messages=[{"role": "user", "content": "Name a colour."}],
    n=3,
    max_tokens=20,
)
print(json.dumps([choice.message.content for choice in answers.choices]))

prompt, endings = "In the morning the sun", [" rises", " barks", " melts"]
scored = client.completions.create(
    model=model, prompt=[prompt + ending for ending in endings], echo=True, logprobs=0, max_tokens=0
)
sums = {}
for ending, choice in zip(endings, scored.choices):
    tokens = zip(choice.logprobs.text_offset, choice.logprobs.token_logprobs)
    sums[ending] = sum(logprob for offset, logprob in tokens if offset >= len(prompt))
print(json.dumps(sums))
