"""ONNX Runtime: which providers there are, how sessions are opened, and how graphs are made faster."""
