# LangChain for Python, unmodified, over chat and responses.

import openai
from langchain_core.messages import HumanMessage
from langchain_core.tools import StructuredTool
from langchain_openai import ChatOpenAI, OpenAI
from scenarios import BASE_URL, MODEL, QUESTION, WAKE, Alarm, Ticket, check_alarm, check_ticket, scenario

PROMPTED = "the client sends no schema: its method json_mode leaves it to the prompt"


def set_alarm(hour: int, minute: int) -> str:
    return "It is set."


tool = StructuredTool.from_function(set_alarm, name="set_alarm", description="Sets an alarm.", args_schema=Alarm)


def stream(model):
    for part in model.with_structured_output(Ticket, method="json_schema").stream(QUESTION):
        last = part
    return last


def auto(model):
    message = model.bind_tools([tool]).invoke(WAKE)
    for call in message.tool_calls:
        check_alarm(call["args"])
    assert message.tool_calls or message.text


def talk(model):
    message = model.invoke([("system", "Be brief."), ("user", "Say hello.")])
    assert message.text and message.usage_metadata["output_tokens"] > 0


def talk_streamed(model):
    assert "".join(part.text for part in model.stream("Say hello."))


def out_of_range(model):
    try:
        model.bind(temperature=9).invoke("Say hello.")
    except openai.BadRequestError:
        return
    raise AssertionError("no BadRequestError came")


def sampled():
    model = ChatOpenAI(model=MODEL, base_url=BASE_URL, api_key="none", max_tokens=20, temperature=0.7, top_p=0.9, seed=3, stop=[".", "\n"], logprobs=True, top_logprobs=2)
    message = model.invoke("Say hello.")
    assert not set(message.text) & set(".\n")
    assert message.response_metadata["logprobs"]["content"]


def several():
    model = ChatOpenAI(model=MODEL, base_url=BASE_URL, api_key="none", max_tokens=12, n=2)
    assert len(model.generate([[HumanMessage("Say hello.")]]).generations[0]) == 2


def usage_streamed():
    model = ChatOpenAI(model=MODEL, base_url=BASE_URL, api_key="none", max_tokens=12, stream_usage=True)
    parts = list(model.stream("Say hello."))
    assert any(part.usage_metadata for part in parts)


scenario("talk", "chat: sampling, stop and logprobs", sampled)
scenario("talk", "chat: several answers", several)
scenario("talk", "chat: usage in the stream", usage_streamed)
scenario("talk", "completions", lambda: OpenAI(model=MODEL, base_url=BASE_URL, api_key="none", max_tokens=12).invoke("Once upon a time"))

for over in ["chat", "responses"]:
    model = ChatOpenAI(
        model=MODEL, base_url=BASE_URL, api_key="none", max_tokens=100, max_retries=0, use_responses_api=over == "responses"
    )
    for method, kind, miss in [("json_schema", "object", None), ("function_calling", "forced", None), ("json_mode", "object", PROMPTED)]:
        structured = model.with_structured_output(Ticket, method=method)
        scenario(kind, f"{over}: with_structured_output, {method}", lambda: check_ticket(structured.invoke(QUESTION)), miss)
    scenario("object", f"{over}: with_structured_output, streamed", lambda: check_ticket(stream(model)))
    for choice in ["set_alarm", "any", "required"]:
        name = "named" if choice == "set_alarm" else choice
        scenario("forced", f"{over}: bind_tools, {name}", lambda: check_alarm(model.bind_tools([tool], tool_choice=choice).invoke(WAKE).tool_calls[0]["args"]))
    scenario("auto", f"{over}: bind_tools", lambda: auto(model))
    scenario("talk", f"{over}: invoke", lambda: talk(model))
    scenario("talk", f"{over}: stream", lambda: talk_streamed(model))
    scenario("errors", f"{over}: a parameter out of range", lambda: out_of_range(model))
