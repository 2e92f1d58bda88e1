"""The contrast of two views (InfoNCE): what belongs together must be more alike than what doesn't."""

from __future__ import annotations

from typing import Any, Optional


def contrast(torch: Any, first: Any, second: Any, scale: Any, apart: Any, further: Optional[Any] = None) -> Any:
    """Return how hard it is to find each row of `first` its own row of `second`, as a share of guessing: 1 = by chance.

    Rows have length one. `apart` `(b, b)` tells which rows are of different places: another view of the same place is
    no wrong answer, so it is none at all. `further` are wrong answers of places that the batch has not.
    """
    count = len(first)
    own = torch.eye(count, dtype=torch.bool, device=first.device)
    logits = (first @ second.T) * scale
    logits = logits.masked_fill(~(apart | own), float("-inf"))
    if further is not None and len(further):
        logits = torch.cat([logits, (first @ further.T) * scale], dim=1)
    candidates = torch.isfinite(logits).sum(dim=1)
    surprise = torch.logsumexp(logits, dim=1) - logits[own.nonzero(as_tuple=True)]
    useful = candidates > 1
    if not bool(useful.any()):
        # A batch of one place teaches nothing, but the loop needs something to differentiate.
        return surprise.sum() * 0.0
    return (surprise[useful] / torch.log(candidates[useful].to(surprise.dtype))).mean()


def both_ways(torch: Any, first: Any, second: Any, scale: Any, apart: Any) -> Any:
    """Return the mean of both directions."""
    return (contrast(torch, first, second, scale, apart) + contrast(torch, second, first, scale, apart)) / 2
