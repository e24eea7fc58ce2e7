"""Quality flags of a resampled spectrum, one bit each; the manual's table is made from them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Flag:
    """One bit of the column ``flags``."""

    name: str
    bit: int
    description: str

    @property
    def value(self) -> int:
        """The flag as an integer."""
        return 1 << self.bit


LONG_GAP = Flag(
    "long_gap", 0, "a run of masked pixels longer than longest_cubic_gap became a straight line"
)
BLUE_EDGE = Flag(
    "blue_edge", 1, "the grid begins before the first good pixel, whose flux is used there"
)
RED_EDGE = Flag("red_edge", 2, "the grid ends after the last good pixel, whose flux is used there")
ABOVE_ONE = Flag("above_one", 3, "a value is above 1.000: the spline overshoots near the maximum")
NEGATIVE = Flag("negative", 4, "a value is below 0.000: negative flux in the file, or undershoot")
CLIPPED = Flag(
    "clipped", 5, "a value was clipped: beyond +-32.767, or 0 to 0.999 with normalise: continuum"
)
OFFSET_FIBRE = Flag("offset_fibre", 6, "the fibre was offset from the star (card OFFSET)")
NO_OBSID = Flag("no_obsid", 7, "the file has no OBSID to compare with the manifest's")
HOLE = Flag(
    "hole", 8, "a pixel without data (FLUX and IVAR 0) that ORMASK does not mark was used as it is"
)

FLAGS = (LONG_GAP, BLUE_EDGE, RED_EDGE, ABOVE_ONE, NEGATIVE, CLIPPED, OFFSET_FIBRE, NO_OBSID, HOLE)


def flag_names(flags: int) -> list[str]:
    """Names of the flags that are set."""
    return [flag.name for flag in FLAGS if flags & flag.value]
