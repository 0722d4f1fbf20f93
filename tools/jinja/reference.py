"""Renders chat templates as transformers 5.24.0 with Jinja2 3.1.6 does: the reference of src/chat/jinja.

Needs Python 3.11 and `pip install transformers==5.24.0 jinja2==3.1.6` (no torch). CI does not run it: what it gives is
committed. A template's values come from JSON text, so that 1.0 is a float and keys keep their order.
"""

import datetime as moments
import warnings

warnings.simplefilter("ignore")

import jinja2
import transformers
from transformers.utils import chat_template_utils

TRANSFORMERS, JINJA = "5.24.0", "3.1.6"
if (transformers.__version__, jinja2.__version__) != (TRANSFORMERS, JINJA):
    raise SystemExit(f"needs transformers {TRANSFORMERS} with jinja2 {JINJA}")

MOMENT = moments.datetime(2024, 7, 26, 9, 5, 3)
"""What `strftime_now` prints of: both sides are frozen there."""


class FrozenMoment(moments.datetime):
    @classmethod
    def now(cls, tz=None):
        return MOMENT


chat_template_utils.datetime = FrozenMoment


def render(template: str, context: dict) -> dict:
    """{"text"} of a rendering, or {"raises", "message"}: the class of the error and its words."""
    try:
        return {"text": chat_template_utils._compile_jinja_template(template).render(**context)}
    except Exception as error:
        return {"raises": type(error).__name__, "message": str(error)}
