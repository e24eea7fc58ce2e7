"""The kinds of read-ins, found by the names of their modules."""

from spectralm.kinds import Kinds
from spectralm.llm.read_in import kinds, options
from spectralm.llm.read_in.options import ReadInOptions

READ_INS = Kinds("read-in", kinds, options, ReadInOptions)
