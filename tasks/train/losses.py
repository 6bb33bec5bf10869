"""What training makes smaller: the ranking loss of triplets, in both published forms, and average precision.

Descriptors are of unit length. Every function is differentiable, on whatever device and in whatever dtype they come.
"""

import torch
from torch import Tensor


def dot_losses(triplets: Tensor, margin: float) -> Tensor:
    """Returns the ranking loss of dot products, max(0, m + q·d⁻ − q·d⁺) (Gordo et al. 2017).

    Args:
        triplets: (batch, 3, dimensions), the descriptors of a query, of a positive and of a negative.
        margin: by how much the positive must be more similar to the query than the negative is.

    Returns:
        (batch,), the loss of each triplet; the gradient of a triplet without loss is zero.
    """
    queries, positives, negatives = triplets.unbind(dim=1)
    return torch.relu(margin + ((negatives - positives) * queries).sum(dim=-1))


def joint_losses(images: Tensor, texts: Tensor, margin: float) -> Tensor:
    """Computes the losses that bring images and texts into one space, L_v + L_t1 + L_t2 (Gordo & Larlus 2017, 4.2).

    L_v ranks images for an image, L_t1 texts for an image, and L_t2 images for a text; each is half of `dot_losses`.

    Args:
        images, texts: (batch, 3, dimensions), of a query, of a positive and of a negative, what is seen and what is
            said of it, each of unit length.
        margin: by how much the positive must be more similar to the query than the negative is.

    Returns:
        (batch,), the sum for each triplet.
    """
    texts_for_images = torch.cat([images[:, :1], texts[:, 1:]], dim=1)
    images_for_texts = torch.cat([texts[:, :1], images[:, 1:]], dim=1)
    ways = images, texts_for_images, images_for_texts
    return torch.stack([dot_losses(own, margin) for own in ways]).sum(dim=0) / 2


def squared_losses(triplets: Tensor, margin: float) -> Tensor:
    """Returns the ranking loss of squared distances, ½ max(0, m + ‖q − d⁺‖² − ‖q − d⁻‖²) (Gordo et al. 2016).

    Of descriptors of unit length it is the loss of dot products with half the margin, and so are its values; its
    gradients are too, but for what they have along the descriptors, which a change of unit length never follows.

    Args:
        triplets: (batch, 3, dimensions), the descriptors of a query, of a positive and of a negative.
        margin: by how much the squared distance to the positive must be below that to the negative.

    Returns:
        (batch,), the loss of each triplet.
    """
    queries, positives, negatives = triplets.unbind(dim=1)
    near, far = ((queries - other).square().sum(dim=-1) for other in (positives, negatives))
    return torch.relu(margin + near - far) / 2


def ap_losses(similarities: Tensor, relevant: Tensor, ranked: Tensor, bins: int) -> Tensor:
    """Returns one minus the average precision of each query's list, made differentiable by histograms.

    An image counts for the two nearest of evenly spaced similarities from 1 to 0, the more for the nearer; what is
    below 0 counts for 0. Precision and the gain of recall are taken bin by bin, from 1 down (He et al. 2018, with the
    bins of the released code of Revaud et al. 2019).

    Args:
        similarities: (queries, images), dot products.
        relevant: bool (queries, images), which images of a query's list are right; one at least of each query.
        ranked: bool (queries, images), which images are in a query's list: not the query itself, nor its copies.
        bins: how many; 25 in the released code.

    Returns:
        (queries,), from 0 to 1; of similarities that lie on bins, each on its own, it is exact.

    Raises:
        ValueError: a query has no relevant image in its list.
    """
    right = relevant & ranked
    if not right.any(dim=1).all():
        raise ValueError("each query of the AP loss needs a relevant image in its list")
    positions = (1 - similarities.clamp(0, 1)) * (bins - 1)
    offsets = (positions[:, None] - torch.arange(bins, device=positions.device)[:, None]).abs()
    shares = torch.relu(1 - offsets) * ranked[:, None]  # (queries, bins, images)
    found, hits = shares.sum(dim=2), (shares * right[:, None]).sum(dim=2)
    precision = hits.cumsum(dim=1) / found.cumsum(dim=1).clamp(min=torch.finfo(shares.dtype).tiny)
    return 1 - (precision * hits).sum(dim=1) / right.sum(dim=1)
