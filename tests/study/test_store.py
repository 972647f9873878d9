"""The store: what is in it outlives kills, full disks and damage, and it takes no other work's trials."""

import json
import multiprocessing
import os
import re
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import circuitsnn
from circuitsnn.errors import InputError, StudyError
from circuitsnn.study import store as stores
from circuitsnn.study.plans import grid
from circuitsnn.study.store import FORMAT, Store, Trial, read_store
from circuitsnn.study.sweep import sweep

fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="forks processes")


def squares(a, rng):
    return {"square": a * a, "noise": rng.random()}


def expected(count, seed=0):
    """Compute the table of `squares` afresh."""
    seeds = [
        int(np.random.SeedSequence(seed, spawn_key=(row, 0, 0)).generate_state(1, np.uint64)[0]) >> 1
        for row in range(count)
    ]
    rows = [[a, a * a, np.random.default_rng(seed).random(), seed] for a, seed in enumerate(seeds)]
    return pd.DataFrame(rows, columns=["a", "square", "noise", "seed"])


def assert_whole(frame, count):
    assert frame.index.tolist() == list(range(count))
    pd.testing.assert_frame_equal(frame[["a", "square", "noise", "seed"]].reset_index(drop=True), expected(count))


def stored_in(path):
    """Count the trials in a store that may not be there yet."""
    try:
        return len(read_store(path))
    except InputError as error:
        assert re.search("there is no store|holds nothing yet", str(error))  # noqa: PT017
        return 0


def in_child(work):
    """Start work in a forked process, which shares the imports."""
    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    return process


def test_a_store_gives_the_same_table_and_can_be_read_back(tmp_path):
    path = tmp_path / "folder" / "s.db"
    frame = sweep(squares, {"a": range(20)}, store=path)
    assert_whole(frame, 20)
    for again in (read_store(path), read_store(str(path)), sweep(squares, {"a": range(20)}, store=path)):
        pd.testing.assert_frame_equal(again, frame)
        assert again.attrs == frame.attrs
        assert os.listdir(path.parent) == ["s.db"]


@pytest.fixture
def calls():
    """Calls of the functions below; not closed over, where a change would count as another function."""
    CALLS.clear()
    return CALLS


CALLS = []


def test_what_is_done_is_not_done_again(tmp_path, calls):
    def work(a):
        if a == 5 and len(CALLS) < 6:
            raise KeyboardInterrupt
        CALLS.append(a)
        return a

    def run():
        return sweep(work, {"a": range(9)}, store=tmp_path / "s.db")

    with pytest.raises(KeyboardInterrupt):
        run()
    assert read_store(tmp_path / "s.db")["a"].tolist() == [0, 1, 2, 3, 4]
    calls.append("interrupted")
    assert run()["value"].tolist() == list(range(9))
    assert calls == [0, 1, 2, 3, 4, "interrupted", 5, 6, 7, 8]
    run()
    assert len(calls) == 10


def test_failures_stay_as_they_are_recorded(tmp_path, calls):
    def fails(a):
        CALLS.append(a)
        raise ValueError("no")

    for _ in range(2):
        frame = sweep(fails, {"a": [1, 2]}, store=tmp_path / "s.db")
        assert frame["status"].tolist() == ["raised", "raised"]
    assert calls == [1, 2]


def test_numbers_come_back_to_the_last_bit(tmp_path):
    values = [0.1, 1e-300, 5e-324, -0.0, float("inf"), -float("inf"), 2**62, 1 / 3]

    def give(a):
        return {"x": values[a], "text": "µ\0'\"\n", "none": None, "bool": True}

    frame = sweep(give, {"a": range(len(values))}, store=tmp_path / "s.db")
    back = read_store(tmp_path / "s.db")
    assert [np.float64(x).tobytes() for x in back["x"]] == [np.float64(x).tobytes() for x in values]
    assert set(back["text"]) == {"µ\0'\"\n"}
    pd.testing.assert_frame_equal(frame, back)


@fork
def test_a_kill_at_any_instant_loses_at_most_the_trial_under_way(tmp_path):
    path, log = tmp_path / "s.db", tmp_path / "log"
    rng = np.random.default_rng(1)

    def work(a, rng):
        time.sleep(0.002)
        with open(log, "a") as file:
            file.write(f"{a}\n")
        return squares(a, rng)

    def run():
        return sweep(work, {"a": range(150)}, store=path)

    kills = stored = 0
    while stored < 150 and kills < 40:
        process = in_child(run)
        while not log.exists() and process.is_alive():
            time.sleep(0.001)
        time.sleep(rng.uniform(0.0, 0.15))
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        kills += 1
        before, stored = stored, stored_in(path)
        assert stored >= before
        done = len(log.read_text().splitlines())
        # Each kill costs the one trial under way, at most.
        assert done - kills <= stored <= done
    assert kills >= 3
    assert_whole(run(), 150)


