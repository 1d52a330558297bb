from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from faceswap_cli.faces.statistics import middle, percentiles


@pytest.mark.parametrize("count", [1, 2, 7, 1000])
def test_they_are_numpy_s(count):
    samples = np.random.default_rng(count).normal(size=(count, 3)).astype(np.float32)
    assert percentiles(samples[:, 0], (0, 0.3, 50, 99.7, 100)) == pytest.approx(
        np.percentile(samples[:, 0], (0, 0.3, 50, 99.7, 100)).tolist(), abs=1e-6)
    np.testing.assert_array_equal(middle(samples), np.sort(samples, axis=0)[count // 2])
    if count % 2:
        np.testing.assert_array_equal(middle(samples), np.median(samples, axis=0))


def test_they_import_no_masked_arrays():
    program = ("import sys, numpy as np\nfrom faceswap_cli.faces.statistics import middle, percentiles\n"
               "middle(np.ones((3, 2), np.float32)), percentiles(np.ones(3), (1, 2))\n"
               "sys.exit('numpy.ma' in sys.modules)")
    subprocess.run([sys.executable, "-c", program], check=True)
