"""What a kernel is: a small matrix of taps, the name it goes by, and the bias some programs add."""

import math
import os
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convkit.errors import KernelError
from convkit.text import shown
from convkit.views import Viewed

MAX_SIDE = 4096
"""Most taps on a side. A larger "kernel" is nearly always an image passed by mistake."""

SCHEMA = "convkit.kernel/1"
"""Of a kernel's JSON."""

_ZERO_SUM = 1e-9  # of the sum of |taps|: far above rounding, far below any wanted gain


@dataclass(frozen=True, eq=False)
class Kernel(Viewed):
    """Taps of a linear filter, applied as cross-correlation: ``y[i,j] = Σ taps[u,v]·x[i+u, j+v] + bias``.

    Attributes
    ----------
    taps : ndarray of float64, shape (kh, kw)
        Finite and read-only; a private copy of what was passed.
    name : str or None
        Canonical name with parameters, such as ``"gaussian:sigma=1.2,size=9"``; None for taps without a name.
    bias : float
        Added to every output, in image units, where the white of an 8-bit picture is 1.

    Raises
    ------
    KernelError
        When the taps are not a non-empty 2-D array of finite real numbers, or exceed ``MAX_SIDE`` on a side.

    Examples
    --------
    >>> kernel = Kernel(np.array([[0.0, 1.0], [2.0, 3.0]]))
    >>> print(kernel, kernel.shape, kernel.sum, kernel.rank)
    0,1;2,3 (2, 2) 6.0 2
    """

    taps: NDArray[np.float64]
    name: str | None = None
    bias: float = 0.0

    def __post_init__(self) -> None:
        taps = _real_numbers(self.taps)
        if taps.ndim != 2 or taps.size == 0:
            raise KernelError(
                expected="a kernel of shape (rows, columns), at least 1×1",
                got=f"an array of shape {taps.shape}",
                hint="rows of numbers, such as [[1, -1]]",
            )
        if max(taps.shape) > MAX_SIDE:
            raise KernelError(
                expected=f"a kernel of at most {MAX_SIDE} taps on a side",
                got=f"{taps.shape[0]}×{taps.shape[1]}",
                hint="a smaller kernel; is this the image?",
            )
        for value in (*taps[~np.isfinite(taps)][:1].tolist(), self.bias):
            if not math.isfinite(value):
                raise KernelError(
                    expected="a kernel of finite numbers",
                    got=shown(value),
                    hint="numbers such as 0.5, -1 or 1/9",
                )
        taps.setflags(write=False)
        object.__setattr__(self, "taps", taps)
        object.__setattr__(self, "bias", float(self.bias))

    @classmethod
    def of(cls, value: "str | ArrayLike | Kernel") -> "Kernel":
        """Turn kernel text, an array or a kernel into a kernel; a 1-D array is one row.

        Examples
        --------
        >>> Kernel.of("1,-1").shape, Kernel.of([1, -1]).shape, Kernel.of("sobel").name
        ((1, 2), (1, 2), 'sobel')
        """
        if isinstance(value, Kernel):
            return value
        if isinstance(value, str):
            from convkit.kernel.parse import parse_kernel  # it imports this module

            return parse_kernel(value)
        taps = value if isinstance(value, np.ndarray) else _real_numbers(value)
        return cls(taps[np.newaxis, :] if taps.ndim == 1 else taps)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values.

        Examples
        --------
        >>> Kernel.of("1,-1").to_dict()
        {'schema': 'convkit.kernel/1', 'name': None, 'taps': [[1.0, -1.0]], 'bias': 0.0}
        """
        return {"schema": SCHEMA, "name": self.name, "taps": self.taps.tolist(), "bias": self.bias}

    def save(self, path: "str | os.PathLike[str]") -> None:
        """Write it to a file that ends in .json, .npy, .csv, .txt or .mat (vips); JSON alone keeps the name.

        Raises
        ------
        OutputError
            For another ending, or a file that cannot be written.
        """
        from convkit.kernel.export import save_kernel  # it imports this module

        save_kernel(self, path)

    @classmethod
    def load(cls, path: "str | os.PathLike[str]") -> "Kernel":
        """Read a kernel file of any kind.

        Raises
        ------
        KernelError
            When the file is missing, or not of its kind.
        """
        from convkit.kernel.files import read_kernel_file  # it imports this module

        return read_kernel_file(path)

    def __str__(self) -> str:
        return ";".join(",".join(map(decimal, row)) for row in self.taps.tolist())

    def __reduce__(self) -> tuple[object, ...]:
        # Through the constructor, since pickled arrays come back writable.
        return Kernel, (self.taps, self.name, self.bias)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns, ``(kh, kw)``."""
        rows, columns = self.taps.shape
        return rows, columns

    @property
    def sum(self) -> float:
        """Sum of the taps, correctly rounded: the gain on a flat image."""
        try:
            return math.fsum(self.taps.ravel().tolist())
        except OverflowError:  # on the way, even where the sum itself would fit
            return math.fsum(self._scaled.ravel().tolist()) * float(np.abs(self.taps).max())

    @property
    def rank(self) -> int:
        """Numerical rank of the taps: 1 means separable, a column times a row."""
        return int(np.linalg.matrix_rank(self._scaled))

    @property
    def is_zero_sum(self) -> bool:
        """Whether the taps cancel (to 1e-9 of their absolute sum), as those of edge detectors do."""
        return abs(math.fsum(self._scaled.ravel().tolist())) <= _ZERO_SUM * float(np.abs(self._scaled).sum())

    @property
    def _scaled(self) -> NDArray[np.float64]:
        """The taps over the largest of them: what depends on their ratios alone must not overflow."""
        largest = float(np.abs(self.taps).max())
        return self.taps / largest if largest else self.taps

    @property
    def stem(self) -> str:
        """The name, fit for a file name; ``kernel`` when nameless.

        Examples
        --------
        >>> Kernel.of("pillow/emboss").stem, Kernel.of("gaussian:sigma=2").stem, Kernel.of("1,-1").stem
        ('pillow-emboss', 'gaussian-sigma=2', 'kernel')
        """
        return re.sub(r"[^A-Za-z0-9.=]+", "-", self.name or "")[:64].strip("-.") or "kernel"


def decimal(value: float) -> str:
    """Write a float in the fewest digits that read back as the same float.

    Examples
    --------
    >>> decimal(-1.0), decimal(1 / 3), decimal(1e-7)
    ('-1', '0.3333333333333333', '1e-07')
    """
    return repr(float(value)).removesuffix(".0")


def _real_numbers(values: object) -> NDArray[np.float64]:
    """Copy anything array-like into float64, or say that it is not made of real numbers."""
    try:
        array = np.asarray(values)
        if array.dtype.kind not in "biuf":
            raise TypeError(f"values of type {array.dtype}")
        with np.errstate(over="ignore"):  # a long double beyond float64 turns infinite, and is refused as such
            return array.astype(np.float64)
    except (TypeError, ValueError, RuntimeError) as error:  # RuntimeError: a torch tensor that requires grad
        raise KernelError(
            expected="a kernel of real numbers in rows of one length",
            got=shown(error, limit=90),
            hint="a list of rows such as [[0, 1], [2, 3]]",
        ) from error
