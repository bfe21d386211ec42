"""A recording of the same writing laid on its scan: where the pen was on the paper, and how well the two agree."""

from kalamos.align.registration import align
from kalamos.align.verdict import Alignment, Verdict

__all__ = ["Alignment", "Verdict", "align"]
