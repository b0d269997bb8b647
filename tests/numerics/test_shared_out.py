from __future__ import annotations

import threading

import pytest
import torch

from lensmaker.numerics.shared_out import shared_out


@pytest.fixture
def two_threads() -> object:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def of_a_new_thread() -> int:
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    return found[0]


def test_two_parts_run_at_the_same_time_and_come_back_in_order(two_threads: None) -> None:
    meeting = threading.Barrier(2)

    def work(part: int) -> tuple[int, int, bool]:
        meeting.wait(timeout=60)
        return part, torch.get_num_threads(), torch.is_grad_enabled()

    assert shared_out(work, [3, 4]) == [(3, 1, False), (4, 1, False)]


def test_no_other_thread_feels_it(two_threads: None) -> None:
    expected = of_a_new_thread()
    shared_out(lambda part: part, [1, 2, 3])
    assert (torch.get_num_threads(), of_a_new_thread()) == (2, expected)


def test_an_error_comes_through(two_threads: None) -> None:
    with pytest.raises(ZeroDivisionError, match="by zero"):
        shared_out(lambda part: 1 // part, [1, 0])
    assert torch.get_num_threads() == 2
