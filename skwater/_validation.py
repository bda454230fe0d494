"""Decorators of scikit-learn that validate parameters, for type checkers too.

scikit-learn has no annotations, so that a type checker forgets the type of what they decorate.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    F = TypeVar("F", bound=Callable[..., Any])

    def validate_params(
        parameter_constraints: dict[str, Any], *, prefer_skip_nested_validation: bool
    ) -> Callable[[F], F]: ...

    def _fit_context(*, prefer_skip_nested_validation: bool) -> Callable[[F], F]: ...

else:
    from sklearn.base import _fit_context
    from sklearn.utils._param_validation import validate_params

__all__ = ["_fit_context", "validate_params"]
