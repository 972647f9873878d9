import pytest
from misbehaviour import square

from circuitsnn.errors import InputError
from circuitsnn.study.executors import Here, Processes, Task, open_executor


def test_the_name_and_the_number_of_jobs_choose_the_executor():
    assert isinstance(open_executor(), Here)
    assert isinstance(open_executor("here"), Here)
    assert isinstance(open_executor(jobs=2), Processes)
    assert isinstance(open_executor(isolated=True), Processes)
    assert open_executor("processes", 3).workers == 3
    mine = Here()
    assert open_executor(mine, 5) is mine


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"where": "cloud"}, "executor is 'cloud'; allowed: 'here', 'processes', or the address of a Dask scheduler"),
        ({"where": "here", "jobs": 2}, "one task at a time"),
        ({"where": "here", "isolated": True}, "not isolated"),
        ({"jobs": 0}, "jobs is 0; allowed is a whole number >= 1"),
        ({"jobs": 1.5}, "jobs is 1.5"),
        ({"where": "processes", "jobs": True}, "jobs is True"),
    ],
)
def test_what_cannot_be_opened_is_said(arguments, message):
    with pytest.raises(InputError) as caught:
        open_executor(**arguments)
    assert message in str(caught.value)


@pytest.mark.parametrize("where", ["here", "processes"])
def test_each_task_is_told_of(where):
    with open_executor(where) as executor:
        done = {one.number: one for one in executor.run(square, (Task(n + 10, n) for n in range(4)))}
    assert {number: one.value for number, one in done.items()} == {10: 0, 11: 1, 12: None, 13: 9}
    assert [done[number].status for number in sorted(done)] == ["ok", "ok", "raised", "ok"]
    assert done[12].error == "ValueError: two is not allowed"
    assert isinstance(done[12].exception, ValueError)
    assert all(one.duration >= 0 for one in done.values())


def test_here_cannot_give_a_task_up():
    with pytest.raises(InputError, match="cannot be given up"):
        next(Here().run(square, [Task(0, 0)], time_limit=1.0))
