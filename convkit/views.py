"""How results are looked at in a notebook: the one place where a result loads the report, and only when asked."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Viewed:
    """A result that a notebook shows as HTML, `rich.print` as text, and `plot` as a figure."""

    def _repr_html_(self) -> str:
        from convkit.report.views import html_of

        return html_of(self)

    def __rich__(self) -> Any:
        from convkit.report.views import text_of

        return text_of(self)

    def plot(self) -> "Figure":
        """Draw it.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        MissingExtraError
            When matplotlib, of the extra ``report``, is not installed.
        """
        from convkit.report.views import figure_of

        return figure_of(self)
