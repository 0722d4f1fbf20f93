# Anthropic's client for Python, unmodified: messages, streams, values by a schema, calls.

import json

from anthropic import Anthropic, BadRequestError, NotFoundError
from scenarios import BASE_URL, MODEL, QUESTION, WAKE, Alarm, Ticket, check_alarm, scenario

client = Anthropic(base_url=BASE_URL.replace("/v1", ""), api_key="none", max_retries=0)
tools = [{"name": "set_alarm", "description": "Sets an alarm.", "input_schema": Alarm.model_json_schema()}]
named = {"type": "tool", "name": "set_alarm"}


def ask(content, **more):
    return {"model": MODEL, "max_tokens": 80, "messages": [{"role": "user", "content": content}], **more}


def call_in(message):
    return next(block for block in message.content if block.type == "tool_use")


def create():
    message = client.messages.create(**ask("Hello", system="Be brief."))
    assert message.role == "assistant" and message.content[0].type == "text"
    assert message.stop_reason in ("end_turn", "max_tokens")
    assert message.usage.output_tokens > 0 and message._request_id


def create_streamed():
    types = [event.type for event in client.messages.create(**ask("Hello", stream=True))]
    assert types[0] == "message_start" and types[-1] == "message_stop"


def stream():
    with client.messages.stream(**ask("Hello")) as events:
        text = "".join(events.text_stream)
        assert events.get_final_message().content[0].text == text


def left():
    with client.messages.stream(**ask("Count to a thousand.", extra_body={"seed": 1})) as events:
        next(iter(events))
    assert client.messages.create(**ask("Hello")).content


def stops():
    body = {"temperature": 0, "top_k": 1}
    message = client.messages.create(**ask("Hello", stop_sequences=["e", "o", "a"], extra_body=body))
    assert message.stop_reason == "stop_sequence" and message.stop_sequence in ("e", "o", "a")


def held():
    schema = Ticket.model_json_schema()
    message = client.messages.create(
        **ask(QUESTION, output_config={"format": {"type": "json_schema", "schema": schema}})
    )
    Ticket.model_validate_json(message.content[0].text)


def parse():
    # Of the schema this client sends no maxLength: it writes that into the description.
    class Loose(Ticket):
        summary: str

    assert client.messages.parse(**ask(QUESTION, output_format=Loose)).parsed_output is not None


def forced():
    message = client.messages.create(**ask(WAKE, tools=tools, tool_choice=named))
    assert message.stop_reason == "tool_use"
    check_alarm(call_in(message).input)


def forced_streamed():
    choice = {"type": "any", "disable_parallel_tool_use": True}
    with client.messages.stream(**ask(WAKE, tools=tools, tool_choice=choice)) as events:
        pieces = [event.partial_json for event in events if event.type == "input_json"]
        check_alarm(call_in(events.get_final_message()).input)
    check_alarm(json.loads("".join(pieces)))


def auto():
    for block in client.messages.create(**ask(WAKE, tools=tools)).content:
        if block.type == "tool_use":
            check_alarm(block.input)


def result():
    asked = ask(WAKE, tools=tools, tool_choice=named)
    called = client.messages.create(**asked)
    done = {"type": "tool_result", "tool_use_id": call_in(called).id, "content": "It is set."}
    messages = [*asked["messages"], {"role": "assistant", "content": called.content}, {"role": "user", "content": [done]}]
    answer = client.messages.create(**{**asked, "messages": messages, "tool_choice": {"type": "none"}})
    assert answer.content[0].type == "text"


def refusal():
    document = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}}
    try:
        client.messages.create(**ask([document]))
    except BadRequestError as error:
        assert "messages[0].content[0]" in str(error) and error.request_id
        return
    raise AssertionError("not refused")


def unknown():
    try:
        client.messages.create(**ask("Hello", model="other"))
    except NotFoundError as error:
        assert error.body["error"]["type"] == "not_found_error"
        return
    raise AssertionError("found")


def count():
    asked = ask("Hello", system="S", tools=tools)
    del asked["max_tokens"]
    assert client.messages.count_tokens(**asked).input_tokens > 0


def models():
    assert [model.id for model in client.models.list()] == [MODEL]
    assert client.models.retrieve(MODEL).display_name


scenario("other", "messages.create", create)
scenario("other", "messages.create, streamed", create_streamed)
scenario("other", "messages.stream", stream)
scenario("other", "a stream that is left", left)
scenario("other", "stop_sequences", stops)
scenario("object", "output_config.format", held)
scenario("object", "messages.parse", parse)
scenario("forced", "tool_choice named", forced)
scenario("forced", "messages.stream, tool_choice any", forced_streamed)
scenario("auto", "tools", auto)
scenario("auto", "a call, its result, and the answer", result)
scenario("other", "a refusal", refusal)
scenario("other", "an unknown model", unknown)
scenario("other", "messages.count_tokens", count, "POST /v1/messages/count_tokens is not served yet")
scenario("other", "models.list, models.retrieve", models)