@fork
def test_two_processes_share_out_the_work(tmp_path):
    path, log = tmp_path / "s.db", tmp_path / "log"

    def work(a, rng):
        time.sleep(0.005)
        with open(log, "a") as file:
            file.write(f"{os.getpid()} {a}\n")
        return squares(a, rng)

    def run():
        assert_whole(sweep(work, {"a": range(120)}, store=path), 120)

    processes = [in_child(run), in_child(run)]
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    lines = [line.split() for line in log.read_text().splitlines()]
    assert sorted(int(a) for _, a in lines) == list(range(120))  # each done once
    shares = [sum(int(pid) == process.pid for pid, _ in lines) for process in processes]
    assert min(shares) >= 20


@fork
def test_what_a_killed_process_had_claimed_is_done_by_the_other(tmp_path):
    path = tmp_path / "s.db"

    def work(a, rng):
        if a == 3 and os.getpid() != survivor:
            time.sleep(60)
        return squares(a, rng)

    survivor = os.getpid()
    process = in_child(lambda: sweep(work, {"a": range(30)}, store=path))
    while stored_in(path) < 3:
        time.sleep(0.01)
    killer = multiprocessing.get_context("fork").Process(target=lambda: (time.sleep(0.5), process.kill()))
    killer.start()
    # Until the other is killed, its trial is left to it.
    assert_whole(sweep(work, {"a": range(30)}, store=path), 30)
    assert not process.is_alive()
    killer.join()


def open_store(path, seed=0):
    about = {"seed": seed, "parameters": ["a"], "units": {}, "trials": 1, "reads": 1}
    return Store(path, about, {"seed": "seed"})


def trial(number):
    return Trial(number, {"a": number}, 5, "ok", {"x": 1.5}, "", 0.25)


def test_claims_are_given_up_when_their_lease_has_ended(tmp_path, monkeypatch):
    path = tmp_path / "s.db"
    monkeypatch.setattr(stores.socket, "gethostname", lambda: "another machine")
    theirs = open_store(path)
    assert theirs.claim(range(4)) == ([0, 1, 2, 3], [])
    theirs.record(trial(1))
    monkeypatch.undo()
    with open_store(path) as ours:
        assert ours.claim(range(6)) == ([4, 5], [0, 2, 3])
        # Its process cannot be looked at from here, so only time tells.
        sqlite3.connect(path).execute("SELECT 1")
        now = time.time()
        monkeypatch.setattr(stores.time, "time", lambda: now + 31)
        assert ours.claim(range(6)) == ([0, 2, 3, 4, 5], [])
    theirs.close()


def test_claims_are_renewed_while_a_trial_takes_long(tmp_path, monkeypatch):
    monkeypatch.setattr(stores, "_LEASE", 0.06)
    with open_store(tmp_path / "s.db") as ours:
        ours.claim([0])
        until = "SELECT until FROM owners"
        reader = sqlite3.connect(tmp_path / "s.db")
        first = reader.execute(until).fetchone()[0]
        deadline = time.monotonic() + 10
        while reader.execute(until).fetchone()[0] <= first and time.monotonic() < deadline:
            time.sleep(0.01)
        assert reader.execute(until).fetchone()[0] > first


def test_a_closed_store_gives_its_claims_back(tmp_path):
    path = tmp_path / "s.db"
    open_store(path).close()
    first, second = open_store(path), open_store(path)
    assert first.claim([0, 1]) == ([0, 1], [])
    assert second.claim([0, 1, 2]) == ([2], [0, 1])
    first.close()
    assert second.claim([0, 1, 2]) == ([0, 1, 2], [])
    second.close()


def test_the_first_of_two_answers_stays(tmp_path):
    with open_store(tmp_path / "s.db") as ours:
        ours.record(trial(0))
        ours.record(Trial(0, {"a": 0}, 5, "raised", None, "too late"))
        assert list(ours.trials()) == [trial(0)]
        assert ours.counts() == {"ok": 1}


def other(a, rng):
    return {"square": a + a, "noise": rng.random()}


@pytest.mark.parametrize(
    ("function", "plan", "arguments", "words"),
    [
        (other, {"a": range(3)}, {}, r'another function \(".*squares", now ".*other"\)'),
        (squares, {"a": range(4)}, {}, "another plan; name another file"),
        (squares, {"a": range(3)}, {"seed": 1}, "another seed \\(0, now 1\\)"),
        (squares, {"a": range(3)}, {"trials": 2}, "another number of trials of each row \\(1, now 2\\)"),
        (squares, {"a": range(3)}, {"reads": 2}, "another number of reads of each chip"),
        (squares, {"a": range(3)}, {"common": True}, "another choice of common chips"),
    ],
)
def test_other_work_is_refused(tmp_path, function, plan, arguments, words):
    path = tmp_path / "s.db"
    sweep(squares, {"a": range(3)}, store=path)
    before = path.read_bytes()
    with pytest.raises(InputError, match=words):
        sweep(function, plan, store=path, **arguments)
    assert path.read_bytes() == before


