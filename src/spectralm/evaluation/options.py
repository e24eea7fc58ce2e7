"""Options of the statistics of residuals."""

from typing import Annotated

from pydantic import Field, field_validator

from spectralm.options import Options


class EvaluationOptions(Options):
    """How residuals are summarised and shown."""

    floor: str | None = None
    """Folder of tables by dataset: true labels and what limits residuals, if known (the demo)."""
    resamples: int = Field(1000, gt=0)
    """Bootstrap resamples of the stars behind each interval."""
    seed: int = 0
    """Seed of the bootstrap."""
    interval: float = Field(0.68, gt=0, lt=1)
    """Central probability of the bootstrap intervals."""
    outlier_sigmas: float = Field(5.0, gt=0)
    """Residuals further from the median than this many robust sigmas (1.4826 MAD) are outliers."""
    snr_bins: list[Annotated[float, Field(gt=0)]] = Field(
        [10.0, 20.0, 40.0, 80.0, 160.0], min_length=1
    )
    """Signal-to-noise ratios in r that divide the spectra into bins; the outer bins are open."""
    well_determined: float = Field(0.14, gt=0)
    """An element is well determined whose sigma (dex) is no larger in any external survey."""
    weak: float = Field(0.2, gt=0)
    """An element is weak whose sigma (dex) is larger in any external survey."""
    published: dict[str, list[str]] = Field(
        {
            "LightGBM": ["lightgbm"],
            "ResNet-50": ["resnet50", "resnet50_cosine", "resnet50_abundances"],
            "Small CNN": ["cnn"],
            "GRU": ["gru"],
            "LLM": ["llm", "llm_abundances"],
        }
    )
    """For each model of the paper's tables, the models here that are compared with it: in a table
    the first that was run at its scale."""
    failed: dict[str, str] = Field({})
    """Runs that could not be made, each with the reason: not tried, but named in every table."""
    note: str = ""
    """What every caption ends with, such as that the data are synthetic."""

    @field_validator("snr_bins")
    @classmethod
    def _increasing(cls, edges: list[float]) -> list[float]:
        if sorted(set(edges)) != edges:
            raise ValueError(f"{edges} must increase from each to the next")
        return edges
