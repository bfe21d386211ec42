"""A recording of the same writing laid on its scan: where the pen was on the paper, and how well the two agree."""

from kalamos.align.registration import Alignment, Verdict, align

__all__ = ["Alignment", "Verdict", "align"]
