"""A name that fits."""

from dataclasses import dataclass

from convkit.recovery.naming.orientation import Flip


@dataclass(frozen=True)
class Parameter:
    """A number that belongs to a name.

    Attributes
    ----------
    name : str
    value : float
    error : float
        Standard error; 0 for what is given by the name itself, infinite for what the taps do not tell.
    """

    name: str
    value: float
    error: float = 0.0


@dataclass(frozen=True)
class Match:
    """A kernel with a name that fits the taps within their error bars.

    Attributes
    ----------
    name : str
        As in the kernel library: ``sobel``, ``gaussian``, ``pillow/emboss``.
    text : str
        As shown to people: ``Sobel / 4, correlated, centred``.
    parameters : tuple of Parameter
    gain, gain_error : float
        Factor on the named kernel, and its standard error.
    flip : str
        ``none``, ``both``, ``vertical`` or ``horizontal``.
    rotation : int
        Degrees clockwise, after the flip.
    offset : str
        Where it lies, in words.
    statistic : float
        Chi-square per degree of freedom of the misfit.
    score : float
        Chi-square plus how implausible the name is beforehand; the lowest comes first.
    """

    name: str
    text: str
    parameters: tuple[Parameter, ...]
    gain: float
    gain_error: float
    flip: Flip
    rotation: int
    offset: str
    statistic: float
    score: float
