"""What a run found as one page of HTML: nothing outside it is needed to read it."""

from convkit.report.page.comparison import comparison_page
from convkit.report.page.recovery import recovery_page

__all__ = ["comparison_page", "recovery_page"]
