"""Filter a picture: one kernel or several combined, under one convention."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from convkit.convolution.apply import apply
from convkit.convolution.backends import Backend
from convkit.convolution.convention import Convention
from convkit.errors import SettingsError, ShapeError
from convkit.image import Image
from convkit.kernel import Kernel


class Combine(StrEnum):
    """How the responses to several kernels become one."""

    MAGNITUDE = "magnitude"


@dataclass(frozen=True, eq=False)
class Response:
    """What a filter made of a picture.

    Attributes
    ----------
    values : ndarray, float32 or float64
    backend : Backend
        The one that computed.
    offset : (int, int)
        Where the first tap sat relative to the output pixel.
    zero_sum : bool
        Whether flat areas give 0 and negative values mean as much as positive ones, as with edge filters.
    """

    values: NDArray[np.floating[Any]]
    backend: Backend
    offset: tuple[int, int]
    zero_sum: bool


def filter_picture(
    picture: Image,
    kernels: list[Kernel],
    convention: Convention,
    *,
    combine: Combine | None = None,
    backend: Backend | None = None,
    dtype: DTypeLike | None = None,
    device: str = "cpu",
) -> Response:
    """Apply one kernel, or several whose responses are combined.

    Integer pictures and matrices are computed in float32, others in their own type, unless ``dtype`` says so.

    Raises
    ------
    ConvkitError
        When a kernel does not fit the picture, responses differ in shape, or several kernels are not combined.
    """
    if (combine is None) != (len(kernels) == 1):
        raise SettingsError(
            expected="one --kernel, or several with --combine magnitude",
            got=f"{len(kernels)} with{'out' if combine is None else ''} --combine",
            hint="--kernel sobel-x --kernel sobel-y --combine magnitude",
        )
    responses = []
    for kernel in kernels:
        response, chosen = apply(picture, kernel, convention, backend=backend, dtype=dtype, device=device)
        responses.append(response)
    return Response(
        _magnitude(responses) if combine is Combine.MAGNITUDE else responses[0],
        chosen,
        convention.offset(kernels[0].taps.shape),
        combine is None and kernels[0].is_zero_sum and not kernels[0].bias,
    )


def _magnitude(responses: list[NDArray[np.floating[Any]]]) -> NDArray[np.floating[Any]]:
    """Return the root of the summed squares: of two derivatives, the gradient's length."""
    shapes = {response.shape for response in responses}
    if len(shapes) > 1:
        raise ShapeError(
            expected="responses of one shape to combine",
            got=" and ".join(f"{height}x{width}" for height, width in sorted(shapes)),
            hint="kernels of one size, or --padding replicate",
        )
    total = responses[0] ** 2
    for response in responses[1:]:
        total += response**2
    np.sqrt(total, out=total)
    return total
