"""The network: encoder, mean pooling, standardised dimensions and a linear head."""

from __future__ import annotations

import torch
from torch import nn

from ..core import emotions
from .embeddings import mean_pool


class EmotionModel(nn.Module):
    """Encoder, mean pooling, standardised dimensions, dropout, and a linear layer to six logits.

    In training a second linear layer predicts the source's own labels. It is not saved.

    Mean-pooled embeddings of contrastive encoders such as E5 lie in a narrow cone. Without
    standardising, training stays at the majority class for hundreds of steps.
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
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        hidden: torch.Tensor | None = None,
    ) -> dict:
        """Compute logits (batch, 6) and, with labels, the loss.

        Parameters
        ----------
        input_ids, attention_mask
            Token ids and mask (batch, tokens).
        labels
            Soft targets of the six emotions and of the source's own labels (batch, 6 + labels).
        hidden
            Hidden states (batch, tokens, dim) instead of ids, for `frozen_layers.upper_layers`.
        """
        inputs = {"input_ids": input_ids} if hidden is None else {"inputs_embeds": hidden}
        states = self.encoder(**inputs, attention_mask=attention_mask).last_hidden_state
        pooled = self.dropout(self.standardise(mean_pool(states, attention_mask)))  # (batch, dim)
        logits = self.head(pooled)  # (batch, 6)
        if labels is None:
            return {"logits": logits}
        return {"loss": self._loss(pooled, logits, labels), "logits": logits}

    def _loss(self, pooled: torch.Tensor, logits: torch.Tensor, labels: torch.Tensor):
        """Focal cross-entropy with soft targets, plus the auxiliary task's cross-entropy."""
        smooth = self.label_smoothing
        targets = labels[:, : emotions.N] * (1 - smooth) + smooth / emotions.N
        logs = logits.float().log_softmax(-1)  # (batch, 6)
        weighted = targets * self.class_weights * (1 - logs.exp()) ** self.focal
        loss = -(weighted * logs).sum(-1).mean()
        if self.labels_head is not None:
            own, true = self.labels_head(pooled).float(), labels[:, emotions.N :]
            each = nn.functional.binary_cross_entropy_with_logits(own, true, reduction="none")
            loss = loss + self.auxiliary * each.sum(-1).mean()
        return loss
