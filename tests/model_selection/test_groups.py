"""Names of plants and treatments: any dtype, none missing."""

import numpy as np
import pytest

from skwater.model_selection._groups import check_groups


@pytest.mark.parametrize("groups", [[3, 3, 4], ["a", "b", "b"], np.array(["a", 1, 2], object)])
def test_any_dtype(groups):
    assert check_groups(groups).tolist() == list(groups)


def test_no_groups():
    with pytest.raises(ValueError, match=r"numpy\.arange\(len\(X\)\) names them"):
        check_groups(None)


@pytest.mark.parametrize("name", [np.nan, None])
def test_a_name_that_is_missing(name):
    with pytest.raises(ValueError, match=f"groups is {name} for sample 2: without a name"):
        check_groups(np.array(["a", "b", name], dtype=object))
