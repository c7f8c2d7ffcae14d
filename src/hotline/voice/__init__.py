"""The engine's side of the control protocol: typed frames, the link, and the gateway to the domain."""
