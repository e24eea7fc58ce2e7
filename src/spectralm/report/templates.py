"""Templates of this package."""

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined

from spectralm.report.timings import duration


def environment(autoescape: bool) -> Environment:
    """Jinja with this package's templates; what a template names must be there."""
    made = Environment(
        loader=PackageLoader("spectralm.report", "."),
        autoescape=autoescape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["duration"] = duration
    made.filters["yaml"] = lambda value: yaml.safe_dump(value, sort_keys=False, allow_unicode=True)
    return made
