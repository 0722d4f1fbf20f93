# llama-index's OpenAILike, unmodified: talk, structured_predict with and without function calls.

import openai
from llama_index.core.llms import ChatMessage
from llama_index.core.prompts import PromptTemplate
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai_like import OpenAILike
from scenarios import BASE_URL, MODEL, QUESTION, WAKE, Alarm, Ticket, check_alarm, check_ticket, scenario

common = {"model": MODEL, "api_base": BASE_URL, "api_key": "none", "is_chat_model": True, "max_tokens": 80, "max_retries": 0, "context_window": 2048}
calling = OpenAILike(**common, is_function_calling_model=True)
holding = OpenAILike(**common, is_function_calling_model=False, should_use_structured_outputs=True)
plain = OpenAILike(**common, is_function_calling_model=False)
prompt = PromptTemplate("{text}")
NO_TOOLS = "the client sends tool_choice without tools, which is a 400: set is_function_calling_model or should_use_structured_outputs"


def set_alarm(hour: int, minute: int) -> str:
    """Sets an alarm."""
    return "It is set."


tool = FunctionTool.from_defaults(set_alarm, fn_schema=Alarm)


def forced():
    answer = calling.chat_with_tools([tool], user_msg=WAKE, tool_required=True)
    check_alarm(calling.get_tool_calls_from_response(answer)[0].tool_kwargs)


def auto():
    answer = calling.chat_with_tools([tool], user_msg=WAKE)
    for call in calling.get_tool_calls_from_response(answer, error_on_no_tool_call=False):
        check_alarm(call.tool_kwargs)


scenario("object", "structured_predict, should_use_structured_outputs", lambda: check_ticket(holding.structured_predict(Ticket, prompt, text=QUESTION)))
scenario("object", "as_structured_llm, should_use_structured_outputs", lambda: check_ticket(holding.as_structured_llm(Ticket).chat([ChatMessage(role="user", content=QUESTION)]).raw))
scenario("object", "structured_predict, a plain model", lambda: check_ticket(plain.structured_predict(Ticket, prompt, text=QUESTION)), NO_TOOLS)
scenario("forced", "structured_predict, a function calling model", lambda: check_ticket(calling.structured_predict(Ticket, prompt, text=QUESTION)))
scenario("forced", "chat_with_tools, tool_required", forced)
scenario("auto", "chat_with_tools", auto)

talking = OpenAILike(**{**common, "max_tokens": 12})
hello = [ChatMessage(role="user", content="Say hello.")]


def out_of_range():
    try:
        talking.chat(hello, temperature=9)
    except openai.BadRequestError:
        return
    raise AssertionError("no BadRequestError came")


def sampled():
    said = talking.chat(hello, temperature=0.7, top_p=0.9, seed=3, stop=[".", "\n"]).message.content or ""
    assert not set(said) & set(".\n")


def chat():
    assert talking.chat(hello).message.content


def chat_streamed():
    assert list(talking.stream_chat(hello))[-1].message.content


def complete(**more):
    model = OpenAILike(**{**common, "is_chat_model": False, "max_tokens": 8})
    assert isinstance(model.complete("Once upon a time").text, str)


scenario("talk", "chat", chat)
scenario("talk", "stream_chat", chat_streamed)
scenario("talk", "sampling and stop", sampled)
scenario("talk", "complete", complete)
scenario("errors", "a parameter out of range", out_of_range)
