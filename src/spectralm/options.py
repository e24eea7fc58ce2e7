"""What every wing's options have in common.

A wing's options are a subtree of the config: typed, frozen, each key with a default and a sentence.
"""

from pydantic import BaseModel, ConfigDict


class Options(BaseModel):
    """Base of all options: unknown keys, wrong types and changes are refused."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True
    )
