"""Which validation questions each process of a training answers."""

import math

import pytest

from spectralm.llm.scoring import share


@pytest.mark.parametrize(("questions", "processes"), [(7, 2), (500, 8), (3, 8), (1, 1)])
def test_shares_have_one_length_and_contain_every_question(questions, processes):
    shares = [share(questions, process, processes) for process in range(processes)]
    assert set().union(*shares) == set(range(questions))
    assert {len(numbers) for numbers in shares} == {math.ceil(questions / processes)}
