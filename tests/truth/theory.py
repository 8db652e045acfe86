"""Yields what a client must see of a truth server, from when its requests were due; it measures nothing.

All times are integers, in nanoseconds of one clock.
"""

import math
from fractions import Fraction

import numpy as np
import numpy.typing as npt

Nanoseconds = npt.NDArray[np.int64]


def lindley(due: Nanoseconds, service: Nanoseconds) -> Nanoseconds:
    """When each request is done at one server, first come first served: start_k = max(due_k, done_{k-1}).

    Lindley, "The theory of queues with a single server", Proc. Camb. Phil. Soc. 48 (1952) 277-289. Solved, it says
    done_k = S_k + max over j <= k of (due_j - S_{j-1}), where S_k is the service of the first k requests.
    """
    total = np.cumsum(service)
    return total + np.maximum.accumulate(due - (total - service))


def frozen(due: Nanoseconds, service: Nanoseconds, *, freeze: int, every: int, origin: int) -> Nanoseconds:
    """The same with a server that serves nothing in the last `freeze` of every `every`, counted from `origin`.

    Work in service pauses. So on a clock that stands still during the freezes this is the queue of `lindley`: the due
    times are put on that clock, and what is done is read back. Before `origin` nothing freezes.
    """
    serving = every - freeze
    due = due - origin
    period = np.maximum(due // every, 0)
    done = lindley(period * serving + np.minimum(due - period * every, serving), service)
    # The still clock shows the same for a freeze's begin and its end. Work ends at the begin; what needs no work waits
    # for the end.
    period = np.maximum(np.where(service > 0, done - 1, done) // serving, 0)
    return origin + period * every + (done - period * serving)


def percentile(values: npt.NDArray[np.int64] | npt.NDArray[np.float64], share: float) -> float:
    """The nearest-rank percentile: the ceil(share * n)-th smallest value, for a share in (0, 1]."""
    # As a fraction of what was written: in floats 0.07 * 100 is above 7, and its ceiling 8.
    rank = math.ceil(Fraction(str(share)) * len(values))
    return float(np.sort(values)[max(rank, 1) - 1])
