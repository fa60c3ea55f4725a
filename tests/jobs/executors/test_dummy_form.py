import pytest

from tests.jobs.executors.payloads import errors, full, small


def test_nothing_needs_to_be_said():
    assert errors(small("DUMMY")) == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("successProbability", 1.1),
        ("successProbability", "nan"),
        ("successProbability", True),
        ("simulatedDelaySeconds", -1),
        ("simulatedMemoryUsageMB", 513),
        ("totalRecords", 1.5),
        ("simulateFailure", "perhaps"),
        ("testType", "miracle"),
        ("seed", -1),
        ("seed", 2**53),
        ("concurrencyGroup", "x" * 101),
        ("failureMessage", 5),
        ("failureMessage", "x" * 501),
    ],
)
def test_what_cannot_be_simulated_is_refused_at_its_field(name, value):
    assert errors(full("DUMMY", metadata={name: value})).keys() == {name}


def test_a_box_that_is_not_ticked_leaves_no_trace():
    checked = small("DUMMY", metadata={"simulateDbFailure": False, "simulatedQueryTimeMs": 0})
    assert checked.is_valid()
    assert checked.columns() == {"metadata": {"simulatedQueryTimeMs": 0}}


def test_the_kind_of_test_keeps_the_words_of_requests():
    checked = small("DUMMY", metadata={"testType": "Load test"})
    assert checked.is_valid()
    assert checked.columns() == {"metadata": {"testType": "load_test"}}
