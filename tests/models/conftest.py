"""Tests of the models run torch on one thread, so that they do not crowd each other out."""

from __future__ import annotations

import torch

torch.set_num_threads(1)
