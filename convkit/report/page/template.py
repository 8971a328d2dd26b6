"""Templates into a page: every text escaped, and nothing allowed to run or load but what is in it."""

import base64
import hashlib
from importlib import resources
from typing import Any

from convkit.report.page.heat import heat_css

_FOLDER = "templates"


def render(name: str, record: str, **content: Any) -> str:
    """Fill a template.

    Style and script are allowed by their hashes, pictures as ``data:``, and nothing else: what a name or a record
    could smuggle in would neither run nor load.

    Parameters
    ----------
    name : str
        A file of the folder ``templates``.
    record : str
        The JSON of what is shown, which the page carries.
    **content
        What the template asks for.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader(__package__, _FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = _file("page.css") + heat_css()
    script = _file("page.js")
    page: str = environment.get_template(name).render(
        style=Markup(style),  # noqa: S704 - ours, and without a "</"
        script=Markup(script),  # noqa: S704
        policy=(
            f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
            "base-uri 'none'; form-action 'none'"
        ),
        record=data(record),
        **content,
    )
    return page


def data(json: str) -> Any:
    r"""Return JSON that may stand in a script element: it cannot end it, nor begin a comment.

    Examples
    --------
    >>> print(data('"</script><!--"'))
    "\u003c/script\u003e\u003c!--"
    """
    from markupsafe import Markup

    for character in "<>&":  # which JSON has nowhere but in its strings
        json = json.replace(character, f"\\u{ord(character):04x}")
    return Markup(json)  # noqa: S704 - just made harmless


def _file(name: str) -> str:
    return resources.files(__package__).joinpath(_FOLDER, name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