def test_a_changed_function_is_refused(tmp_path):
    def make(text):
        space = {}
        (tmp_path / "script.py").write_text(text)
        exec(compile(text, str(tmp_path / "script.py"), "exec"), space)
        import linecache

        linecache.clearcache()
        return space["work"]

    path = tmp_path / "s.db"
    sweep(make("def work(a):\n    return a\n"), {"a": [1]}, store=path)
    # Comments and layout do not count.
    sweep(make("def work(a):\n    '''Do it.'''\n\n    return (a)  # at once\n"), {"a": [1]}, store=path)
    with pytest.raises(InputError, match="another source of the function"):
        sweep(make("def work(a):\n    return 2 * a\n"), {"a": [1]}, store=path)


def test_other_versions_are_refused(tmp_path, monkeypatch):
    path = tmp_path / "s.db"
    sweep(squares, {"a": [1]}, store=path)
    monkeypatch.setattr(circuitsnn, "__version__", "99.0")
    with pytest.raises(InputError, match=r'another version of circuitsnn \(".*", now "99.0"\)'):
        sweep(squares, {"a": [1]}, store=path)
    assert len(read_store(path)) == 1  # reading goes on
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {FORMAT + 1}")
    for use in (lambda: sweep(squares, {"a": [1]}, store=path), lambda: read_store(path)):
        with pytest.raises(InputError, match=f"has format {FORMAT + 1}"):
            use()


def test_other_files_are_refused_and_stay(tmp_path):
    text, database = tmp_path / "a.txt", tmp_path / "b.db"
    text.write_text("some text that is no database at all\n" * 50)
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE mine (x)")
    connection.close()
    for path in (text, database):
        before = path.read_bytes()
        for use in (lambda path=path: sweep(squares, {"a": [1]}, store=path), lambda path=path: read_store(path)):
            with pytest.raises(InputError, match="store"):
                use()
        assert path.read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == ["a.txt", "b.db"]


