# litellm's completion and responses, unmodified.

import asyncio
import json

import litellm
from scenarios import ALARM_TOOL, BASE_URL, MODEL, QUESTION, WAKE, Alarm, Ticket, check_alarm, check_ticket, scenario

litellm.suppress_debug_info = True
common = {"model": f"openai/{MODEL}", "api_base": BASE_URL, "api_key": "none", "max_tokens": 80, "num_retries": 0}
ask = {**common, "messages": [{"role": "user", "content": QUESTION}]}
wake = {**common, "messages": [{"role": "user", "content": WAKE}]}
named = {"type": "function", "function": {"name": "set_alarm"}}


def text(answer):
    return answer.choices[0].message.content


def arguments(answer):
    return answer.choices[0].message.tool_calls[0].function.arguments


def streamed():
    parts = litellm.completion(**ask, response_format=Ticket, stream=True)
    check_ticket(json.loads("".join(part.choices[0].delta.content or "" for part in parts)))


def auto():
    message = litellm.completion(**wake, tools=[ALARM_TOOL]).choices[0].message
    for call in message.tool_calls or []:
        check_alarm(call.function.arguments)


def responses_named():
    tools = [{"type": "function", "name": "set_alarm", "parameters": Alarm.model_json_schema()}]
    choice = {"type": "function", "name": "set_alarm"}
    rest = {key: common[key] for key in ("model", "api_base", "api_key")}
    output = litellm.responses(**rest, input=WAKE, tools=tools, tool_choice=choice, max_output_tokens=80).output
    check_alarm(output[0].arguments)


def bridge():
    tools = [{"name": "set_alarm", "description": "Sets an alarm.", "input_schema": Alarm.model_json_schema()}]
    choice = {"type": "tool", "name": "set_alarm"}
    rest = {key: common[key] for key in ("model", "api_base", "api_key", "max_tokens")}
    answer = asyncio.run(litellm.anthropic.messages.acreate(**rest, messages=wake["messages"], tools=tools, tool_choice=choice))
    check_alarm(next(block for block in answer["content"] if block["type"] == "tool_use")["input"])


scenario("object", "response_format, a pydantic model", lambda: check_ticket(json.loads(text(litellm.completion(**ask, response_format=Ticket)))))
scenario("object", "response_format, streamed", streamed)
scenario("object", "json_object", lambda: json.loads(text(litellm.completion(**ask, response_format={"type": "json_object"}))))
scenario("forced", "tool_choice named", lambda: check_alarm(arguments(litellm.completion(**wake, tools=[ALARM_TOOL], tool_choice=named))))
scenario("forced", "tool_choice required", lambda: check_alarm(arguments(litellm.completion(**wake, tools=[ALARM_TOOL], tool_choice="required"))))
scenario("forced", "responses, named", responses_named)
scenario("forced", "the bridge from Anthropic's messages, named", bridge)
scenario("auto", "tools", auto)
scenario("other", "reasoning_effort low", lambda: litellm.completion(**ask, reasoning_effort="low", allowed_openai_params=["reasoning_effort"]))

hello = {**common, "max_tokens": 12, "messages": [{"role": "user", "content": "Say hello."}]}


def talk():
    answer = litellm.completion(**hello)
    assert text(answer) and answer.usage.completion_tokens > 0


def talk_streamed():
    parts = list(litellm.completion(**hello, stream=True, stream_options={"include_usage": True}))
    assert "".join(part.choices[0].delta.content or "" for part in parts if part.choices)
    assert any(getattr(part, "usage", None) for part in parts)


def sampled():
    chosen = {"temperature": 0.7, "top_p": 0.9, "seed": 3, "stop": [".", "\n"], "logprobs": True, "top_logprobs": 2}
    choice = litellm.completion(**{**hello, "max_tokens": 20}, **chosen).choices[0]
    assert not set(choice.message.content or "") & set(".\n")
    assert choice.logprobs["content"]


def several():
    assert len(litellm.completion(**hello, n=2).choices) == 2


def respond(**more):
    return litellm.responses(model=common["model"], api_base=BASE_URL, api_key="none", input="Say hello.", max_output_tokens=16, **more)


def respond_streamed():
    assert list(respond(stream=True))[-1].type in ["response.completed", "response.incomplete"]


def bridge_talk():
    rest = {key: common[key] for key in ("model", "api_base", "api_key")}
    answer = asyncio.run(litellm.anthropic.messages.acreate(**rest, messages=hello["messages"], max_tokens=16))
    assert answer["content"][0]["text"]


def out_of_range():
    try:
        litellm.completion(**hello, temperature=9)
    except litellm.BadRequestError:
        return
    raise AssertionError("no BadRequestError came")


def unknown_model():
    try:
        litellm.completion(**{**hello, "model": "openai/gpt-none"})
    except litellm.NotFoundError:
        return
    raise AssertionError("no NotFoundError came")


scenario("talk", "completion", talk)
scenario("talk", "completion, streamed, usage", talk_streamed)
scenario("talk", "sampling, stop and logprobs", sampled)
scenario("talk", "several answers", several)
scenario("talk", "text_completion", lambda: litellm.text_completion(model=f"text-completion-openai/{MODEL}", api_base=BASE_URL, api_key="none", prompt="Once upon a time", max_tokens=8).choices[0].text)
scenario("talk", "responses", lambda: respond().output)
scenario("talk", "responses, streamed", respond_streamed)
scenario("talk", "the bridge from Anthropic's messages", bridge_talk)
scenario("errors", "a parameter out of range", out_of_range)
scenario("errors", "an unknown model", unknown_model)
