# openai for Python, unmodified: talk over chat, completions and responses, conversations, models, errors.

import uuid

import openai
from scenarios import BASE_URL, BREAK_ONCE, MODEL, scenario

client = openai.OpenAI(base_url=BASE_URL, api_key="none", max_retries=0)
chats = client.chat.completions
hello = {"model": MODEL, "max_tokens": 12, "messages": [{"role": "user", "content": "Say hello."}]}
hello_input = {"model": MODEL, "max_output_tokens": 16, "input": "Say hello."}


def text(answer):
    return answer.choices[0].message.content


def said(chunks, index=0):
    return "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices if choice.index == index)


def talk():
    answer = chats.create(**hello)
    assert text(answer)
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def talk_streamed():
    assert said(chats.create(**hello, seed=7, stream=True)) == text(chats.create(**hello, seed=7))


def stream_helper():
    # This helper throws where the limit cuts free text.
    with chats.stream(**{**hello, "max_tokens": 600}, temperature=0) as events:
        assert events.get_final_completion().choices[0].finish_reason in ["stop", "length"]


def usage_in_stream():
    last = list(chats.create(**hello, stream=True, stream_options={"include_usage": True}))[-1]
    assert last.choices == [] and 0 < last.usage.completion_tokens <= 12


def abort():
    with chats.create(**{**hello, "max_tokens": 2000}, stream=True, extra_body={"ignore_eos": True}) as stream:
        for chunk in stream:
            if chunk.choices[0].delta.content:
                break
    assert text(chats.create(**hello))


def stops():
    said_until = text(chats.create(**{**hello, "max_tokens": 60}, stop=[".", "!", "?", "\n", "a"]))
    assert not set(said_until) & set(".!?\na"), said_until


def seeded():
    once, again = (text(chats.create(**hello, seed=42, temperature=0.9, top_p=0.95)) for _ in range(2))
    assert once == again


def logprobs():
    tokens = chats.create(**hello, logprobs=True, top_logprobs=3).choices[0].logprobs.content
    assert all(token.logprob <= 0 and len(token.top_logprobs) == 3 for token in tokens)


def several():
    choices = chats.create(**hello, n=3, seed=5).choices
    assert [choice.index for choice in choices] == [0, 1, 2]
    assert choices[0].message.content == text(chats.create(**hello, seed=5))


def several_streamed():
    chunks = list(chats.create(**hello, n=2, seed=5, stream=True))
    for choice in chats.create(**hello, n=2, seed=5).choices:
        assert said(chunks, choice.index) == choice.message.content


def completions_two():
    answer = client.completions.create(model=MODEL, prompt=["Once upon a time", "The end"], max_tokens=8, n=2)
    assert [choice.index for choice in answer.choices] == [0, 1, 2, 3]


def scored():
    prompt = "The capital of France is"
    choice = client.completions.create(model=MODEL, prompt=prompt, max_tokens=0, echo=True, logprobs=1).choices[0]
    assert choice.text == prompt and choice.logprobs.token_logprobs[0] is None
    assert all(logprob < 0 for logprob in choice.logprobs.token_logprobs[1:])


def respond_streamed():
    assert list(client.responses.create(**hello_input, stream=True))[-1].type in ["response.completed", "response.incomplete"]


def previous():
    first = client.responses.create(**hello_input)
    second = client.responses.create(**{**hello_input, "input": "And again."}, previous_response_id=first.id)
    assert second.usage.input_tokens > first.usage.input_tokens


def kept():
    answer = client.responses.create(**hello_input)
    assert client.responses.retrieve(answer.id).output_text == answer.output_text
    client.responses.delete(answer.id)
    refused(openai.NotFoundError, lambda: client.responses.retrieve(answer.id))


def input_tokens():
    counted = client.responses.input_tokens.count(model=MODEL, input="Say hello.").input_tokens
    assert counted == client.responses.create(**hello_input).usage.input_tokens


def conversation():
    made = client.conversations.create(items=[{"type": "message", "role": "user", "content": "My name is Ada."}])
    first = client.responses.create(**hello_input, conversation=made.id)
    second = client.responses.create(**hello_input, conversation=made.id)
    assert second.usage.input_tokens > first.usage.input_tokens
    assert len(client.conversations.items.list(made.id).data) >= 4
    assert client.conversations.delete(made.id).deleted


def models():
    assert MODEL in [model.id for model in client.models.list()]
    assert client.models.retrieve(MODEL).object == "model"


def refused(kind, run, **facts):
    try:
        run()
    except kind as error:
        for name, value in facts.items():
            assert getattr(error, name) == value, f"{name} is {getattr(error, name)}"
        return
    raise AssertionError(f"no {kind.__name__} came")


def image():
    content = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}]
    chats.create(model=MODEL, messages=[{"role": "user", "content": content}])


def tried_again():
    trying = openai.OpenAI(base_url=BASE_URL, api_key="none", max_retries=1)
    assert text(trying.chat.completions.create(**hello, extra_headers={BREAK_ONCE: str(uuid.uuid4())}))


scenario("talk", "chat", talk)
scenario("talk", "chat, streamed", talk_streamed)
scenario("talk", "chat.completions.stream", stream_helper)
scenario("talk", "usage in the stream", usage_in_stream)
scenario("talk", "abort, and the next answer", abort)
scenario("talk", "stop strings", stops)
scenario("talk", "seed", seeded)
scenario("talk", "logprobs", logprobs)
scenario("talk", "several answers", several)
scenario("talk", "several answers, streamed", several_streamed)
scenario("talk", "completions", lambda: client.completions.create(model=MODEL, prompt="Once upon a time", max_tokens=8).choices[0].text)
scenario("talk", "completions, two prompts", completions_two)
scenario("talk", "completions, the prompt scored", scored)
scenario("talk", "responses", lambda: client.responses.create(**hello_input).output_text)
scenario("talk", "responses, streamed", respond_streamed)
scenario("talk", "responses, previous_response_id", previous)
scenario("talk", "responses, kept and deleted", kept)
scenario("talk", "responses.input_tokens.count", input_tokens)
scenario("talk", "conversations", conversation)
scenario("talk", "models", models)
scenario("errors", "a parameter out of range", lambda: refused(openai.BadRequestError, lambda: chats.create(**hello, temperature=9), param="temperature"))
scenario("errors", "an unknown model", lambda: refused(openai.NotFoundError, lambda: chats.create(**{**hello, "model": "gpt-none"}), code="model_not_found"))
scenario("errors", "an image", lambda: refused(openai.BadRequestError, image))
scenario("errors", "a broken connection, tried again", tried_again)