def test_paths_that_cannot_be_stores_are_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    for path in (tmp_path, tmp_path / "file" / "s.db", "/dev/null/s.db"):
        with pytest.raises(InputError, match="store"):
            sweep(squares, {"a": [1]}, store=path)
    for path in (tmp_path, tmp_path / "none.db"):
        with pytest.raises(InputError, match="no store"):
            read_store(path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_refused(tmp_path):
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    with pytest.raises(InputError, match="cannot be opened"):
        sweep(squares, {"a": [1]}, store=tmp_path / "s.db")
    tmp_path.chmod(stat.S_IRWXU)


def test_a_file_in_a_folder_without_permission_is_refused(tmp_path, monkeypatch):
    # As above for root too, by what SQLite says there.
    def refuse(*arguments, **keywords):
        raise sqlite3.OperationalError("unable to open database file")

    monkeypatch.setattr(stores, "_connect", refuse)
    with pytest.raises(InputError, match="cannot be opened: unable to open database file"):
        sweep(squares, {"a": [1]}, store=tmp_path / "s.db")


def long_answer(a):
    return {"text": f"{a}" * 2000}


def assert_good_after_full_disk(path, run):
    frame = read_store(path)
    assert 0 < len(frame) < 100
    assert frame["text"].tolist() == [f"{a}" * 2000 for a in frame["a"]]
    assert run()["text"].tolist() == [f"{a}" * 2000 for a in range(100)]


def test_a_full_disk_is_said_and_the_store_stays_good(tmp_path, monkeypatch):
    path = tmp_path / "s.db"
    connect = stores._connect

    def connect_little(*arguments, **keywords):
        connection = connect(*arguments, **keywords)
        connection.execute("PRAGMA max_page_count = 20")
        return connection

    def run():
        return sweep(long_answer, {"a": range(100)}, store=path)

    monkeypatch.setattr(stores, "_connect", connect_little)
    with pytest.raises(StudyError, match=r"the disk is full.*make room and run the same again"):
        run()
    monkeypatch.undo()
    assert_good_after_full_disk(path, run)


@fork
def test_a_limit_of_the_files_size_is_said_and_the_store_stays_good(tmp_path):
    path = tmp_path / "s.db"

    def run():
        return sweep(long_answer, {"a": range(100)}, store=path)

    def run_within_limit():
        import resource  # Unix only

        resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        try:
            run()
        except StudyError as error:
            os._exit(7 if "the disk is full, or does not take" in str(error) else 8)

    process = in_child(run_within_limit)
    process.join()
    assert process.exitcode == 7
    assert_good_after_full_disk(path, run)


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounts a small disk, which takes root")
def test_a_disk_that_is_really_full(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160k", "none", str(disk)], capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        path = disk / "s.db"
        with pytest.raises(StudyError, match="the disk is full"):
            sweep(long_answer, {"a": range(100)}, store=path)
        frame = read_store(path)
        assert 0 < len(frame) < 100
        for name in os.listdir(disk):
            shutil.copy(disk / name, tmp_path / name)
    finally:
        subprocess.run(["umount", str(disk)], check=True)
    assert_good_after_full_disk(
        tmp_path / "s.db", lambda: sweep(long_answer, {"a": range(100)}, store=tmp_path / "s.db")
    )


def test_a_store_is_read_while_it_is_filled_and_from_a_copy(tmp_path):
    path = tmp_path / "s.db"
    with open_store(path) as ours:
        ours.record(trial(0))
        assert read_store(path)["x"].tolist() == [1.5]
    (tmp_path / "copy").mkdir()
    shutil.copy(path, tmp_path / "copy" / "s.db")
    (tmp_path / "copy").chmod(0o500)
    assert read_store(tmp_path / "copy" / "s.db")["a"].tolist() == [0]
    (tmp_path / "copy").chmod(0o700)


@pytest.fixture(scope="module")
def whole_store(tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "s.db"
    frame = sweep(squares, {"a": range(40)}, store=path)
    return path.read_bytes(), frame


@given(data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_files_give_one_input_error_or_the_whole_truth(whole_store, tmp_path_factory, data):
    content, frame = whole_store
    damaged = bytearray(content)
    kind = data.draw(st.sampled_from(["bytes", "cut", "zeros", "doubled"]))
    place = data.draw(st.integers(0, len(content) - 1))
    if kind == "bytes":
        for _ in range(data.draw(st.integers(1, 8))):
            damaged[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    elif kind == "cut":
        del damaged[place:]
    elif kind == "zeros":
        damaged[place : place + 4096] = bytes(len(damaged[place : place + 4096]))
    else:
        damaged[place:place] = damaged[place : place + 1000]
    path = tmp_path_factory.mktemp("damaged") / "s.db"
    path.write_bytes(damaged)
    try:
        back = read_store(path)
    except InputError:
        return
    pd.testing.assert_frame_equal(back, frame)


def test_a_letter_of_a_tables_description_hides_no_trials(whole_store, tmp_path):
    """With another type, the number is no key, and SQLite finds no rows by it."""
    path, described = tmp_path / "s.db", b"CREATE TABLE trials (number INTEGER PRIMARY"
    assert whole_store[0].count(described) == 1
    path.write_bytes(whole_store[0].replace(described, described.replace(b"INTEGER", b"INTEGAR")))
    with pytest.raises(InputError, match="damaged"):
        read_store(path)


@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_wrong_content_gives_one_input_error(whole_store, tmp_path_factory, data):
    path = tmp_path_factory.mktemp("wrong") / "s.db"
    path.write_bytes(whole_store[0])
    value = data.draw(st.none() | st.integers() | st.text(max_size=20) | st.binary(max_size=8) | st.floats())
    text = data.draw(st.sampled_from([None, json.dumps(value, default=repr)]))
    value = min(max(value, -(2**62)), 2**62) if isinstance(value, int) else value
    value = value if text is None else text
    column = data.draw(st.sampled_from(["parameters", "seed", "status", "error", "answer", "duration", "about"]))
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous = OFF")
    try:
        if column == "about":
            name = data.draw(st.sampled_from(["parameters", "units", "trials", "reads"]))
            connection.execute("UPDATE about SET value = ? WHERE name = ?", (value, name))
        else:
            connection.execute(f"UPDATE trials SET {column} = ? WHERE number = 7", (value,))
        connection.commit()
    except (sqlite3.Error, UnicodeError):
        return  # not even SQLite takes it
    finally:
        connection.close()
    try:
        read_store(path)
    except InputError:
        return
    if column != "about":
        pd.testing.assert_frame_equal(read_store(path), whole_store[1])


def test_a_plan_of_a_store_is_read_in_its_units(tmp_path):
    sweep(lambda a: a, grid({"a": ["1 kΩ"]}), store=tmp_path / "s.db")
    attrs = read_store(tmp_path / "s.db").attrs
    assert (attrs["units"], attrs["parameters"]) == ({"a": "Ω", "duration": "s"}, ["a"])
