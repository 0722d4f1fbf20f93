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
