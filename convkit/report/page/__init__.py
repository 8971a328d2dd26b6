"""What a run found as one page of HTML: nothing outside it is needed to read it."""

from convkit.report.page.comparison import comparison_page
from convkit.report.page.recovery import recovery_page
from convkit.report.page.write import check_page, write_page

__all__ = ["check_page", "comparison_page", "recovery_page", "write_page"]
