"""Learned recovery: one module a model, training, and the weights that ship with the package."""

import os

# From version 1.32 ONNX Runtime reports its use over the network and keeps an identifier of the machine in the user's
# cache; it asks once, when it is loaded. Pictures of handwriting are nobody's business: who wants it sets this to 0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
