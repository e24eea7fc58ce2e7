"""The base class of options.

The options of each subpackage are a part of the config: typed and frozen, with a description of
every key.
"""

from pydantic import BaseModel, ConfigDict


class Options(BaseModel):
    """Base class of all options: unknown keys, wrong types and changes are errors."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True
    )
