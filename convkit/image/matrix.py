"""Numbers written out in rows: the text form that images and kernels share."""

import numpy as np
from numpy.typing import NDArray

from convkit.errors import ConvkitError, ImageError
from convkit.text import number, shown


def parse_matrix(
    text: str, *, what: str = "an image matrix", error: type[ConvkitError] = ImageError
) -> NDArray[np.float64]:
    """Read rows of numbers; rows end at ``;`` or a line break, values at a comma or white space.

    Parameters
    ----------
    text : str
        Such as ``"2,1,0; 9,5,4"`` or the contents of a CSV file. Fractions (``1/9``) are read too, lines that
        start with ``#`` are comments, blank lines are skipped.
    what, error
        What to call the matrix in a message, and which error to raise.

    Returns
    -------
    ndarray of float64, shape (rows, columns)

    Raises
    ------
    ConvkitError
        Of the given kind, when the matrix is empty, ragged, or holds anything but finite numbers.

    Examples
    --------
    >>> parse_matrix("2,1,0; 9,5,4")
    array([[2., 1., 0.],
           [9., 5., 4.]])
    """
    lines = [line for line in text.lstrip("\ufeff").splitlines() if not line.lstrip().startswith("#")]
    rows: list[list[float]] = []
    for row in (row for line in lines for row in line.split(";") if row.strip()):
        cells = row.split(",") if "," in row else row.split()
        values: list[float] = []
        for cell in cells:
            value = number(cell)
            if value is None:
                raise error(
                    expected=f"{what} of finite numbers",
                    got=f"{shown(cell.strip())} in row {len(rows) + 1}, column {len(values) + 1}",
                    hint="plain numbers such as 0.5, -1 or 1/9",
                )
            values.append(value)
        if rows and len(values) != len(rows[0]):
            raise error(
                expected=f"{what} with rows of one length ({len(rows[0])}, as in row 1)",
                got=f"{len(values)} in row {len(rows) + 1}",
                hint="rows separated by ';' and values by ','",
            )
        rows.append(values)
    if not rows:
        raise error(expected=f"{what} with at least one number", got="no numbers", hint="rows such as '1,2; 3,4'")
    return np.array(rows, dtype=np.float64)
