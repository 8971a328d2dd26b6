"""What a recovered kernel is: names from the library and its families, or what can be said without one."""

from convkit.recovery.naming.match import Match
from convkit.recovery.naming.naming import Naming, name_kernel
from convkit.recovery.naming.nominal import nominal_kernels
from convkit.recovery.naming.properties import Properties
from convkit.recovery.naming.words import offset_in_words

__all__ = ["Match", "Naming", "Properties", "name_kernel", "nominal_kernels", "offset_in_words"]
