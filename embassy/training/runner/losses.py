"""The loss behind `dynamic_loss`."""

from __future__ import annotations

import torch

FOCAL_GAMMA = 1.0


def focal_loss(
    log_probs: torch.Tensor, mask: torch.Tensor, num_items: torch.Tensor | int | None
) -> torch.Tensor:
    """Mean negative log-likelihood in which each target token weighs (1 - p) ** gamma.

    Tokens that the model already predicts count less and hard ones more. This is the focal loss of Lin et
    al., "Focal Loss for Dense Object Detection" (2017), applied to target tokens; the weight carries no
    gradient, so it scales a token's gradient and never turns it round.

    `log_probs` are the targets' log-probabilities, zero where `mask` is false. The sum is divided by
    `num_items`, the target tokens of the whole optimizer step, as the plain loss is: micro-batches of a
    step then add up to the loss of one big batch. None divides by this batch's own tokens.
    """
    weights = (1.0 - log_probs.detach().exp()) ** FOCAL_GAMMA
    count = mask.sum() if num_items is None else torch.as_tensor(num_items)
    return -(weights * log_probs * mask).sum() / count.clamp(min=1)
