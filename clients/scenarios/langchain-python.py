# The helpers of LangChain for Python, unmodified, over chat and responses.

from langchain_core.tools import StructuredTool
from langchain_openai import ChatOpenAI
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
