"""The network: encoder, mean pooling, standardised dimensions and a linear head."""

from __future__ import annotations

import torch
from torch import nn

from ..core import emotions
from .embeddings import mean_pool


class EmotionModel(nn.Module):
    """Encoder, mean pooling, standardised dimensions, dropout, and a linear layer to six logits.

    In training a second linear layer tells the source's own labels; it is not saved.

    Mean-pooled vectors of contrastive encoders such as E5 lie in a narrow cone. Without standardising, the head
    sees nearly the same vector for every text and training stays at the majority for hundreds of steps.
    """

    def __init__(
        self,
        encoder: nn.Module,
        class_weights: torch.Tensor | None = None,
        labels: int = 0,
        auxiliary: float = 0.0,
        focal: float = 0.0,
        label_smoothing: float = 0.0,
    ):
        super().__init__()
        self.auxiliary, self.focal, self.label_smoothing = auxiliary, focal, label_smoothing
        self.encoder = encoder
        self.standardise = nn.BatchNorm1d(encoder.config.hidden_size, affine=False)
        self.dropout = nn.Dropout(0.1)
        self.head = nn.Linear(encoder.config.hidden_size, emotions.N)
        self.labels_head = nn.Linear(encoder.config.hidden_size, labels) if labels else None
        self.register_buffer(
            "class_weights", torch.ones(emotions.N) if class_weights is None else class_weights
        )

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        labels: torch.Tensor | None = None,
    ) -> dict:
        """Logits (batch, 6), and the loss against soft targets of the emotions and of the source's labels (batch, 6 + labels)."""
        hidden = self.encoder(
            input_ids=input_ids, attention_mask=attention_mask
        ).last_hidden_state  # (batch, tokens, dim)
        pooled = self.dropout(self.standardise(mean_pool(hidden, attention_mask)))  # (batch, dim)
        logits = self.head(pooled)  # (batch, 6)
        if labels is None:
            return {"logits": logits}
        targets = (
            labels[:, : emotions.N] * (1 - self.label_smoothing) + self.label_smoothing / emotions.N
        )
        logs = logits.float().log_softmax(-1)  # (batch, 6)
        loss = (
            -(targets * self.class_weights * (1 - logs.exp()) ** self.focal * logs).sum(-1).mean()
        )
        if self.labels_head is not None:
            told, true = (
                self.labels_head(pooled).float(),
                labels[:, emotions.N :],
            )  # (batch, labels)
            loss = (
                loss
                + self.auxiliary
                * nn.functional.binary_cross_entropy_with_logits(told, true, reduction="none")
                .sum(-1)
                .mean()
            )
        return {"loss": loss, "logits": logits}
