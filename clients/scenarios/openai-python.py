# The helpers of openai for Python, unmodified: values by a schema, calls, decisions.

import json
from typing import List

from openai import OpenAI, pydantic_function_tool
from pydantic import BaseModel
from scenarios import ALARM_TOOL, BASE_URL, MODEL, QUESTION, WAKE, Alarm, Ticket, check_alarm, check_ticket, scenario

client = OpenAI(base_url=BASE_URL, api_key="none", max_retries=0)
ask = {"model": MODEL, "max_tokens": 80, "messages": [{"role": "user", "content": QUESTION}]}
wake = {"model": MODEL, "max_tokens": 80, "messages": [{"role": "user", "content": WAKE}]}
ask_input = {"model": MODEL, "max_output_tokens": 80, "input": QUESTION}
wake_input = {"model": MODEL, "max_output_tokens": 80, "input": WAKE}
named = {"type": "function", "function": {"name": "set_alarm"}}
flat_tool = {"type": "function", "name": "set_alarm", "parameters": Alarm.model_json_schema(), "strict": True}
chats = client.chat.completions


class Names(BaseModel):
    all: List[str]


def schema_format(**more):
    return {"type": "json_schema", "json_schema": {"name": "ticket", "schema": Ticket.model_json_schema(), **more}}


def text(answer):
    return answer.choices[0].message.content


def arguments(answer):
    return answer.choices[0].message.tool_calls[0].function.arguments


def parse():
    check_ticket(chats.parse(**ask, response_format=Ticket).choices[0].message.parsed)


def stream():
    with chats.stream(**ask, response_format=Ticket) as events:
        check_ticket(events.get_final_completion().choices[0].message.parsed)


def cut():
    short = {**ask, "max_tokens": 20}
    assert isinstance(chats.parse(**short, response_format=Names).choices[0].message.parsed.all, list)


def responses_stream():
    with client.responses.stream(**ask_input, text_format=Ticket) as events:
        check_ticket(events.get_final_response().output_parsed)


scenario("object", "chat.completions.parse", parse)
scenario("object", "chat.completions.stream, parsed", stream)
scenario("object", "parse, cut by max_tokens", cut)
scenario("object", "json_schema, strict", lambda: check_ticket(json.loads(text(chats.create(**ask, response_format=schema_format(strict=True))))))
scenario("object", "json_schema without strict", lambda: check_ticket(json.loads(text(chats.create(**ask, response_format=schema_format())))))
scenario("object", "json_object", lambda: json.loads(text(chats.create(**ask, response_format={"type": "json_object"}))))
scenario("object", "responses.parse", lambda: check_ticket(client.responses.parse(**ask_input, text_format=Ticket).output_parsed))
scenario("object", "responses.stream, parsed", responses_stream)


def structured(outputs):
    return text(chats.create(**ask, extra_body={"structured_outputs": outputs}))


def among(said, allowed):
    assert said in allowed, said


scenario("object", "structured_outputs, json", lambda: check_ticket(json.loads(structured({"json": Ticket.model_json_schema()}))))
scenario("object", "structured_outputs, regex", lambda: among(structured({"regex": "(good|bad)"}), ["good", "bad"]))
scenario("object", "structured_outputs, choice", lambda: among(structured({"choice": ["yes", "no"]}), ["yes", "no"]))
scenario("object", "structured_outputs, grammar", lambda: among(structured({"grammar": 'root ::= "<" [ab] ">"'}), ["<a>", "<b>"]))


def one_call():
    answer = chats.create(**wake, tools=[ALARM_TOOL], tool_choice="required", parallel_tool_calls=False)
    assert len(answer.choices[0].message.tool_calls) == 1
    check_alarm(arguments(answer))


def parse_tool():
    tools = [pydantic_function_tool(Alarm, name="set_alarm")]
    answer = chats.parse(**wake, tools=tools, tool_choice=named)
    check_alarm(answer.choices[0].message.tool_calls[0].function.parsed_arguments)


def stream_tool():
    with chats.stream(**wake, tools=[ALARM_TOOL], tool_choice=named) as events:
        check_alarm(arguments(events.get_final_completion()))


def allowed_tools():
    choice = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [named]}}
    check_alarm(arguments(chats.create(**wake, tools=[ALARM_TOOL], tool_choice=choice)))


def functions():
    answer = chats.create(**wake, functions=[ALARM_TOOL["function"]], function_call={"name": "set_alarm"})
    check_alarm(answer.choices[0].message.function_call.arguments)


def responses_named():
    choice = {"type": "function", "name": "set_alarm"}
    check_alarm(client.responses.create(**wake_input, tools=[flat_tool], tool_choice=choice).output[0].arguments)


def responses_streamed():
    with client.responses.stream(**wake_input, tools=[flat_tool], tool_choice="required") as events:
        check_alarm(events.get_final_response().output[0].arguments)


scenario("forced", "tool_choice named", lambda: check_alarm(arguments(chats.create(**wake, tools=[ALARM_TOOL], tool_choice=named))))
scenario("forced", "tool_choice required", lambda: check_alarm(arguments(chats.create(**wake, tools=[ALARM_TOOL], tool_choice="required"))))
scenario("forced", "tool_choice required, parallel_tool_calls false", one_call)
scenario("forced", "allowed_tools", allowed_tools)
scenario("forced", "parse with pydantic_function_tool", parse_tool)
scenario("forced", "stream, named", stream_tool)
scenario("forced", "functions, function_call named", functions)
scenario("forced", "responses, named", responses_named)
scenario("forced", "responses.stream, required", responses_streamed)


def auto():
    message = chats.create(**wake, tools=[ALARM_TOOL]).choices[0].message
    for call in message.tool_calls or []:
        check_alarm(call.function.arguments)
    assert message.tool_calls or isinstance(message.content, str)


def responses_auto():
    output = client.responses.create(**wake_input, tools=[flat_tool]).output
    assert output
    for item in output:
        if item.type == "function_call":
            check_alarm(item.arguments)


scenario("auto", "tools", auto)
scenario("auto", "responses", responses_auto)


def decide():
    answers = client.decisions.create(
        model=MODEL,
        input=QUESTION,
        questions=[
            {"type": "predicate", "name": "refund", "instructions": "The customer asks for money back."},
            {"type": "choice", "name": "team", "instructions": "Which team?", "choices": [{"value": "billing"}, {"value": "technical"}]},
            {"type": "score", "instructions": "How urgent is it?", "levels": [{"label": "not"}, {"label": "very"}]},
        ],
    ).answers
    assert [(answer.type, answer.name) for answer in answers] == [("predicate", "refund"), ("choice", "team"), ("score", None)]
    assert 0 < answers[0].probability < 1
    assert answers[1].choice in ["billing", "technical"]
    assert 0 <= answers[2].score <= 1


scenario("decision", "decisions.create", decide)
scenario("other", "reasoning_effort low", lambda: chats.create(**{**ask, "max_tokens": 8}, reasoning_effort="low"))
